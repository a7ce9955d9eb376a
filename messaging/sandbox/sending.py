"""What happens to a request to send: is it accepted, what is it told, and when?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from hashlib import blake2b, sha256

from messaging.sandbox import connection, segments
from messaging.sandbox.config import SandboxConfig
from messaging.sandbox.connection import Later, Outcome, Reply, Request
from messaging.sandbox.faultbook import FaultBook
from messaging.sandbox.faults import Answer, Plan, Refusal
from messaging.sandbox.ledger import Entry, Ledger
from messaging.sandbox.problems import INTERNAL, TOO_MANY, UNSUBSCRIBED, Problem
from messaging.sandbox.receipts import Courier
from messaging.sandbox.wire import Create, json_reply, message, problem_reply, read_create

_REFUSALS: dict[Refusal, Reply] = {
    Refusal.RATE_LIMITED: problem_reply(TOO_MANY, ("Retry-After", "1")),
    Refusal.INTERNAL: problem_reply(INTERNAL),
    Refusal.UNSUBSCRIBED: problem_reply(UNSUBSCRIBED),
}


class Sending:
    """Accepts messages into the ledger and lets the faults strike."""

    def __init__(
        self,
        config: SandboxConfig,
        ledger: Ledger,
        faults: FaultBook,
        courier: Courier,
        new_sid: Callable[[], str],
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._faults = faults
        self._courier = courier
        self._new_sid = new_sid

    def create(self, account: str, request: Request) -> connection.Answer:
        """Answers a request to send: at once, after a delay, or as a coroutine.

        The message is in the ledger before the delay, so that a client that gives up waiting has
        been accepted all the same.
        """
        asked = read_create(request.body, self._config.numbers)
        if isinstance(asked, Problem):
            return problem_reply(asked)
        digest = sha256(asked.body.encode("utf-8", "replace")).digest()
        plan = self._faults.plan(account, asked, digest)
        if plan.hold or plan.early:
            return self._slowly(account, asked, digest, request.at, plan)
        if plan.refusal is not None:
            reply = _REFUSALS[plan.refusal]
            return Later(reply, plan.delay, _nothing) if plan.delay else reply
        entry = self._accept(account, asked, digest, request.at, plan)
        outcome = _outcome(entry, plan)
        if plan.delay:
            return Later(outcome, plan.delay, partial(self._courier.schedule, entry, plan))
        self._courier.schedule(entry, plan)
        return outcome

    async def _slowly(
        self, account: str, asked: Create, digest: bytes, at: float, plan: Plan
    ) -> Outcome:
        """The answer under a plan that holds the request back, or posts receipts before it."""
        await asyncio.sleep(plan.hold)
        if plan.refusal is not None:
            await asyncio.sleep(plan.delay)
            return _REFUSALS[plan.refusal]
        entry = self._accept(account, asked, digest, at, plan)
        if plan.early:
            await self._courier.post_now(entry, plan)
        await asyncio.sleep(plan.delay)
        if not plan.early:
            self._courier.schedule(entry, plan)
        return _outcome(entry, plan)

    def _accept(self, account: str, asked: Create, digest: bytes, at: float, plan: Plan) -> Entry:
        entry = Entry(
            sid=("MM" if asked.media else "SM") + self._new_sid(),
            account=account,
            to=asked.to,
            sender=asked.sender,
            service=asked.service,
            body=asked.body,
            sha256=digest,
            segments=segments.count(asked.body),
            media=asked.media,
            # Kept only as long as it is needed: it is the longest part of an entry.
            callback=asked.callback if self._config.receipts.enabled else "",
            m=asked.m,
            e=asked.e,
            at=at,
        )
        entry.error_code = plan.error_code
        if not plan.early:
            self._set_times(entry, plan)
        self._ledger.append(entry)
        return entry

    def _set_times(self, entry: Entry, plan: Plan) -> None:
        """When the message will have been sent and delivered.

        Two delays, varied by a hash of the message so that a run can be repeated.
        """
        settings = self._config.receipts
        entry.sent_at = entry.at + plan.hold + plan.delay
        if not settings.delay:
            entry.done_at = entry.sent_at
            return
        first = second = settings.delay
        if settings.jitter:
            identity = f"{self._config.seed} {entry.to} {entry.m or entry.sha256.hex()} {entry.e}"
            draw = blake2b(identity.encode(), digest_size=2).digest()
            first *= 1.0 + settings.jitter * (draw[0] / 127.5 - 1.0)
            second *= 1.0 + settings.jitter * (draw[1] / 127.5 - 1.0)
        entry.sent_at += first
        entry.done_at = entry.sent_at + second


def _outcome(entry: Entry, plan: Plan) -> Outcome:
    """What the sender of an accepted message is told: the message as it was when accepted."""
    if plan.answer is Answer.NOTHING:
        return None
    if plan.answer is Answer.INTERNAL:
        return _REFUSALS[Refusal.INTERNAL]
    value = message(entry, entry.at)
    value["status"] = "queued" if entry.service is None else "accepted"
    return json_reply(201, value)


def _nothing() -> None:
    """A refusal has no consequence."""
