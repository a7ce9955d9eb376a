"""The tasks, by the names other services and Flower see.

Each calls one use case and says in one line what it did.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import Task as CeleryTask
from celery.exceptions import Reject
from celery.worker.request import Request

from messaging import (
    access,
    deliveries,
    dispatch,
    erasure,
    expansion,
    fallbacks,
    intake,
    lookups,
    maintenance,
    polling,
    receipts,
    reconcile,
    registration_refresh,
    retention,
    sender_upkeep,
)
from messaging.domain import request
from messaging.domain.errors import IdempotencyBusyError, PosthornError, UnavailableError
from messaging.domain.message import Queue
from messaging.queues import Task
from messaging.runtime import DatabaseError
from messaging.submission import Refused, Submission
from messaging.telemetry import log
from workers.app import app, settings
from workers.process import current, stopping

_POSTPONED_SECONDS = 1.0


def _task(name: Task, **options: Any) -> Callable[[Callable[..., str]], Any]:
    """A task under its public name, for which a database that is away is a sentence, not a traceback.

    The work is in Postgres and is hinted again by the sweep, so there is nothing to retry here.
    """

    def register(function: Callable[..., str]) -> Any:
        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> str:
            try:
                return function(*args, **kwargs)
            except DatabaseError as error:
                log().warning("task.database_away", task=name.value, error=type(error).__name__)
                return "the database is away; the sweep will hint again"

        return app.task(run, name=name.value, **options)

    return register


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
    return receipts.apply(current().rt)


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


class MaskedRequest(Request):  # type: ignore[misc]  # Celery is untyped
    """A request whose arguments no event, log line or Flower page ever shows.

    The sender's own client writes them into the message's headers in clear; they are replaced before
    the worker says anything about the task.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._argsrepr = "<masked>"
        self._kwargsrepr = "<masked>"
        self._request_dict["argsrepr"] = "<masked>"
        self._request_dict["kwargsrepr"] = "<masked>"

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What remote control says of a running task: never the arguments, whatever is asked."""
        del safe
        found: dict[str, Any] = super().info(safe=True)
        return found


# The one task whose loss would be a message's: until its commit the broker's copy is the only one. So
# it is acknowledged after that, and a repetition finds the key that the first run left behind.
@_task(
    Task.SEND,
    bind=True,
    acks_late=True,
    reject_on_worker_lost=True,
    Request="workers.tasks:MaskedRequest",
)
def send(task: CeleryTask, *, api_key: str | None = None, **fields: Any) -> str:
    """Take one message from another service: `api_key` and the fields of `POST /v1/messages`.

    The one task whose arguments hold personal data. Whoever needs the message's id later gives an
    `idempotency_key` and asks the API with it; without one the task's id is the key.

    Raises:
        Reject: it could not be kept now; the broker hands it out again.
    """
    rt = current().rt
    asked = request.parse(fields)
    if isinstance(asked, list):
        return _refused([p.code for p in asked])
    try:
        receipt = intake.submit(
            rt,
            Submission(
                tenant=access.authenticate(rt, api_key),
                requests=[asked],
                key=asked.idempotency_key or f"celery task {task.request.id}",
                fingerprint=asked.fingerprint(),
                source="celery",
            ),
        )
    except (DatabaseError, UnavailableError, IdempotencyBusyError) as error:
        log().warning("intake.postponed", source="celery", error=type(error).__name__)
        time.sleep(_POSTPONED_SECONDS)
        raise Reject(requeue=True) from None
    except PosthornError as error:
        return _refused([error.code])
    (entry,) = receipt.entries
    if isinstance(entry, Refused):
        return _refused([p.code for p in entry.problems])
    return f"{entry.status} {entry.id}" + (" (replayed)" if receipt.replayed else "")


def _refused(codes: list[str]) -> str:
    log().warning("intake.refused", source="celery", codes=codes)
    return f"refused: {', '.join(codes)}"
