"""How does SendGrid (API v3) speak? Mail send, with signed events and inbound mail posted as a form."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from email.utils import formatdate
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from messaging.sandbox import sendgrid_events, sendgrid_parse, sendgrid_wire
from messaging.sandbox import sendgrid_problems as problems
from messaging.sandbox.config import Account
from messaging.sandbox.connection import Reply, Request
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Dialect, RetryPolicy, Said, Shared, Step, Written
from messaging.sandbox.faults import Fate, Refusal
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import Posting

_SEND = "/v3/mail/send"
_CODES = {
    Fate.UNREACHABLE: sendgrid_events.BLOCKED,
    Fate.OPTED_OUT: sendgrid_events.UNSUBSCRIBED,
}
# An opt-out is not refused: the mail is dropped.
_REFUSALS = {
    Refusal.RATE_LIMITED: problems.reply(429, problems.TOO_MANY),
    Refusal.INTERNAL: problems.reply(500, problems.INTERNAL),
}
_DROPPED = frozenset({"undelivered"})
_ECDSA = ec.ECDSA(SHA256())
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points P-256 has (FIPS 186)."""


def key_pair(secret: str) -> ec.EllipticCurvePrivateKey:
    """The key pair on P-256 an account's secret stands for."""
    number = int.from_bytes(sha256(secret.encode()).digest())
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


class SendGrid(Dialect):
    """SendGrid's protocol."""

    provider = "sendgrid"
    prefixes = ("/v3",)
    codes = _CODES
    refusals = _REFUSALS
    broken = _REFUSALS[Refusal.INTERNAL]
    retries = RetryPolicy(5)
    """For a day, in truth."""
    longest = 100_000
    largest = 30 << 20
    too_large = problems.TOO_LARGE
    gathers = 0.005

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._credentials = {f"Bearer {a.token}": a.sid for a in self.accounts}
        self._keys = {a.sid: key_pair(a.signing or a.token) for a in self.accounts}

    @property
    def creates(self) -> tuple[str, ...]:
        """One path for all."""
        return (_SEND,)

    def webhook_key(self, account: Account) -> str:
        """The public key, as the page of the Event Webhook shows it."""
        public = self._keys[account.sid].public_key()
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(spki).decode()

    def refuse(self, refusal: Refusal) -> Reply:
        """A limit says by a time when it is lifted; the reply's own date is what to hold against it."""
        reply = self.refusals[refusal]
        if refusal is not Refusal.RATE_LIMITED:
            return reply
        now = self.shared.clock()
        headers = (
            ("Date", formatdate(now, usegmt=True)),
            ("X-RateLimit-Limit", "600"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", str(int(now) + 1)),
        )
        return Reply(reply.status, reply.body, headers)

    def admit(self, request: Request) -> str | Reply:
        """By API key."""
        account = self._credentials.get(request.authorization)
        return problems.reply(401, problems.UNAUTHORIZED) if account is None else account

    def read(self, account: str, request: Request) -> Create | Reply:  # noqa: ARG002 - none is apart
        """A JSON object."""
        return sendgrid_wire.read_create(request.body, self.shared.numbers)

    def identify(self, asked: Create, segments: int) -> tuple[str, ...]:  # noqa: ARG002 - one id for all
        """22 letters and digits, or `_` and `-`."""
        digits = bytes.fromhex(self.shared.new_id())
        return (urlsafe_b64encode(digits).rstrip(b"=").decode(),)

    def accepted(self, entry: Entry) -> Reply:
        """202 with the id in a header, and no body."""
        return Reply(202, b"", (("X-Message-Id", entry.sid),), "text/plain")

    def told(self, entry: Entry) -> frozenset[str]:
        """What is dropped was never processed."""
        return _DROPPED if entry.error_code == sendgrid_events.UNSUBSCRIBED else self.statuses

    def receipt(self, entry: Entry, step: Step, position: int, tries: int) -> Posting:  # noqa: ARG002 - an event is the same wherever it comes
        """`processed`, then `delivered` or `bounce`; or `dropped` alone."""
        return Posting(entry.callback, {}, sendgrid_events.event(entry, step.status))

    def together(self, account: str, postings: Sequence[Posting]) -> Posting:
        """An array of events; its last bytes are CRLF, and are signed."""
        body = b"[" + b",\r\n".join(posting.body for posting in postings) + b"]\r\n"
        headers = {"Content-Type": "application/json", "User-Agent": "SendGrid Event API"}
        return self._signed(account, Posting(postings[0].url, headers, body))

    def inbound(self, said: Said) -> Written:
        """A form of Inbound Parse."""
        domain = said.sender.rpartition("@")[2] or "example.com"
        sid = said.sid or f"{self.shared.new_id()}@{domain}"
        kind, body = sendgrid_parse.form(said, sid, self.shared.clock(), self.shared.new_id())
        headers = {"Content-Type": kind, "User-Agent": "SendGrid"}
        return Written(sid, None, (self._signed(said.account, Posting(said.url, headers, body)),))

    def resource(self, request: Request) -> Reply:
        """Nothing can be asked of a message without a paid add-on."""
        if request.authorization not in self._credentials:
            return problems.reply(401, problems.UNAUTHORIZED)
        if request.path == _SEND:
            return problems.reply(405, problems.METHOD)
        return problems.reply(404, problems.NOT_FOUND)

    def _signed(self, account: str, posting: Posting) -> Posting:
        """The signature is over the time and the body, with nothing between."""
        at = str(int(self.shared.clock()))
        signature = self._keys[account].sign(at.encode() + posting.body, _ECDSA)
        headers = {
            **posting.headers,
            "X-Twilio-Email-Event-Webhook-Timestamp": at,
            "X-Twilio-Email-Event-Webhook-Signature": b64encode(signature).decode(),
        }
        return posting._replace(headers=headers)
