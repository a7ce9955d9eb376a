"""How does Twilio speak? Messages, the look-up of numbers, and registrations with the US carriers."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping

from messaging.sandbox import twilio_lookup, twilio_registrations
from messaging.sandbox.connection import Reply, Request, json_reply
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Dialect, Page, RetryPolicy, Said, Shared, Step, Written
from messaging.sandbox.faults import Fate, Refusal
from messaging.sandbox.forms import fields_of
from messaging.sandbox.ledger import FINAL, Entry
from messaging.sandbox.posting import Posting
from messaging.sandbox.twilio_listing import page, read_query
from messaging.sandbox.twilio_problems import (
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NOT_CANCELABLE,
    NOT_COMPLETE,
    REDACTION_ONLY,
    STATUS_INVALID,
    TOO_MANY,
    UNAUTHORIZED,
    UNSUBSCRIBED,
    Problem,
)
from messaging.sandbox.twilio_receipts import (
    AS_TWILIO,
    inbound_parameters,
    opt_out_type,
    parameters,
    retry_policy,
    signed,
)
from messaging.sandbox.twilio_registrations import Registrations
from messaging.sandbox.twilio_wire import (
    API_VERSION,
    message,
    not_found,
    problem_reply,
    read_create,
)

_RESOURCE = re.compile(
    rf"/{API_VERSION}/Accounts/(?P<account>\w+)/Messages(?:/(?P<sid>\w+)(?P<media>/Media)?)?\.json"
)
_NO_CONTENT = Reply(204)
_UNAUTHORIZED = problem_reply(UNAUTHORIZED, ("WWW-Authenticate", 'Basic realm="Twilio API"'))


_CODES = {Fate.UNREACHABLE: 30003, Fate.OPTED_OUT: 21610}
_REFUSALS = {
    Refusal.RATE_LIMITED: problem_reply(TOO_MANY, ("Retry-After", "1")),
    Refusal.INTERNAL: problem_reply(INTERNAL),
    Refusal.UNSUBSCRIBED: problem_reply(UNSUBSCRIBED),
}


class Twilio(Dialect):
    """Twilio's protocol."""

    provider = "twilio"
    prefixes = (f"/{API_VERSION}", "/v2/PhoneNumbers", "/v1/a2p", "/v1/Services", "/v1/Tollfree")
    statuses = frozenset({"queued", "sending", "sent", "delivered", "undelivered"})
    codes = _CODES
    refusals = _REFUSALS
    broken = _REFUSALS[Refusal.INTERNAL]
    retries = AS_TWILIO

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._credentials = {_basic(a.sid, a.token): a.sid for a in self.accounts}
        self._tokens = {a.sid: a.signing or a.token for a in self.accounts}
        self._paths = {
            f"/{API_VERSION}/Accounts/{a.sid}/Messages.json": a.sid for a in self.accounts
        }
        self._registrations = Registrations([a.sid for a in self.accounts], shared.clock)

    @property
    def creates(self) -> Iterable[str]:
        """One path an account."""
        return self._paths

    def admit(self, request: Request) -> str | Reply:
        """By basic authentication; the path names the account, too."""
        account = self._credentials.get(request.authorization)
        if account is None:
            return _UNAUTHORIZED
        return account if self._paths[request.path] == account else not_found(request.path)

    def read(self, account: str, request: Request) -> Create | Reply:  # noqa: ARG002 - none is apart
        """A form."""
        asked = read_create(request.body, self.shared.numbers)
        return problem_reply(asked) if isinstance(asked, Problem) else asked

    def identify(self, asked: Create, segments: int) -> tuple[str, ...]:  # noqa: ARG002 - one id for all
        """`SM` or `MM` and 32 hex digits."""
        return (("MM" if asked.media else "SM") + self.shared.new_id(),)

    def accepted(self, entry: Entry) -> Reply:
        """201 and the Message resource."""
        value = message(entry, entry.at)
        value["status"] = "queued" if entry.service is None else "accepted"
        return json_reply(201, value)

    def receipt(self, entry: Entry, step: Step, position: int, tries: int) -> Posting:  # noqa: ARG002 - the tries are not told
        """A signed form."""
        fields = parameters(entry, step.status)
        token = self._tokens[entry.account]
        return signed(token, entry.callback, fields, f"{entry.sid}-{position}")

    def retry_policy(self, callback: str, default: RetryPolicy) -> RetryPolicy:
        """As the fragment of the address asks."""
        return retry_policy(callback, default)

    def inbound(self, said: Said) -> Written:
        """A signed form."""
        sid = said.sid or ("MM" if said.media else "SM") + self.shared.new_id()
        keyword = opt_out_type(said.body) if said.handled else None
        fields = inbound_parameters(said, sid, keyword)
        return Written(sid, keyword, (signed(self._tokens[said.account], said.url, fields, sid),))

    def controls(self) -> Mapping[tuple[str, str], Page]:
        """Registrations are put there by hand."""
        return {
            ("GET", twilio_registrations.CONTROL): self._registrations.show,
            ("POST", twilio_registrations.CONTROL): self._registrations.change,
            ("DELETE", twilio_registrations.CONTROL): self._registrations.clear,
        }

    def resource(self, request: Request) -> Reply:
        """Messages, and what Twilio serves from other hosts."""
        account = self._credentials.get(request.authorization)
        if account is None:
            return _UNAUTHORIZED
        if request.path.startswith(twilio_lookup.PATH):
            return twilio_lookup.lookup(request)
        if not request.path.startswith(f"/{API_VERSION}/"):
            return self._registrations.resource(account, request)
        return self._messages(account, request)

    def _messages(self, account: str, request: Request) -> Reply:
        match = _RESOURCE.fullmatch(request.path)
        if match is None or match["account"] != account:
            return not_found(request.path)
        if match["sid"] is None:
            return self._list(account, request)
        entry = self.shared.ledger.find(account, match["sid"])
        if entry is None:
            return not_found(request.path)
        return _media(request, entry) if match["media"] else self._one(request, entry)

    def _list(self, account: str, request: Request) -> Reply:
        if request.method != "GET":
            return problem_reply(METHOD_NOT_ALLOWED)
        query = read_query(fields_of(request.query))
        if isinstance(query, Problem):
            return problem_reply(query)
        entries = self.shared.ledger.newest_first(account, query.to, query.sender)
        return json_reply(200, page(query, account, entries, self.shared.clock()))

    def _one(self, request: Request, entry: Entry) -> Reply:
        now = self.shared.clock()
        match request.method:
            case "GET":
                return json_reply(200, message(entry, now))
            case "POST":
                problem = _update(entry, fields_of(request.body.decode("utf-8", "replace")), now)
                return problem_reply(problem) if problem else json_reply(200, message(entry, now))
            case "DELETE":
                if entry.status(now) not in FINAL:
                    return problem_reply(NOT_COMPLETE)
                entry.deleted = True
                return _NO_CONTENT
            case _:
                return problem_reply(METHOD_NOT_ALLOWED)


def _update(entry: Entry, fields: dict[str, str], now: float) -> Problem | None:
    """Cancels a message that is not on its way yet, or empties a body."""
    if fields.get("Body"):
        return REDACTION_ONLY
    if fields.get("Status", "canceled") != "canceled":
        return STATUS_INVALID
    if "Status" in fields:
        if entry.status(now) not in ("queued", "accepted"):
            return NOT_CANCELABLE
        entry.canceled = True
        entry.updated_at = now
    if "Body" in fields:
        entry.body = ""
        entry.updated_at = now
    return None


def _media(request: Request, entry: Entry) -> Reply:
    """The media list, always empty: the sandbox fetches nothing."""
    if request.method != "GET":
        return problem_reply(METHOD_NOT_ALLOWED)
    uri = f"/{API_VERSION}/Accounts/{entry.account}/Messages/{entry.sid}/Media.json"
    links = {"first_page_uri": uri, "previous_page_uri": None, "next_page_uri": None, "uri": uri}
    return json_reply(
        200, {**links, "media_list": [], "page": 0, "page_size": 50, "start": 0, "end": 0}
    )


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
