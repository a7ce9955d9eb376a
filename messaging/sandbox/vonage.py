"""How does Vonage's Messages API (v1) speak? For the channels `sms` and `mms`, and the Reports API."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import orjson

from messaging.sandbox import segments as text_segments
from messaging.sandbox import vonage_wire as wire
from messaging.sandbox.config import Account
from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Dialect, RetryPolicy, Said, Shared, Step, Written
from messaging.sandbox.faults import Fate, Refusal
from messaging.sandbox.ids import dashed, derived
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import Posting
from messaging.sandbox.vonage_problems import (
    INTERNAL,
    NOT_FOUND,
    TOO_MANY,
    UNAUTHORIZED,
    Problem,
    problem_reply,
)
from messaging.sandbox.vonage_reports import PATH as REPORTS
from messaging.sandbox.vonage_reports import Reports
from messaging.sandbox.vonage_tokens import Doorman, signed

_MESSAGES = "/v1/messages"
_CODES = {Fate.UNREACHABLE: "1180", Fate.OPTED_OUT: "1240"}
# An opt-out is not refused: it shows in the status.
_REFUSALS = {
    Refusal.RATE_LIMITED: problem_reply(TOO_MANY),
    Refusal.INTERNAL: problem_reply(INTERNAL),
}
_UNAUTHORIZED = problem_reply(UNAUTHORIZED)


def basic(account: Account) -> str:
    """The header by which an account shows its key and secret."""
    return "Basic " + b64encode(f"{account.sid}:{account.token}".encode()).decode()


class Vonage(Dialect):
    """The protocol of Vonage's Messages API."""

    provider = "vonage"
    prefixes = (_MESSAGES, "/v2/reports")
    codes = _CODES
    refusals = _REFUSALS
    broken = _REFUSALS[Refusal.INTERNAL]
    retries = RetryPolicy(5)
    """For a day, in truth."""
    settings = frozenset({"public_key"})
    """That of the account's application, in PEM: with it the signature of its tokens is verified."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._by_key = {basic(a): a.sid for a in self.accounts}
        self._by_application = {a.application: a.sid for a in self.accounts if a.application}
        self._doorman = Doorman(
            self._by_application,
            lambda sid: shared.accounts.setting(sid, "public_key"),
            shared.clock,
        )
        self._reports = Reports(shared, [*self.accounts, *shared.accounts.of("vonage_sms")])

    @property
    def creates(self) -> tuple[str, ...]:
        """One path for all."""
        return (_MESSAGES,)

    def admit(self, request: Request) -> str | Reply:
        """By key and secret, or by a token of the account's application."""
        account = self._by_key.get(request.authorization)
        if account is None:
            account = self._by_application.get(self._application(request))
        return account or _UNAUTHORIZED

    def _application(self, request: Request) -> str:
        """Whose token came with a request; empty without one."""
        kind, _, token = request.authorization.partition(" ")
        return (self._doorman.application(token) or "") if kind == "Bearer" else ""

    def read(self, account: str, request: Request) -> Create | Reply:  # noqa: ARG002 - none is apart
        """A JSON object."""
        application = self._application(request)
        asked = wire.read_create(request.body, self.shared.numbers, application)
        return problem_reply(asked) if isinstance(asked, Problem) else asked

    def identify(self, asked: Create, segments: int) -> tuple[str, ...]:  # noqa: ARG002 - one id for all
        """A UUID."""
        return (dashed(self.shared.new_id()),)

    def accepted(self, entry: Entry) -> Reply:
        """202 and the id alone."""
        return json_reply(202, {"message_uuid": entry.sid})

    def receipt(self, entry: Entry, step: Step, position: int, tries: int) -> Posting:
        """A status webhook."""
        body = wire.status_webhook(entry, step.status)
        repeat = derived(entry.sid, step.status, str(position), str(tries))
        return self._signed(
            entry.account, entry.callback, body, repeat, application=entry.extra.application
        )

    def inbound(self, said: Said) -> Written:
        """The inbound webhook; no keyword is acted on."""
        sid = said.sid or dashed(self.shared.new_id())
        body = wire.inbound_webhook(
            sid=sid,
            sender=said.sender,
            to=said.to,
            body=said.body,
            media=said.media,
            parts=text_segments.count(said.body),
            at=self.shared.clock(),
        )
        application = self.shared.accounts[said.account].application
        posting = self._signed(
            said.account, said.url, body, dashed(self.shared.new_id()), application=application
        )
        return Written(sid, None, (posting,))

    def resource(self, request: Request) -> Reply:
        """The reports of both products; nothing can be asked of a message itself."""
        if request.path == REPORTS:
            return self._reports.answer(request)
        return problem_reply(NOT_FOUND)

    def _signed(
        self, account: str, url: str, value: dict[str, Any], repeat: str, *, application: str
    ) -> Posting:
        """With a token that holds the hash of the body."""
        body = orjson.dumps(value)
        claims: dict[str, Any] = {
            "iat": int(self.shared.clock()),
            "jti": repeat,
            "iss": "Vonage",
            "payload_hash": sha256(body).hexdigest(),
            "api_key": account,
        }
        if application:
            claims["application_id"] = application
        token = signed(self.webhook_key(self.shared.accounts[account]), claims)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        return Posting(url, headers, body)
