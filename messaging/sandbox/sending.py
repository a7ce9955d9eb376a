"""What happens to a request to send: is it accepted, what is it told, and when?"""

from __future__ import annotations

import asyncio
from functools import partial
from hashlib import blake2b, sha256

from messaging.sandbox import connection, segments
from messaging.sandbox.accounts import Accounts
from messaging.sandbox.config import SandboxConfig
from messaging.sandbox.connection import Later, Outcome, Reply, Request
from messaging.sandbox.courier import Courier
from messaging.sandbox.create import Create
from messaging.sandbox.dialect import Dialect
from messaging.sandbox.faultbook import FaultBook
from messaging.sandbox.faults import Answer, Fate, Plan, Refusal
from messaging.sandbox.ledger import Entry, Ledger

_PATIENCE = 60.0
"""Seconds after which even a client without a timeout has its connection closed."""


class Sending:
    """Accepts messages into the ledger and lets the faults strike."""

    def __init__(
        self,
        config: SandboxConfig,
        accounts: Accounts,
        ledger: Ledger,
        faults: FaultBook,
        courier: Courier,
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._ledger = ledger
        self._faults = faults
        self._courier = courier

    def create(self, dialect: Dialect, request: Request) -> connection.Answer:
        """Answers a request to send: at once, after a delay, or as a coroutine."""
        account = dialect.admit(request)
        if isinstance(account, Reply):
            return account
        asked = dialect.read(account, request)
        if isinstance(asked, Reply):
            return asked
        return self.take(dialect, account, asked, request.at)

    def take(self, dialect: Dialect, account: str, asked: Create, at: float) -> connection.Answer:
        """Answers a request that was read and checked, whatever it came by.

        The message is in the ledger before the delay, so that a client that gives up waiting has
        been accepted all the same.
        """
        digest = sha256(asked.body.encode("utf-8", "replace")).digest()
        plan = self._faults.plan(account, asked, digest)
        if plan.refusal is Refusal.UNSUBSCRIBED and plan.refusal not in dialect.refusals:
            plan = plan._replace(refusal=None, fate=Fate.OPTED_OUT)
        if plan.hold or plan.early:
            return self._slowly(dialect, account, asked, digest, at, plan)
        if plan.refusal is not None:
            if plan.refusal is Refusal.LOST:
                return Later(None, _PATIENCE, _nothing)
            reply = dialect.refuse(plan.refusal)
            return Later(reply, plan.delay, _nothing) if plan.delay else reply
        entry = self._accept(dialect, account, asked, digest, at, plan)
        outcome = _outcome(dialect, entry, plan)
        if plan.delay:
            return Later(outcome, plan.delay, partial(self._courier.schedule, entry, plan))
        self._courier.schedule(entry, plan)
        return outcome

    async def _slowly(
        self, dialect: Dialect, account: str, asked: Create, digest: bytes, at: float, plan: Plan
    ) -> Outcome:
        """The answer under a plan that holds the request back, or posts receipts before it."""
        await asyncio.sleep(plan.hold)
        if plan.refusal is Refusal.LOST:
            await asyncio.sleep(_PATIENCE)
            return None
        if plan.refusal is not None:
            await asyncio.sleep(plan.delay)
            return dialect.refuse(plan.refusal)
        entry = self._accept(dialect, account, asked, digest, at, plan)
        if plan.early:
            await self._courier.post_now(entry, plan)
        await asyncio.sleep(plan.delay)
        if not plan.early:
            self._courier.schedule(entry, plan)
        return _outcome(dialect, entry, plan)

    def _accept(
        self, dialect: Dialect, account: str, asked: Create, digest: bytes, at: float, plan: Plan
    ) -> Entry:
        count = segments.count(asked.body)
        callback = ""
        # Kept only as long as it is needed: it is the longest part of an entry.
        if self._config.receipts.enabled:
            callback = asked.callback or self._accounts.setting(account, "webhook_url")
        entry = Entry(
            dialect.identify(asked, count),
            dialect.provider,
            account,
            asked,
            sha256=digest,
            segments=count,
            callback=callback,
            at=at,
        )
        if plan.fate is not None:
            entry.error_code = dialect.codes[plan.fate]
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
            draw = blake2b(identity.encode("utf-8", "replace"), digest_size=2).digest()
            first *= 1.0 + settings.jitter * (draw[0] / 127.5 - 1.0)
            second *= 1.0 + settings.jitter * (draw[1] / 127.5 - 1.0)
        entry.sent_at += first
        entry.done_at = entry.sent_at + second


def _outcome(dialect: Dialect, entry: Entry, plan: Plan) -> Outcome:
    """What the sender of an accepted message is told."""
    if plan.answer is Answer.NOTHING:
        return None
    if plan.answer is Answer.INTERNAL:
        return dialect.broken
    return dialect.accepted(entry)


def _nothing() -> None:
    """A refusal has no consequence."""
