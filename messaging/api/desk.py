"""What the routes of one process share: the runtime, known keys and accounts, and the two commits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import monotonic
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from messaging import intake, webhooks
from messaging.access import KnownKeys
from messaging.api.committer import Committer
from messaging.domain import addresses
from messaging.domain.errors import PosthornError, UnavailableError
from messaging.domain.message import ProviderAccount
from messaging.runtime import DatabaseError, Runtime
from messaging.store.raw_receipts import RawReceipt
from messaging.store.tenants import Tenant
from messaging.submission import Prepared, Receipt, Submission, prepare

_ACCOUNT_SECONDS = 4.0
_MOST_ACCOUNTS = 1_000


class Desk:
    """One process's shared state; `open` and `close` at its start and end."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.keys = KnownKeys(rt)
        self._accounts: dict[tuple[str, UUID], tuple[ProviderAccount | None, float]] = {}

    def open(self) -> None:
        """Start the two threads that commit, on the event loop that they answer to."""
        addresses.warm("+12025550100")
        rt = self.rt

        def submit(group: Sequence[Prepared]) -> list[Receipt | PosthornError]:
            with rt.engine.begin() as db:
                return intake.keep(db, group)

        def keep(group: Sequence[Sequence[RawReceipt]]) -> list[None]:
            with rt.engine.begin() as db:
                webhooks.keep(db, [receipt for part in group for receipt in part])
            return [None] * len(group)

        self._intake = Committer(submit, name="intake", after=partial(intake.announce, rt))
        self._receipts = Committer(
            keep, name="receipts", after=lambda _group, _answers: webhooks.announce(rt)
        )

    def close(self) -> None:
        """Commit what is waiting, then stop."""
        self._intake.close()
        self._receipts.close()

    async def tenant(self, request: Request) -> Tenant:
        """Whose request this is.

        Raises:
            UnauthorizedError: it carries no valid API key.
        """
        presented = _presented(request)
        known = self.keys.recall(presented) if presented else None
        if known is not None:
            return known
        return await run_in_threadpool(self.keys.authenticate, presented)

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

    async def keep(self, receipts: Sequence[RawReceipt]) -> None:
        """Keep one webhook's events, in one commit with whatever else arrives now."""
        await self._receipts.put(receipts)

    async def account(self, provider: str, account_id: UUID) -> ProviderAccount | None:
        """The provider account a webhook names, at most four seconds old."""
        found, until = self._accounts.get((provider, account_id), (None, 0.0))
        if until <= monotonic():
            found = await run_in_threadpool(webhooks.account, self.rt, provider, account_id)
            if len(self._accounts) >= _MOST_ACCOUNTS:
                self._accounts.clear()
            self._accounts[provider, account_id] = (found, monotonic() + _ACCOUNT_SECONDS)
        return found


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
