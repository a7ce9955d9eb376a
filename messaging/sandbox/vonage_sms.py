"""How does Vonage's legacy SMS API speak? One message a part, receipts a part, texts in pieces."""

from __future__ import annotations

import hmac

import orjson

from messaging.sandbox import segments as text_segments
from messaging.sandbox import vonage_sms_wire as wire
from messaging.sandbox.config import Account
from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Dialect, RetryPolicy, Said, Shared, Step, Written
from messaging.sandbox.faults import Fate, Refusal
from messaging.sandbox.forms import FORM, encode, fields_of
from messaging.sandbox.ids import dashed, derived
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import Posting
from messaging.sandbox.vonage import basic

_PATH = "/sms/json"
_CODES = {Fate.UNREACHABLE: "2", Fate.OPTED_OUT: "9"}
# An opt-out is not refused: it shows in the receipts.
_REFUSALS = {
    Refusal.RATE_LIMITED: wire.refusal("1"),
    Refusal.INTERNAL: wire.refusal("5"),
}
_AGE = 300.0
"""Seconds the timestamp of a signed request may be off."""


class VonageSms(Dialect):
    """The protocol of Vonage's legacy SMS API."""

    provider = "vonage_sms"
    prefixes = ("/sms",)
    codes = _CODES
    refusals = _REFUSALS
    # A status of 5 would say that nothing was sent: this one was.
    broken = Reply(500, b"Internal Server Error", content_type="text/plain")
    retries = RetryPolicy(5)
    """For a day, in truth."""
    settings = frozenset({"format", "signature_method"})
    """`json` (unless set), `form` or `get`; and one of `METHODS`, `md5hash` unless set."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._basic = {basic(a): a.sid for a in self.accounts}
        self._names = {a.sid: a for a in self.accounts}

    @property
    def creates(self) -> tuple[str, ...]:
        """One path for all."""
        return (_PATH,)

    def webhook_key(self, account: Account) -> str:
        """The signature secret; without one nothing is signed."""
        return account.signing

    def admit(self, request: Request) -> str | Reply:
        """By key and secret as a header or as fields, or by a signature of the fields."""
        if request.authorization:
            return self._basic.get(request.authorization) or wire.refusal("4")
        fields = _form(request)
        account = self._names.get(fields.get("api_key", ""))
        if account is None:
            return wire.refusal("4") if "api_key" in fields else wire.refusal("2", "api_key")
        if "sig" in fields:
            return wire.refusal("32") if "api_secret" in fields else self._signer(account, fields)
        return account.sid if fields.get("api_secret") == account.token else wire.refusal("4")

    def _signer(self, account: Account, fields: dict[str, str]) -> str | Reply:
        at = fields.get("timestamp", "")
        known = at.isascii() and at.isdecimal() and len(at) <= 12
        fresh = known and abs(int(at) - self.shared.clock()) <= _AGE
        expected = wire.sign(self._method(account.sid), account.signing, fields)
        same = hmac.compare_digest(fields["sig"].lower().encode(), expected.lower().encode())
        return account.sid if account.signing and fresh and same else wire.refusal("14")

    def _method(self, account: str) -> str:
        method = self.shared.accounts.setting(account, "signature_method")
        return method if method in wire.METHODS else wire.METHODS[0]

    def read(self, account: str, request: Request) -> Create | Reply:  # noqa: ARG002 - none is apart
        """A form."""
        return wire.read_create(_form(request), self.shared.numbers)

    def identify(self, asked: Create, segments: int) -> tuple[str, ...]:  # noqa: ARG002 - a part is a segment
        """16 hex digits a part."""
        new_id = self.shared.new_id
        return tuple(new_id()[:16].upper() for _ in range(max(segments, 1)))

    def accepted(self, entry: Entry) -> Reply:
        """200 and an entry a part."""
        return json_reply(200, wire.accepted(entry))

    def receipt(self, entry: Entry, step: Step, position: int, tries: int) -> Posting:
        """A delivery receipt of one part."""
        now = self.shared.clock()
        parameters = wire.receipt(entry, step.status, step.part, now)
        nonce = derived(entry.sid, step.status, str(position), str(tries))
        return self._posting(entry.account, entry.callback, parameters, nonce, now)

    def inbound(self, said: Said) -> Written:
        """One webhook a part; no keyword is acted on."""
        sid = said.sid or self.shared.new_id()[:16].upper()
        now = self.shared.clock()
        count = len(text_segments.pieces(said.body))
        later = [derived(sid, str(n)).replace("-", "")[:16].upper() for n in range(1, count)]
        parts = wire.inbound_parts(
            account=said.account,
            sender=said.sender,
            to=said.to,
            body=said.body,
            ids=[sid, *later],
            reference=str(int(derived(sid, "reference")[:2], 16)),
            at=now,
        )
        postings = tuple(
            self._posting(said.account, said.url, part, dashed(self.shared.new_id()), now)
            for part in parts
        )
        return Written(sid, None, postings)

    def resource(self, request: Request) -> Reply:  # noqa: ARG002 - there is none
        """Nothing else is here."""
        return json_reply(404, {"title": "Not Found", "status": 404})

    def _posting(
        self, account: str, url: str, parameters: dict[str, str], nonce: str, now: float
    ) -> Posting:
        """As the account likes it: JSON, a form, or a GET; signed if it has a signature secret."""
        secret = self.shared.accounts[account].signing
        if secret:
            parameters |= {"timestamp": str(int(now)), "nonce": nonce}
            parameters["sig"] = wire.sign(self._method(account), secret, parameters)
        match self.shared.accounts.setting(account, "format"):
            case "get":
                address, _, fragment = url.partition("#")
                mark = "&" if "?" in address else "?"
                query = encode(parameters.items()).decode()
                return Posting(f"{address}{mark}{query}#{fragment}", {}, b"", "GET")
            case "form":
                return Posting(url, {"Content-Type": FORM}, encode(parameters.items()))
            case _:
                headers = {"Content-Type": "application/json"}
                return Posting(url, headers, orjson.dumps(parameters))


def _form(request: Request) -> dict[str, str]:
    return fields_of(request.body.decode("utf-8", "replace"))
