"""What the clock rings, how often, and why. Run it as `celery -A schedules.beat beat`.

Any number of beats may run: every task here takes its rows or finds nothing to do. A tick that could
not be served in time is dropped; the next one finds the same rows.
"""

from __future__ import annotations

from typing import NamedTuple

from messaging.queues import TASK_QUEUES, Task
from workers.app import app


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
    Entry(Task.PRUNE, 3600.0, "idempotency keys are kept as long as promised, no longer"),
)

app.conf.update(
    # In memory: the default keeps a file, and a broken file is a beat that does not start.
    beat_scheduler="celery.beat:Scheduler",
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
