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
    NOTICES = "notices"
    INTAKE = "intake"
    MAINTENANCE = "maintenance"


class Task(StrEnum):
    """Task names are public: other services and Flower see them. They are never renamed."""

    SEND = "posthorn.send"
    SEND_MANY = "posthorn.send_many"
    CANCEL = "posthorn.cancel"
    CAMPAIGN = "posthorn.campaign"
    DISPATCH_HIGH = "dispatch.high"
    DISPATCH_NORMAL = "dispatch.normal"
    DISPATCH_LOW = "dispatch.low"
    DISPATCH_SUSPECT = "dispatch.suspect"
    RECEIPTS_APPLY = "receipts.apply"
    NOTICES = "notices.deliver"
    RECONCILE = "reconcile.settle"
    POLL = "receipts.poll"
    LOOKUPS = "lookups.run"
    REGISTRATIONS = "registrations.refresh"
    SENDERS = "senders.judge"
    FALLBACKS = "fallbacks.run"
    CAMPAIGNS = "campaigns.expand"
    PROMOTE_DUE = "schedules.promote_due"
    SWEEP = "schedules.sweep"
    PRUNE = "schedules.prune"
    RETAIN = "schedules.retain"
    ERASE = "erasures.run"


TASK_QUEUES: dict[Task, WorkQueue] = {
    Task.SEND: WorkQueue.INTAKE,
    Task.SEND_MANY: WorkQueue.INTAKE,
    Task.CANCEL: WorkQueue.INTAKE,
    Task.CAMPAIGN: WorkQueue.INTAKE,
    Task.DISPATCH_HIGH: WorkQueue.HIGH,
    Task.DISPATCH_NORMAL: WorkQueue.NORMAL,
    Task.DISPATCH_LOW: WorkQueue.LOW,
    # One at a time, and never in the way of a one-time code.
    Task.DISPATCH_SUSPECT: WorkQueue.LOW,
    Task.RECEIPTS_APPLY: WorkQueue.RECEIPTS,
    # A slow customer delays nothing but what it is told.
    Task.NOTICES: WorkQueue.NOTICES,
    Task.RECONCILE: WorkQueue.MAINTENANCE,
    Task.POLL: WorkQueue.MAINTENANCE,
    Task.LOOKUPS: WorkQueue.MAINTENANCE,
    Task.REGISTRATIONS: WorkQueue.MAINTENANCE,
    Task.SENDERS: WorkQueue.MAINTENANCE,
    Task.FALLBACKS: WorkQueue.MAINTENANCE,
    Task.CAMPAIGNS: WorkQueue.MAINTENANCE,
    Task.PROMOTE_DUE: WorkQueue.MAINTENANCE,
    Task.SWEEP: WorkQueue.MAINTENANCE,
    Task.PRUNE: WorkQueue.MAINTENANCE,
    Task.RETAIN: WorkQueue.MAINTENANCE,
    Task.ERASE: WorkQueue.MAINTENANCE,
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

    `hint:{task}` says that the bell has been rung and nobody has answered; it goes by itself after
    `quiet` seconds, so that a lost hint costs no longer than that. `awake:{task}` says that a pump is
    at work and listening, so the bell alone will do and no task is published. Whoever rings sets the
    one before it looks at the other, and a pump that ends does so in the opposite order: one of the
    two always notices.
    """

    def __init__(self, app: Celery, client: redis.Redis, quiet: float = 2.0) -> None:
        self._app = app
        self._redis = client
        self._quiet_ms = int(quiet * 1000)
        self._broken_until = 0.0

    def ring(self, task: Task) -> bool:
        """Say that there is work for `task`; False if Redis could not be asked.

        Never raises and never waits longer than the publisher's half second; after a failure it does
        not try again for five seconds, so an outage costs one slow request, not all of them.
        """
        if time.monotonic() < self._broken_until:
            return False
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(_hint(task), 1, nx=True, px=self._quiet_ms)
                pipe.exists(_awake(task))
                fresh, listening = pipe.execute()
            if fresh and not listening:
                self._publish(task)
        except Exception:  # noqa: BLE001 - whatever ails the broker, the sweep will hint again
            self._broken_until = time.monotonic() + 5.0
            return False
        return True

    def call_help(self, task: Task, every: float) -> None:
        """Publish a task for one more worker, at most one in `every` seconds, busy pumps or not."""
        try:
            if self._redis.set(f"{KEY_PREFIX}help:{task}", 1, nx=True, px=int(every * 1000)):
                self._publish(task)
        except Exception:  # noqa: BLE001 - as above
            self._broken_until = time.monotonic() + 5.0

    def hand_on(self, task: Task) -> None:
        """Publish a task to go on where a pump ends although there is more to do."""
        try:
            self._publish(task)
        except Exception:  # noqa: BLE001 - as above
            self._broken_until = time.monotonic() + 5.0

    def listen(self, task: Task) -> bool:
        """Answer the bell and stay awake for a moment; whether it had been rung.

        To be called before each look for work, and more often than every quarter of a second.
        """
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(_awake(task), 1, px=_AWAKE_MS)
                pipe.delete(_hint(task))
                return bool(pipe.execute()[1])
        except redis.RedisError:
            return False

    def fall_asleep(self, task: Task) -> bool:
        """Stop listening; False if the bell was rung meanwhile, and one more look is due."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.delete(_awake(task))
                pipe.exists(_hint(task))
                return not pipe.execute()[1]
        except redis.RedisError:
            return True

    def answered(self, task: Task) -> None:
        """Somebody is at work on `task`: the next row must ring again."""
        try:
            self._redis.delete(_hint(task))
        except redis.RedisError:
            self._broken_until = time.monotonic() + 5.0

    def _publish(self, task: Task) -> None:
        self._app.send_task(task.value, queue=TASK_QUEUES[task].value, ignore_result=True)


_AWAKE_MS = 250


def _hint(task: Task) -> str:
    return f"{KEY_PREFIX}hint:{task}"


def _awake(task: Task) -> str:
    return f"{KEY_PREFIX}awake:{task}"
