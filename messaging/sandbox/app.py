"""Which part of the carrier answers a request?

The Messages resource, the look-up of numbers and the registrations behind basic authentication, and
the sandbox's own controls without it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable

from messaging.sandbox import lookup, registrations
from messaging.sandbox.config import SandboxConfig
from messaging.sandbox.connection import Answer, Reply, Request
from messaging.sandbox.control import Control
from messaging.sandbox.faultbook import FaultBook
from messaging.sandbox.handset import Handset
from messaging.sandbox.ledger import FINAL, Entry, Ledger
from messaging.sandbox.listing import page, read_query
from messaging.sandbox.problems import (
    METHOD_NOT_ALLOWED,
    NOT_CANCELABLE,
    NOT_COMPLETE,
    REDACTION_ONLY,
    STATUS_INVALID,
    UNAUTHORIZED,
    Problem,
)
from messaging.sandbox.receipts import Courier
from messaging.sandbox.registrations import Registrations
from messaging.sandbox.sending import Sending
from messaging.sandbox.wire import (
    API_VERSION,
    fields_of,
    json_reply,
    message,
    not_found,
    problem_reply,
)

_RESOURCE = re.compile(
    rf"/{API_VERSION}/Accounts/(?P<account>\w+)/Messages(?:/(?P<sid>\w+)(?P<media>/Media)?)?\.json"
)
_BESIDE = (lookup.PATH, *registrations.PATHS)
_NO_CONTENT = Reply(204)
_UNAUTHORIZED = problem_reply(UNAUTHORIZED, ("WWW-Authenticate", 'Basic realm="Twilio API"'))


class Carrier:
    """Answers every request of the process."""

    def __init__(
        self, config: SandboxConfig, *, clock: Callable[[], float], new_sid: Callable[[], str]
    ) -> None:
        sids = tuple(account.sid for account in config.accounts)
        self.ledger = Ledger(config.ledger_file)
        self.courier = Courier(config.accounts, config.receipts, clock)
        faults = FaultBook(config.seed, config.rates, sids)
        self._clock = clock
        self._sending = Sending(config, self.ledger, faults, self.courier, new_sid)
        handset = Handset(config, self.courier, new_sid)
        self._registrations = Registrations(config, clock)
        self._control = Control(
            self.ledger, faults, self.courier, handset, self._registrations, clock
        )
        self._credentials = {_basic(a.sid, a.token): a.sid for a in config.accounts}
        self._creates = {f"/{API_VERSION}/Accounts/{sid}/Messages.json": sid for sid in sids}

    def answer(self, request: Request) -> Answer:
        """The answer to a request, or a coroutine that returns it; None drops the connection."""
        path = request.path
        if request.method == "POST" and path in self._creates:
            account = self._credentials.get(request.authorization)
            if account is None:
                return _UNAUTHORIZED
            if self._creates[path] != account:
                return not_found(path)
            return self._sending.create(account, request)
        if path.startswith(f"/{API_VERSION}/"):
            return self._resource(request)
        if path.startswith(_BESIDE):
            return self._beside(request)
        return self._control.answer(request)

    def _beside(self, request: Request) -> Reply:
        """What Twilio serves from other hosts than the API's."""
        account = self._credentials.get(request.authorization)
        if account is None:
            return _UNAUTHORIZED
        if request.path.startswith(lookup.PATH):
            return lookup.lookup(request)
        return self._registrations.resource(account, request)

    def _resource(self, request: Request) -> Reply:
        account = self._credentials.get(request.authorization)
        if account is None:
            return _UNAUTHORIZED
        match = _RESOURCE.fullmatch(request.path)
        if match is None or match["account"] != account:
            return not_found(request.path)
        if match["sid"] is None:
            return self._list(account, request)
        entry = self.ledger.find(account, match["sid"])
        if entry is None:
            return not_found(request.path)
        return _media(request, entry) if match["media"] else self._one(request, entry)

    def _list(self, account: str, request: Request) -> Reply:
        if request.method != "GET":
            return problem_reply(METHOD_NOT_ALLOWED)
        query = read_query(fields_of(request.query))
        if isinstance(query, Problem):
            return problem_reply(query)
        entries = self.ledger.newest_first(account, query.to, query.sender)
        return json_reply(200, page(query, account, entries, self._clock()))

    def _one(self, request: Request, entry: Entry) -> Reply:
        now = self._clock()
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
