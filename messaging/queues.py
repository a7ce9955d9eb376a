"""Queue names, task names, and hints: how a process says "there is work" without saying what.

A hint carries a queue name and nothing else. Losing, repeating or forging one changes nothing: the
work is rows in Postgres, and the sweep hints again. This is the one module outside `workers` and
`schedules` that knows Celery.
"""

from __future__ import annotations

import time
from enum import StrEnum

import redis
from celery import Celery
from kombu.entity import Exchange
from kombu.entity import Queue as KombuQueue

from messaging.domain.message import Lane


class WorkQueue(StrEnum):
    """The Celery queues; each is served by the worker pool of the same name."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    RECEIPTS = "receipts"
    INTAKE = "intake"
    MAINTENANCE = "maintenance"


class Task(StrEnum):
    """Task names are public: other services and Flower see them. They are never renamed."""

    SEND = "posthorn.send"
    DISPATCH_HIGH = "dispatch.high"
    DISPATCH_NORMAL = "dispatch.normal"
    DISPATCH_LOW = "dispatch.low"
    DISPATCH_SUSPECT = "dispatch.suspect"
    RECEIPTS_APPLY = "receipts.apply"
    RECONCILE = "reconcile.settle"
    PROMOTE_DUE = "schedules.promote_due"
    SWEEP = "schedules.sweep"
    PRUNE = "schedules.prune"


TASK_QUEUES: dict[Task, WorkQueue] = {
    Task.SEND: WorkQueue.INTAKE,
    Task.DISPATCH_HIGH: WorkQueue.HIGH,
    Task.DISPATCH_NORMAL: WorkQueue.NORMAL,
    Task.DISPATCH_LOW: WorkQueue.LOW,
    # One at a time, and never in the way of a one-time code.
    Task.DISPATCH_SUSPECT: WorkQueue.LOW,
    Task.RECEIPTS_APPLY: WorkQueue.RECEIPTS,
    Task.RECONCILE: WorkQueue.MAINTENANCE,
    Task.PROMOTE_DUE: WorkQueue.MAINTENANCE,
    Task.SWEEP: WorkQueue.MAINTENANCE,
    Task.PRUNE: WorkQueue.MAINTENANCE,
}

DISPATCH: dict[str, Task] = {
    Lane.HIGH: Task.DISPATCH_HIGH,
    Lane.NORMAL: Task.DISPATCH_NORMAL,
    Lane.LOW: Task.DISPATCH_LOW,
    "suspect": Task.DISPATCH_SUSPECT,
}

KEY_PREFIX = "posthorn:"
"""Before every key of ours. The broker's own keys carry none, so that any Celery client finds `intake`."""


def declared() -> list[KombuQueue]:
    """Every queue, as both the workers and the publishers declare it."""
    exchange = Exchange("posthorn", type="direct")
    return [KombuQueue(q.value, exchange, routing_key=q.value) for q in WorkQueue]


def publisher(redis_url: str) -> Celery:
    """A Celery application that only publishes, and never makes its caller wait for Redis.

    The defaults of kombu and redis-py wait without limit, and retry on two levels; intake has half a
    second for a hint, since the row is already safe.
    """
    app = Celery("posthorn-publisher", broker=redis_url, set_as_current=False)
    app.conf.update(
        task_queues=declared(),
        task_default_exchange="posthorn",
        task_create_missing_queues=False,
        task_ignore_result=True,
        result_backend=None,
        task_publish_retry=False,
        broker_pool_limit=4,
        broker_connection_retry=False,
        broker_transport_options={
            "socket_timeout": 0.4,
            "socket_connect_timeout": 0.3,
            "socket_keepalive": True,
            "max_retries": 0,
        },
    )
    return app


class Hints:
    """Rings the bell of a queue, at most once until somebody answers it.

    A hint is held back while an unanswered one for the same task exists (`hint:{task}`, for at most
    `quiet` seconds, so that a lost hint costs no longer than that). The pump answers with `answered`
    before its first claim, so a row committed later always rings again.
    """

    def __init__(self, app: Celery, client: redis.Redis, quiet: float = 2.0) -> None:
        self._app = app
        self._redis = client
        self._quiet_ms = int(quiet * 1000)
        self._broken_until = 0.0

    def ring(self, task: Task) -> bool:
        """Publish a hint for `task` unless one is waiting; False if Redis could not be asked.

        Never raises and never waits longer than the publisher's half second; after a failure it does
        not try again for five seconds, so an outage costs one slow request, not all of them.
        """
        if time.monotonic() < self._broken_until:
            return False
        try:
            fresh = self._redis.set(f"{KEY_PREFIX}hint:{task}", 1, nx=True, px=self._quiet_ms)
            if fresh:
                queue = TASK_QUEUES[task]
                self._app.send_task(task.value, queue=queue.value, ignore_result=True)
        except Exception:  # noqa: BLE001 - whatever ails the broker, the sweep will hint again
            self._broken_until = time.monotonic() + 5.0
            return False
        return True

    def answered(self, task: Task) -> None:
        """Somebody is at work on `task`: the next row must ring again."""
        try:
            self._redis.delete(f"{KEY_PREFIX}hint:{task}")
        except redis.RedisError:
            self._broken_until = time.monotonic() + 5.0
