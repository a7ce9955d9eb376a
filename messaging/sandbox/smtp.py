"""How does a mail relay speak? SMTP, with AUTH and STARTTLS, and the same faults as everybody else.

It listens with `smtp_port` alone. A relay tells nothing of a mail it took, so there are no receipts; what it
took can be read by `GET /sandbox/mail?sid=`, with the id it gave. Where it listens, and its certificate, are
at `GET /sandbox/smtp`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from messaging.sandbox.config import Account
from messaging.sandbox.connection import Answer, Reply, Request, json_reply
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Dialect, Page, RetryPolicy, Said, Shared, Step, Take, Written
from messaging.sandbox.faults import Fate, Refusal
from messaging.sandbox.forms import fields_of
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import Posting

if TYPE_CHECKING:
    from messaging.sandbox.smtp_server import Relay

_CODES = {Fate.UNREACHABLE: "4.2.2", Fate.OPTED_OUT: "5.7.1"}
_REFUSALS = {
    Refusal.RATE_LIMITED: Reply(452, b"4.7.1 Too many messages at once, try again later"),
    Refusal.INTERNAL: Reply(451, b"4.3.0 Temporary failure, the message was not queued"),
    Refusal.UNSUBSCRIBED: Reply(550, b"5.7.1 The recipient does not want mail from this sender"),
}
_NOWHERE = json_reply(404, {"status": 404, "detail": "no such page"})


class Smtp(Dialect):
    """The protocol of a mail relay."""

    provider = "smtp"
    statuses = frozenset()
    codes = _CODES
    refusals = _REFUSALS
    broken = Reply(451, b"4.3.0 Error: the queue file could not be written")
    retries = RetryPolicy(0)

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._relay: Relay | None = None

    @property
    def creates(self) -> tuple[str, ...]:
        """None: mail does not come by HTTP."""
        return ()

    def webhook_key(self, account: Account) -> str:  # noqa: ARG002 - it has none of any
        """Nothing: it has no webhooks."""
        return ""

    async def start(self, take: Take) -> str | None:
        """Listens, if there is a port for it."""
        if self.shared.smtp_port is None:
            return None
        # The server and its certificate take a third of a second to load, and few want mail.
        from messaging.sandbox.smtp_server import Relay  # noqa: PLC0415

        def deliver(account: str, asked: Create) -> Answer:
            return take(self, account, asked, self.shared.clock())

        self._relay = Relay(
            {account.sid: account.token for account in self.accounts},
            self.shared.numbers,
            deliver,
            datetime.fromtimestamp(self.shared.clock(), UTC),
        )
        await self._relay.start(self.shared.host, self.shared.smtp_port)
        return f"sandbox takes mail on {self._relay.url}"

    async def stop(self) -> None:
        """Closes the port and every connection."""
        if self._relay is not None:
            await self._relay.stop()

    def controls(self) -> Mapping[tuple[str, str], Page]:
        """`GET /sandbox/smtp` and `GET /sandbox/mail`."""
        return {("GET", "/sandbox/smtp"): self._where, ("GET", "/sandbox/mail"): self._mail}

    def _where(self, _: Request) -> Reply:
        """The address, and the certificate that STARTTLS shows, in PEM; both null if it listens nowhere."""
        url, pem = (self._relay.url, self._relay.certificate) if self._relay else (None, None)
        return json_reply(200, {"url": url, "certificate": pem})

    def _mail(self, request: Request) -> Reply:
        """A mail as it came."""
        sid = fields_of(request.query).get("sid", "")
        for account in self.accounts:
            entry = self.shared.ledger.find(account.sid, sid)
            if entry is not None:
                content = entry.body.encode("ascii", "surrogateescape")
                return Reply(200, content, content_type="message/rfc822")
        return _NOWHERE

    def identify(self, asked: Create, segments: int) -> tuple[str, ...]:  # noqa: ARG002 - one id for all
        """A queue id."""
        return (self.shared.new_id()[:12].upper(),)

    def accepted(self, entry: Entry) -> Reply:
        """250 and the queue id."""
        return Reply(250, f"2.0.0 Ok: queued as {entry.sid}".encode())

    def receipt(self, entry: Entry, step: Step, position: int, tries: int) -> Posting:
        """Never asked for: there are no steps."""
        raise NotImplementedError

    def inbound(self, said: Said) -> Written:  # noqa: ARG002 - as above
        """No webhook."""
        return Written("", None, ())

    def admit(self, request: Request) -> Reply:  # noqa: ARG002 - no request is for it
        """No request is for it."""
        return _NOWHERE

    def read(self, account: str, request: Request) -> Reply:  # noqa: ARG002 - as above
        """No request is for it."""
        return _NOWHERE

    def resource(self, request: Request) -> Reply:  # noqa: ARG002 - as above
        """No request is for it."""
        return _NOWHERE
