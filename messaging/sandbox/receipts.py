"""When, in which order and how signed do delivery receipts go out?"""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote_plus

from messaging.sandbox.config import Account, Receipts
from messaging.sandbox.faults import Plan
from messaging.sandbox.ledger import Entry
from messaging.sandbox.posting import ConnectError, Poster, ReadError
from messaging.sandbox.wire import API_VERSION

_BACK_OFF = 0.2
_MAX_RETRIES = 5
_FRAGMENT_RETRIES = re.compile(r"(?:^|&)rc=([0-5])(?:&|$)")
_FRAGMENT_POLICY = re.compile(r"(?:^|&)rp=([a-z0-9,]+)(?:&|$)")


def sign(token: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Twilio's signature of a form post, in base64.

    HMAC-SHA1 over the URL without its fragment and, in the order of their names, every parameter's
    name and distinct values (Twilio, "Webhooks security").
    """
    text = url.partition("#")[0] + "".join(n + v for n, v in sorted(set(parameters)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a receipt is repeated, and after which failures (`ct`, `rt`, `4xx`, `5xx`)."""

    retries: int
    after: frozenset[str]


_EVERYTHING = frozenset({"ct", "rt", "4xx", "5xx"})
AS_TWILIO = RetryPolicy(1, frozenset({"ct"}))


def retry_policy(callback: str, default: RetryPolicy) -> RetryPolicy:
    """The policy in the `#rc=N&rp=...` fragment of a callback URL, or the default."""
    fragment = callback.partition("#")[2]
    if not fragment:
        return default
    retries, policy = _FRAGMENT_RETRIES.search(fragment), _FRAGMENT_POLICY.search(fragment)
    after = default.after
    if policy is not None:
        words = frozenset(policy.group(1).split(","))
        after = _EVERYTHING if "all" in words else words & _EVERYTHING
    return RetryPolicy(default.retries if retries is None else int(retries.group(1)), after)


def sequence(statuses: tuple[str, ...], plan: Plan) -> tuple[str, ...]:
    """The statuses to post, in order, under a plan."""
    if plan.silent:
        return ()
    steps = list(statuses)
    if plan.error_code is not None:
        steps = ["undelivered" if step == "delivered" else step for step in steps]
    if plan.reverse:
        steps.reverse()
    if plan.duplicate:
        steps = [step for step in steps for _ in range(2)]
    return tuple(steps)


def parameters(entry: Entry, status: str) -> list[tuple[str, str]]:
    """The form fields of one receipt."""
    found = [
        ("AccountSid", entry.account),
        ("ApiVersion", API_VERSION),
        ("MessageSid", entry.sid),
        ("MessageStatus", status),
        ("SmsSid", entry.sid),
        ("SmsStatus", status),
        ("To", entry.to),
    ]
    if entry.sender is not None:
        found.append(("From", entry.sender))
    if entry.service is not None:
        found.append(("MessagingServiceSid", entry.service))
    if status == "undelivered":
        found.append(("ErrorCode", str(entry.error_code)))
    if status in ("delivered", "undelivered"):
        done = datetime.fromtimestamp(entry.done_at, UTC)
        found.append(("RawDlrDoneDate", done.strftime("%y%m%d%H%M")))
    return found


# Senders and recipients come again and again; the standard library's encoder costs more than the
# signature.
_quoted = lru_cache(maxsize=4096)(quote_plus)


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """The body of a receipt; the names are letters only."""
    return "&".join(f"{n}={v if v.isalnum() else _quoted(v)}" for n, v in fields).encode()


class _Job:
    """The receipts of one message; they go out one after the other."""

    __slots__ = ("entry", "finished", "policy", "position", "steps", "tries")

    def __init__(self, entry: Entry, steps: tuple[str, ...], policy: RetryPolicy) -> None:
        self.entry = entry
        self.steps = steps
        self.policy = policy
        self.position = 0
        self.tries = 0
        self.finished: asyncio.Future[None] | None = None


class Courier:
    """Posts receipts from a bounded number of workers."""

    def __init__(
        self, accounts: tuple[Account, ...], settings: Receipts, clock: Callable[[], float]
    ) -> None:
        self._tokens = {account.sid: account.token for account in accounts}
        self._settings = settings
        self._default = (
            AS_TWILIO
            if settings.retries is None
            else RetryPolicy(min(settings.retries, _MAX_RETRIES), _EVERYTHING)
        )
        self._clock = clock
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._poster = Poster()
        self._workers: list[asyncio.Task[None]] = []
        self.sent = self.failed = self.pending = 0

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

    async def post(self, account: str, url: str, fields: list[tuple[str, str]], token: str) -> int:
        """Posts one form, signed as the account's; returns the status of the answer.

        `token` stays the same when the same is posted again. Raises as `Poster.post` does.
        """
        headers = {
            "X-Twilio-Signature": sign(self._tokens[account], url, fields),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        return await self._poster.post(url, encode(fields), headers)

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
        steps = sequence(self._settings.statuses, plan)
        if not steps:
            return None
        self.pending += len(steps)
        return _Job(entry, steps, retry_policy(entry.callback, self._default))

    def _enqueue(self, job: _Job) -> None:
        status = job.steps[job.position]
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
        """Posts one receipt; returns Twilio's word for the failure, or None."""
        entry = job.entry
        fields = parameters(entry, job.steps[job.position])
        token = f"{entry.sid}-{job.position}"
        try:
            status = await self.post(entry.account, entry.callback, fields, token)
        except ConnectError:
            return "ct"
        except ReadError:
            return "rt"
        # Twilio follows redirects; a receipt has nothing to gain from one.
        return None if status < 300 else "4xx" if status < 500 else "5xx"
