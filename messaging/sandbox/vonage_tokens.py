"""Who sends with a token of an application, and how does Vonage sign what it posts? With JSON Web Tokens."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import jwt
import orjson
from jwt.types import Options

_LONGEST = 86_400.0
"""Seconds a token may be valid (Vonage: a day)."""
_REMEMBERED = 1024


def signed(secret: str, claims: Mapping[str, Any]) -> str:
    """A token of these claims, signed by HMAC-SHA256."""
    head = _base64(b'{"alg":"HS256","typ":"JWT"}') + b"." + _base64(orjson.dumps(claims))
    return (head + b"." + _base64(hmac.digest(secret.encode(), head, sha256))).decode()


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


class Doorman:
    """Reads the tokens of requests, and remembers those he has read."""

    def __init__(
        self,
        applications: Mapping[str, str],
        public_key: Callable[[str], str],
        clock: Callable[[], float],
    ) -> None:
        self._applications = applications
        self._public_key = public_key
        self._clock = clock
        self._read: dict[str, tuple[str, str, float]] = {}
        """The application, the key it was verified with, and until when it is good, by token."""

    def application(self, token: str) -> str | None:
        """The application whose token this is; None for a token that is none, or no longer.

        Its signature is verified if the account has given the application's public key (PEM).
        """
        known = self._read.get(token)
        if known is None or known[1] != self._key(known[0]):
            known = self._examined(token)
            if known is None:
                return None
            if len(self._read) >= _REMEMBERED:
                self._read.clear()
            self._read[token] = known
        application, _, until = known
        return application if self._clock() < until else None

    def _key(self, application: str) -> str:
        return self._public_key(self._applications[application])

    def _examined(self, token: str) -> tuple[str, str, float] | None:
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
            application = claims.get("application_id")
            if jwt.get_unverified_header(token).get("alg") != "RS256":
                return None
            if not isinstance(application, str) or application not in self._applications:
                return None
            key = self._key(application)
            if key:
                # Its times are judged below, against the carrier's clock.
                lax: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
                jwt.decode(token, key, ["RS256"], options=lax)
            began = float(claims["iat"])
            ends = float(claims.get("exp", began + _LONGEST))
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            return None
        return application, key, min(ends, began + _LONGEST) if claims.get("jti") else 0.0
