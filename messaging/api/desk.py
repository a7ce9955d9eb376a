"""What the routes of one process share: the runtime, known keys and accounts, and the two commits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from messaging import access, audit, intake, webhooks
from messaging.access import UNLIMITED, Caller, KnownKeys
from messaging.api import scopes
from messaging.api.committer import Committer
from messaging.api.errors import LIMITS, REQUEST_ID
from messaging.api.known_accounts import KnownAccounts
from messaging.domain import addresses
from messaging.domain.errors import PosthornError, RateLimitedError, UnavailableError
from messaging.request_rates import RequestRates
from messaging.runtime import DatabaseError, Runtime
from messaging.store.raw_receipts import RawReceipt
from messaging.store.tenants import Tenant
from messaging.submission import Prepared, Receipt, Submission, prepare

_BREATH_SECONDS = 0.01
"""What no provider notices, and what saves more than half of the commits of a steady stream."""
_HINT_SECONDS = 0.05
"""How long a worker may hear nothing of receipts that are kept in one commit after another."""


class Desk:
    """One process's shared state; `open` and `close` at its start and end."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.keys = KnownKeys(rt)
        self.rates = RequestRates(rt.redis)
        self._announced_at = 0.0
        self.accounts = KnownAccounts(partial(webhooks.known, rt))

    def open(self) -> None:
        """Start the two threads that commit, on the event loop that they answer to."""
        addresses.warm("+12025550100")
        rt = self.rt

        def submit(group: Sequence[Prepared]) -> list[Receipt | PosthornError]:
            with rt.engine.begin() as db:
                return intake.keep(db, group)

        keeper = self._keeper = webhooks.Keeper(rt)

        def keep(group: Sequence[Sequence[RawReceipt]]) -> list[None]:
            keeper.keep(group)
            return [None] * len(group)

        self._intake = Committer(submit, name="intake", after=partial(intake.announce, rt))
        self._receipts = Committer(
            keep, name="receipts", after=self._announce, breath=_BREATH_SECONDS
        )

    def _announce(self, _group: Sequence[object], _answers: Sequence[None]) -> None:
        """Hint that receipts wait: when no commit follows at once, and now and then while they do."""
        now = monotonic()
        if now - self._announced_at >= _HINT_SECONDS or not self._receipts.busy:
            self._announced_at = now
            webhooks.announce(self.rt)

    def close(self) -> None:
        """Commit what is waiting, then stop."""
        self._intake.close()
        self._receipts.close()
        self._keeper.close()

    async def tenant(self, request: Request) -> Tenant:
        """Whose request this is, if it may be made; the one place where that is asked.

        Raises:
            PosthornError: as `caller`.
        """
        return (await self.caller(request)).tenant

    async def caller(self, request: Request) -> Caller:
        """Who makes this request: known, not too often, and with the scope it needs.

        Raises:
            UnauthorizedError: it carries no valid API key.
            RateLimitedError: the key has made too many.
            MissingScopeError: the key may not do that.
        """
        presented = _presented(request)
        caller = self.keys.recall(presented) if presented else None
        if caller is None:
            caller = await run_in_threadpool(self.keys.identify, presented)
            if caller.note_use:
                loop = asyncio.get_running_loop()
                loop.run_in_executor(None, access.note_use, self.rt, caller.key_id)
        scope = request.scope
        if caller.per_minute != UNLIMITED:
            await self._count(caller, scope[LIMITS])
        if caller.scopes is not None:
            caller.may(scopes.needed(scope["method"], scope["path"]))
        audit.by(caller.key_id, scope.get(REQUEST_ID))
        return caller

    async def _count(self, caller: Caller, told: list[tuple[bytes, bytes]]) -> None:
        """Count a request against its key's limit, and say on the answer what is left of it."""
        key_id, per_minute = caller.key_id, caller.per_minute
        try:
            if not self.rates.at_hand(key_id, per_minute):
                await run_in_threadpool(self.rates.fetch, key_id, per_minute)
        except RateLimitedError as error:
            told[:] = _limits(per_minute, 0, error.wait)
            raise
        told[:] = _limits(per_minute, self.rates.left(key_id), -(-60 // per_minute))

    async def submit(self, submission: Submission) -> Receipt:
        """Keep one message, in one commit with whatever else arrives now.

        Raises:
            PosthornError: as `intake.submit`.
        """
        if not self.rt.knows(submission.tenant.id):
            await run_in_threadpool(self.rt.senders_of, submission.tenant.id)
        try:
            answer = await self._intake.put(prepare(self.rt, submission))
        except DatabaseError:
            raise UnavailableError(intake.AWAY) from None
        if isinstance(answer, Receipt):
            return answer
        raise answer

    def keep(self, receipts: Sequence[RawReceipt]) -> asyncio.Future[None]:
        """Keep one webhook's events, in one commit with whatever else arrives now."""
        return self._receipts.put(receipts)


def _limits(per_minute: int, left: int, seconds: int) -> list[tuple[bytes, bytes]]:
    """A limit, and what is left of it until `seconds` later, when there is more.

    As draft-ietf-httpapi-ratelimit-headers-10 writes them (3, 4).
    """
    return [
        (b"ratelimit-policy", b'"key";q=%d;w=60' % per_minute),
        (b"ratelimit", b'"key";r=%d;t=%d' % (left, seconds)),
    ]


def _presented(request: Request) -> bytes | None:
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            return key.strip() if scheme.lower() == b"bearer" else None
        if name == b"x-api-key":
            return bytes(value)
    return None


def desk_of(request: Request) -> Desk:
    """The desk of the application a request came to."""
    desk: Desk = request.app.state.desk
    return desk
