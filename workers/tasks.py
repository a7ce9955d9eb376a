"""The tasks that the clock and the hints ring for, by the names that Flower sees.

Each calls one use case and says in one line what it did. What other services hand in is in `doors`.
"""

from __future__ import annotations

from messaging import (
    deliveries,
    dispatch,
    erasure,
    expansion,
    fallbacks,
    lookups,
    maintenance,
    polling,
    receipts,
    reconcile,
    registration_refresh,
    retention,
    sender_upkeep,
)
from messaging.domain.message import Queue
from messaging.queues import Task
from workers.app import settings
from workers.naming import named as _task
from workers.process import current, stopping


def _dispatch(queue: Queue) -> str:
    process = current()
    return str(
        dispatch.pump(
            process.rt,
            process.window,
            queue,
            seconds=settings.pump_seconds,
            stopping=stopping,
        )
    )


@_task(Task.DISPATCH_HIGH)
def dispatch_high() -> str:
    """Pump the high lane."""
    return _dispatch(Queue.HIGH)


@_task(Task.DISPATCH_NORMAL)
def dispatch_normal() -> str:
    """Pump the normal lane."""
    return _dispatch(Queue.NORMAL)


@_task(Task.DISPATCH_LOW)
def dispatch_low() -> str:
    """Pump the low lane."""
    return _dispatch(Queue.LOW)


@_task(Task.DISPATCH_SUSPECT)
def dispatch_suspect() -> str:
    """Take messages whose worker died over them, one at a time."""
    return _dispatch(Queue.SUSPECT)


@_task(Task.RECEIPTS_APPLY)
def apply_receipts() -> str:
    """Apply the receipts that have come in."""
    return receipts.apply(current().rt, stopping=stopping)


@_task(Task.NOTICES)
def deliver_notices() -> str:
    """Tell tenants what happened to their messages."""
    process = current()
    return deliveries.run(process.rt, process.courier, stopping=stopping)


@_task(Task.RECONCILE)
def settle_in_doubt() -> str:
    """Look for evidence of attempts in doubt."""
    process = current()
    return reconcile.settle_in_doubt(process.rt, process.lookups)


@_task(Task.POLL)
def poll_receipts() -> str:
    """Ask about messages whose receipt is overdue."""
    process = current()
    return polling.run(process.rt, process.polls)


@_task(Task.LOOKUPS)
def look_up_lines() -> str:
    """Ask what kind of line the numbers are that messages wait for."""
    process = current()
    return lookups.run(process.rt, process.lines)


@_task(Task.REGISTRATIONS)
def refresh_registrations() -> str:
    """Ask providers where the registrations stand that are due for it."""
    process = current()
    return registration_refresh.run(process.rt, process.registrations)


@_task(Task.SENDERS)
def judge_senders() -> str:
    """Judge every sender by what has become of its messages."""
    return sender_upkeep.run(current().rt)


@_task(Task.FALLBACKS)
def run_fallbacks() -> str:
    """Let stand-ins speak for messages that failed for good."""
    return fallbacks.run(current().rt)


@_task(Task.CAMPAIGNS)
def expand_campaigns() -> str:
    """Make messages of campaigns' recipients, as fast as they may go."""
    return expansion.run(current().rt, stopping=stopping)


@_task(Task.PROMOTE_DUE)
def promote_due() -> str:
    """Queue what is scheduled and due."""
    return maintenance.promote_due(current().rt)


@_task(Task.SWEEP)
def sweep() -> str:
    """Put right what a crash left behind."""
    return maintenance.sweep(current().rt)


@_task(Task.PRUNE)
def prune() -> str:
    """Forget what is too old to matter."""
    return maintenance.prune(current().rt)


@_task(Task.RETAIN)
def retain() -> str:
    """Empty what is older than its tenant wants it kept."""
    return retention.run(current().rt)


@_task(Task.ERASE)
def erase() -> str:
    """Work off the requests to erase somebody."""
    return erasure.run(current().rt)
