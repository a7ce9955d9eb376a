"""What happens when somebody writes to one of the carrier's numbers?

A test, or a person at a shell, plays the telephone: `POST /sandbox/inbound` has the carrier post the
message to the account's webhook, signed, as Twilio does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from messaging.sandbox import segments
from messaging.sandbox.config import SandboxConfig
from messaging.sandbox.connection import Reply, Request
from messaging.sandbox.posting import ConnectError, ReadError
from messaging.sandbox.receipts import Courier
from messaging.sandbox.wire import API_VERSION, MAX_BODY_CHARACTERS, json_reply

PATH = "/sandbox/inbound"

_FIELDS = {"account": str, "from": str, "to": str, "body": str, "url": str, "sid": str}
_KEYWORDS = {
    "STOP": frozenset(
        {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
    ),
    "START": frozenset({"START", "YES", "UNSTOP"}),
    "HELP": frozenset({"HELP", "INFO"}),
}
"""Twilio's own lists, for a whole message, in whatever case."""


def opt_out_type(body: str) -> str | None:
    """What Twilio's opt-out handling reads in a message."""
    word = body.strip().upper()
    return next((kind for kind, words in _KEYWORDS.items() if word in words), None)


class Handset:
    """Writes to the numbers of the carrier's accounts."""

    def __init__(self, config: SandboxConfig, courier: Courier, new_sid: Callable[[], str]) -> None:
        self._accounts = [account.sid for account in config.accounts]
        self._url = config.inbound_url
        self._courier = courier
        self._new_sid = new_sid

    async def write(self, request: Request) -> Reply:
        """Posts one message; answers with its SID and the status the webhook answered with.

        The JSON body holds `from`, `to` and `body`; and, if wanted, `account` (the first, unless
        given), `url` (the configured one, unless given), `sid` (to post a message again), and
        `handled`: false if the account has Twilio's opt-out handling off.
        """
        try:
            asked = _read(request.body)
            account = asked.get("account", self._accounts[0])
            url = asked.get("url", self._url)
            if account not in self._accounts:
                return _refusal(404, "no such account")
            if not url:
                return _refusal(400, "give a url, or start the sandbox with --inbound-url")
        except ValueError as error:
            return _refusal(400, str(error))
        sid = asked.get("sid") or "SM" + self._new_sid()
        kind = opt_out_type(asked["body"]) if asked.get("handled", True) else None
        fields = parameters(account, sid, asked, kind)
        try:
            status = await self._courier.post(account, url, fields, sid)
        except (ConnectError, ReadError) as error:
            return _refusal(502, f"the webhook gave no answer: {error}")
        return json_reply(200, {"sid": sid, "opt_out_type": kind, "answered": status})


def parameters(
    account: str, sid: str, asked: dict[str, Any], kind: str | None
) -> list[tuple[str, str]]:
    """The form fields of an inbound message."""
    found = [
        ("AccountSid", account),
        ("ApiVersion", API_VERSION),
        ("Body", asked["body"]),
        ("From", asked["from"]),
        ("MessageSid", sid),
        ("NumMedia", "0"),
        ("NumSegments", str(segments.count(asked["body"]))),
        ("SmsMessageSid", sid),
        ("SmsSid", sid),
        ("SmsStatus", "received"),
        ("To", asked["to"]),
    ]
    if kind is not None:
        found.append(("OptOutType", kind))
    return found


def _read(body: bytes) -> dict[str, Any]:
    """The request; ValueError says what is wrong with it."""
    asked = orjson.loads(body)
    if not isinstance(asked, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - the caller's mistake
    if unknown := asked.keys() - _FIELDS.keys() - {"handled"}:
        raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
    if missing := {"from", "to", "body"} - asked.keys():
        raise ValueError(f"missing: {', '.join(sorted(missing))}")
    if not all(isinstance(asked.get(name, ""), kind) for name, kind in _FIELDS.items()):
        raise ValueError("every field but handled must be a string")
    if len(asked["body"]) > MAX_BODY_CHARACTERS:
        raise ValueError(f"body must be at most {MAX_BODY_CHARACTERS} characters")
    return asked


def _refusal(status: int, detail: str) -> Reply:
    return json_reply(status, {"status": status, "detail": detail})
