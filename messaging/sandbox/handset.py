"""What happens when somebody writes to one of the carrier's numbers?

A test, or a person at a shell, plays the telephone: `POST /sandbox/inbound` has the carrier post the
message to the account's webhook, signed, as the account's provider does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from messaging.sandbox.accounts import Accounts
from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.courier import Courier
from messaging.sandbox.dialect import Dialect, Said
from messaging.sandbox.posting import ConnectError, ReadError

PATH = "/sandbox/inbound"

_FIELDS: Mapping[str, type] = {
    "account": str,
    "provider": str,
    "from": str,
    "to": str,
    "body": str,
    "url": str,
    "sid": str,
    "media": list,
    "handled": bool,
    "reversed": bool,
}


class Handset:
    """Writes to the numbers of the carrier's accounts."""

    def __init__(
        self, accounts: Accounts, dialects: Mapping[str, Dialect], url: str, courier: Courier
    ) -> None:
        self._accounts = accounts
        self._dialects = dialects
        self._url = url
        self._courier = courier

    async def write(self, request: Request) -> Reply:
        """Posts one message; answers with its id and the status the webhook answered with.

        The JSON body holds `from`, `to` and `body`; and, if wanted, `account` or `provider` (its first
        account; Twilio's unless given), `url` (the account's, unless given), `sid` (to post a message
        again), `media` (addresses), `handled`: false if the account has the provider's opt-out handling
        off, and `reversed`: true to post the pieces of a long text last piece first, where a provider
        hands on pieces. Of several answers the highest status is shown.
        """
        try:
            asked = _read(request.body)
        except ValueError as error:
            return _refusal(400, str(error))
        named = self._accounts.named(asked.get("provider"))
        account: str = asked.get("account") or (named[0] if named else "")
        if account not in self._accounts:
            return _refusal(404, "no such account")
        dialect = self._dialects[self._accounts[account].provider]
        url = asked.get("url") or self._accounts.setting(account, "inbound_url") or self._url
        if not url:
            return _refusal(400, "give a url, or start the sandbox with --inbound-url")
        if len(asked["body"]) > dialect.longest:
            return _refusal(400, f"body must be at most {dialect.longest} characters")
        return await self._post(dialect, _said(account, url, asked), asked)

    async def _post(self, dialect: Dialect, said: Said, asked: dict[str, Any]) -> Reply:
        written = dialect.inbound(said)
        if not written.postings:
            return _refusal(400, f"{dialect.provider} has no webhook for what somebody writes")
        postings = written.postings[:: -1 if asked.get("reversed") else 1]
        try:
            answered = max([await self._courier.post(posting) for posting in postings])
        except (ConnectError, ReadError) as error:
            return _refusal(502, f"the webhook gave no answer: {error}")
        return json_reply(
            200, {"sid": written.sid, "opt_out_type": written.keyword, "answered": answered}
        )


def _said(account: str, url: str, asked: dict[str, Any]) -> Said:
    return Said(
        account=account,
        url=url,
        sender=asked["from"],
        to=asked["to"],
        body=asked["body"],
        sid=asked.get("sid", ""),
        media=tuple(asked.get("media", ())),
        handled=asked.get("handled", True),
    )


def _read(body: bytes) -> dict[str, Any]:
    """The request; ValueError says what is wrong with it."""
    asked = orjson.loads(body)
    if not isinstance(asked, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - the caller's mistake
    if unknown := asked.keys() - _FIELDS.keys():
        raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
    if missing := {"from", "to", "body"} - asked.keys():
        raise ValueError(f"missing: {', '.join(sorted(missing))}")
    for name, value in asked.items():
        if not isinstance(value, _FIELDS[name]):
            raise ValueError(f"{name} must be {_FIELDS[name].__name__}")  # noqa: TRY004 - as above
    if not all(isinstance(url, str) for url in asked.get("media", ())):
        raise ValueError("media must be addresses")
    return asked


def _refusal(status: int, detail: str) -> Reply:
    return json_reply(status, {"status": status, "detail": detail})
