"""When and in which order do delivery receipts go out, and how often is one repeated?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache

from messaging.sandbox.config import Receipts
from messaging.sandbox.dialect import EVERYTHING, Dialect, RetryPolicy, Step
from messaging.sandbox.faults import Plan
from messaging.sandbox.gathering import Gathering
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import ConnectError, Poster, Posting, ReadError

_BACK_OFF = 0.2
_MAX_RETRIES = 5


def sequence(
    statuses: tuple[str, ...], *, silent: bool, failed: bool, reverse: bool, duplicate: bool
) -> tuple[str, ...]:
    """The statuses to post, in order, of a message that fails or not, under a plan's faults."""
    if silent:
        return ()
    steps = list(statuses)
    if failed:
        steps = ["undelivered" if step == "delivered" else step for step in steps]
    if reverse:
        steps.reverse()
    if duplicate:
        steps = [step for step in steps for _ in range(2)]
    return tuple(steps)


@lru_cache(maxsize=256)
def _steps(
    statuses: tuple[str, ...],
    known: frozenset[str],
    parts: int,
    silent: bool,
    failed: bool,
    reverse: bool,
    duplicate: bool,
) -> tuple[Step, ...]:
    """The receipts a provider with words for the `known` ones posts of a message of some parts."""
    course = sequence(statuses, silent=silent, failed=failed, reverse=reverse, duplicate=duplicate)
    return tuple(
        Step(status, part) for status in course if status in known for part in range(parts)
    )


class _Job:
    """The receipts of one message; they go out one after the other."""

    __slots__ = ("dialect", "entry", "finished", "policy", "position", "steps", "tries")

    def __init__(
        self, dialect: Dialect, entry: Entry, steps: tuple[Step, ...], policy: RetryPolicy
    ) -> None:
        self.dialect = dialect
        self.entry = entry
        self.steps = steps
        self.policy = policy
        self.position = 0
        self.tries = 0
        self.finished: asyncio.Future[None] | None = None


class Courier:
    """Posts receipts from a bounded number of workers."""

    def __init__(self, settings: Receipts, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._repeats = (
            None
            if settings.retries is None
            else RetryPolicy(min(settings.retries, _MAX_RETRIES), EVERYTHING)
        )
        self._clock = clock
        self._dialects: Mapping[str, Dialect] = {}
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._poster = Poster()
        self._gathering = Gathering(self._poster.post)
        self._workers: list[asyncio.Task[None]] = []
        self.sent = self.failed = self.pending = 0

    def learn(self, dialects: Mapping[str, Dialect]) -> None:
        """Whose words the receipts of each provider's messages are put in."""
        self._dialects = dialects

    def start(self) -> None:
        """Starts the workers; needs a running loop."""
        if self._settings.enabled:
            loop = asyncio.get_running_loop()
            self._workers = [
                loop.create_task(self._work()) for _ in range(self._settings.concurrency)
            ]

    def stop(self) -> None:
        """Stops the workers; receipts not yet posted are lost, as a crashed carrier loses them."""
        for worker in self._workers:
            worker.cancel()
        self._poster.close()

    def schedule(self, entry: Entry, plan: Plan) -> None:
        """Posts the message's receipts when they are due."""
        job = self._job(entry, plan)
        if job is not None:
            self._enqueue(job)

    async def post(self, posting: Posting) -> int:
        """Posts one webhook now; returns the status of the answer. Raises as `Poster.post` does."""
        return await self._poster.post(posting)

    async def post_now(self, entry: Entry, plan: Plan) -> None:
        """Posts the message's receipts and returns when the last is done with."""
        job = self._job(entry, plan)
        if job is not None:
            job.finished = asyncio.get_running_loop().create_future()
            self._enqueue(job)
            await job.finished

    def counts(self) -> dict[str, int]:
        """Receipts answered with 2xx, given up, and still to come."""
        return {"sent": self.sent, "failed": self.failed, "pending": self.pending}

    def clear(self) -> None:
        """Starts counting anew; what is pending stays counted."""
        self.sent = self.failed = 0

    def _job(self, entry: Entry, plan: Plan) -> _Job | None:
        if not self._settings.enabled or not entry.callback:
            return None
        dialect = self._dialects[entry.provider]
        steps = _steps(
            self._settings.statuses,
            dialect.told(entry),
            len(entry.parts),
            plan.silent,
            plan.fate is not None,
            plan.reverse,
            plan.duplicate,
        )
        if not steps:
            return None
        self.pending += len(steps)
        policy = dialect.retry_policy(entry.callback, self._repeats or dialect.retries)
        return _Job(dialect, entry, steps, policy)

    def _enqueue(self, job: _Job) -> None:
        status = job.steps[job.position].status
        due = job.entry.sent_at if status in ("sent", "sending") else job.entry.done_at
        wait = 0.0 if status == "queued" else due - self._clock()
        if wait > 0.0:
            asyncio.get_running_loop().call_later(wait, self._queue.put_nowait, job)
        else:
            self._queue.put_nowait(job)

    async def _work(self) -> None:
        while True:
            await self._step(await self._queue.get())

    async def _step(self, job: _Job) -> None:
        """Posts the job's next receipt; then the job waits for another turn, or ends."""
        if not job.entry.canceled:
            failure = await self._post(job)
            if failure in job.policy.after and job.tries < job.policy.retries:
                wait = _BACK_OFF * 2**job.tries
                job.tries += 1
                asyncio.get_running_loop().call_later(wait, self._queue.put_nowait, job)
                return
            self.pending -= 1
            self.sent += failure is None
            self.failed += failure is not None
            job.position, job.tries = job.position + 1, 0
            if job.position < len(job.steps):
                self._enqueue(job)
                return
        self.pending -= len(job.steps) - job.position
        job.entry.callback = ""
        if job.finished is not None and not job.finished.done():
            job.finished.set_result(None)

    async def _post(self, job: _Job) -> str | None:
        """Posts one receipt; returns the word for the failure, or None."""
        step = job.steps[job.position]
        posting = job.dialect.receipt(job.entry, step, job.position, job.tries)
        try:
            if job.dialect.gathers:
                status = await self._gathering.post(job.dialect, job.entry.account, posting)
            else:
                status = await self._poster.post(posting)
        except ConnectError:
            return "ct"
        except ReadError:
            return "rt"
        # A receipt has nothing to gain from following a redirect.
        return None if status < 300 else "4xx" if status < 500 else "5xx"
