"""What the clock rings, how often, and why. Run it as `celery -A schedules.beat beat`.

Any number of beats may run: every task here takes its rows or finds nothing to do. A tick that could
not be served in time is dropped; the next one finds the same rows.
"""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import celery.beat

from messaging import health
from messaging.queues import TASK_QUEUES, Task
from workers.app import app, settings


class Entry(NamedTuple):
    """One recurring task."""

    task: Task
    every: float
    """Seconds."""
    why: str


TABLE = (
    Entry(Task.PROMOTE_DUE, 1.0, "scheduled messages become ready within a second of their time"),
    Entry(Task.SWEEP, 5.0, "what a crash left behind is found within seconds"),
    Entry(Task.RECONCILE, 5.0, "attempts in doubt are looked up as soon as their wait is over"),
    Entry(Task.NOTICES, 1.0, "tenants learn of a step about a second after it"),
    Entry(Task.POLL, 15.0, "a receipt that got lost is asked for soon after it was due"),
    Entry(Task.LOOKUPS, 2.0, "a message that waits for a look-up waits seconds, not minutes"),
    Entry(
        Task.REGISTRATIONS,
        120.0,
        "each is asked about hourly, and minutes after a carrier denied it",
    ),
    Entry(
        Task.SENDERS, 30.0, "a number that goes bad is out of use before it has done much more harm"
    ),
    Entry(Task.FALLBACKS, 5.0, "what failed is said on another channel while it still matters"),
    Entry(Task.CAMPAIGNS, 2.0, "a campaign goes on as soon as what is ahead of it has gone"),
    Entry(Task.PRUNE, 3600.0, "idempotency keys are kept as long as promised, no longer"),
    Entry(Task.RETAIN, 3600.0, "personal data stays as long as its tenant decided, no longer"),
    Entry(
        Task.ERASE, 5.0, "whoever is to be erased is gone as soon as nothing of theirs is under way"
    ),
)


class Scheduler(celery.beat.Scheduler):  # type: ignore[misc]  # Celery is untyped
    """The clock, with a sign of life: a beat that has wedged looks like one that has nothing to do."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Ring what is due; the seconds until the next time."""
        wait: float = super().tick(*args, **kwargs)
        with contextlib.suppress(OSError):  # then only the health check knows no better
            health.note_beat(settings.home)
        return wait


app.conf.update(
    # In memory: the default keeps a file, and a broken file is a beat that does not start.
    beat_scheduler="schedules.beat:Scheduler",
    beat_max_loop_interval=1,
    beat_schedule={
        entry.task.value: {
            "task": entry.task.value,
            "schedule": entry.every,
            "options": {
                "queue": TASK_QUEUES[entry.task].value,
                "expires": max(10.0, entry.every),
            },
        }
        for entry in TABLE
    },
)
