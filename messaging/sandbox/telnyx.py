"""How does Telnyx speak? Messages v2 and detail records, with webhooks signed by Ed25519."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from messaging.sandbox import telnyx_wire as wire
from messaging.sandbox.addresses import iso
from messaging.sandbox.config import Account
from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Dialect, RetryPolicy, Said, Shared, Step, Written
from messaging.sandbox.faults import Fate, Refusal
from messaging.sandbox.forms import fields_of
from messaging.sandbox.ids import dashed, derived
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import Posting
from messaging.sandbox.telnyx_records import records

_MESSAGES = "/v2/messages"
_RECORDS = "/v2/detail_records"
_CODES = {Fate.UNREACHABLE: wire.UNREACHABLE.code, Fate.OPTED_OUT: wire.STOPPED.code}
_REFUSALS = {
    # The reset is the seconds that are left, not a time.
    Refusal.RATE_LIMITED: wire.problem_reply(
        wire.TOO_MANY,
        ("x-ratelimit-limit", "10"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1"),
    ),
    Refusal.INTERNAL: wire.problem_reply(wire.INTERNAL),
    Refusal.UNSUBSCRIBED: wire.problem_reply(wire.STOPPED),
}
_KEYWORDS = {
    **dict.fromkeys(
        ("STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"), "STOP"
    ),
    **dict.fromkeys(("START", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}


def key_pair(secret: str) -> Ed25519PrivateKey:
    """The key pair an account's secret stands for."""
    return Ed25519PrivateKey.from_private_bytes(sha256(secret.encode()).digest())


class Telnyx(Dialect):
    """Telnyx' protocol."""

    provider = "telnyx"
    prefixes = (_MESSAGES, _RECORDS)
    codes = _CODES
    refusals = _REFUSALS
    broken = _REFUSALS[Refusal.INTERNAL]
    retries = RetryPolicy(2)
    """Three tries an address."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._credentials = {f"Bearer {a.token}": a.sid for a in self.accounts}
        self._keys = {a.sid: key_pair(a.signing or a.token) for a in self.accounts}

    @property
    def creates(self) -> tuple[str, ...]:
        """One path for all."""
        return (_MESSAGES,)

    def webhook_key(self, account: Account) -> str:
        """The public key, as the portal shows it."""
        public = self._keys[account.sid].public_key().public_bytes_raw()
        return b64encode(public).decode()

    def admit(self, request: Request) -> str | Reply:
        """By API key."""
        account = self._credentials.get(request.authorization)
        return wire.problem_reply(wire.UNAUTHORIZED) if account is None else account

    def read(self, account: str, request: Request) -> Create | Reply:  # noqa: ARG002 - none is apart
        """A JSON object."""
        asked = wire.read_create(request.body, self.shared.numbers)
        return wire.problem_reply(asked) if isinstance(asked, wire.Problem) else asked

    def identify(self, asked: Create, segments: int) -> tuple[str, ...]:  # noqa: ARG002 - one id for all
        """A UUID."""
        return (dashed(self.shared.new_id()),)

    def accepted(self, entry: Entry) -> Reply:
        """200 and the message."""
        return json_reply(200, {"data": wire.message(entry, "queued")})

    def receipt(self, entry: Entry, step: Step, position: int, tries: int) -> Posting:  # noqa: ARG002 - an event is the same wherever it comes
        """`message.sent`, then `message.finalized`."""
        sent = step.status == "sent"
        event = {
            "event_type": "message.sent" if sent else "message.finalized",
            "id": derived(entry.sid, step.status),
            "occurred_at": iso(entry.sent_at if sent else entry.done_at),
            "payload": wire.message(entry, step.status),
            "record_type": "event",
        }
        return self._signed(entry.account, entry.callback, event, tries + 1)

    def inbound(self, said: Said) -> Written:
        """`message.received`."""
        sid = said.sid or dashed(self.shared.new_id())
        keyword = _KEYWORDS.get(said.body.strip().upper()) if said.handled else None
        now = self.shared.clock()
        payload = wire.inbound_message(
            sid=sid,
            account=said.account,
            sender=said.sender,
            to=said.to,
            body=said.body,
            media=said.media,
            at=now,
        )
        if keyword is not None:
            payload["autoresponse_type"] = keyword
        event = {
            "event_type": "message.received",
            "id": derived(sid, "received"),
            "occurred_at": iso(now),
            "payload": payload,
            "record_type": "event",
        }
        return Written(sid, keyword, (self._signed(said.account, said.url, event, 1),))

    def resource(self, request: Request) -> Reply:
        """One message, or the records of many."""
        account = self._credentials.get(request.authorization)
        if account is None:
            return wire.problem_reply(wire.UNAUTHORIZED)
        ledger, now = self.shared.ledger, self.shared.clock()
        if request.path == _RECORDS and request.method == "GET":
            fields = fields_of(request.query)
            to, sender = fields.get("filter[cld]"), fields.get("filter[cli]")
            return records(fields, ledger.newest_first(account, to, sender), now)
        entry = ledger.find(account, request.path.removeprefix(_MESSAGES + "/"))
        if entry is None or request.method not in ("GET", "DELETE"):
            return wire.problem_reply(wire.NOT_FOUND)
        if request.method == "DELETE":
            return wire.problem_reply(wire.NOT_SCHEDULED)
        return json_reply(200, {"data": wire.message(entry, entry.status(now))})

    def _signed(self, account: str, url: str, event: dict[str, Any], attempt: int) -> Posting:
        """The signature is over the time, a bar and the body."""
        body = orjson.dumps({"data": event, "meta": {"attempt": attempt, "delivered_to": url}})
        at = str(int(self.shared.clock()))
        signature = self._keys[account].sign(f"{at}|".encode() + body)
        headers = {
            "Content-Type": "application/json",
            "Telnyx-Timestamp": at,
            "Telnyx-Signature-Ed25519": b64encode(signature).decode(),
            "User-Agent": "telnyx-webhooks",
        }
        return Posting(url, headers, body)
