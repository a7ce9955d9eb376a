"""Is a webhook's address its owner's? Meta asks it by a GET before it posts there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlencode, urlsplit

import orjson

from messaging.sandbox.addresses import is_web
from messaging.sandbox.config import Account
from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.dialect import Shared

PATH = "/sandbox/challenge"
_PATIENCE = 10.0
_LONGEST = 4096


class Challenge:
    """Asks the question at a test's wish."""

    def __init__(self, shared: Shared, accounts: Sequence[Account]) -> None:
        """Takes the word from an account's setting `verify_token`, unless it is given one."""
        self._shared = shared
        self._accounts = accounts

    async def ask(self, request: Request) -> Reply:
        """Asks one address; answers with the question, and with the status and text of the answer.

        The JSON body holds `url`; and, if wanted, `token` (the account's `verify_token`, unless given)
        and `account` (the first). `verified` is whether the answer was 200 and the challenge itself.
        """
        try:
            asked = orjson.loads(request.body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or not is_web(str(asked.get("url")), _LONGEST):
            return json_reply(400, {"status": 400, "detail": "give an object with a url"})
        account = asked.get("account") or next(iter(self._accounts)).sid
        if account not in self._shared.accounts:
            return json_reply(404, {"status": 404, "detail": "no such account"})
        token = asked.get("token")
        if token is None:
            token = self._shared.accounts.setting(account, "verify_token")
        challenge = str(int(self._shared.new_id()[:8], 16) + 1_000_000_000)
        try:
            status, text = await asyncio.to_thread(_get, asked["url"], str(token), challenge)
        except (OSError, HTTPException, ValueError) as error:
            detail = f"the webhook gave no answer: {error}"
            return json_reply(502, {"status": 502, "detail": detail})
        return json_reply(
            200,
            {
                "challenge": challenge,
                "answered": status,
                "body": text,
                "verified": status == 200 and text == challenge,
            },
        )


def _get(url: str, token: str, challenge: str) -> tuple[int, str]:
    """The status and the beginning of the body; no redirect is followed."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    asked = urlencode(
        {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
    )
    query = f"{parts.query}&{asked}" if parts.query else asked
    connection = kind(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        connection.request("GET", f"{parts.path or '/'}?{query}")
        reply = connection.getresponse()
        return reply.status, reply.read(_LONGEST).decode("utf-8", "replace")
    finally:
        connection.close()
