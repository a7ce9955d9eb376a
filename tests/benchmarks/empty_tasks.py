"""The first yardstick: how many tasks that do nothing does Celery run here in a second?

A real prefork worker on a Redis broker, acknowledged early, results ignored: Celery at its fastest
without being taken apart. What it does with a message in that time is nothing at all.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from typing import Any

import redis
from celery import Celery
from celery.signals import worker_ready

DONE_KEY = "bench:empty:done"

app = Celery("empty", broker=os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:1/0"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=False,
    # Celery's own advice for many short tasks; its default of 4 is slower.
    worker_prefetch_multiplier=64,
    broker_connection_retry_on_startup=True,
)

# Shared by the children, so that what was executed is counted, not what was fetched.
_done = multiprocessing.Value("Q", 0)


@app.task(name="empty")  # type: ignore[untyped-decorator]  # Celery is untyped
def empty() -> None:
    with _done.get_lock():
        _done.value += 1


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery is untyped
def _publish_count(**_: Any) -> None:
    threading.Thread(target=_publish, daemon=True).start()


def _publish() -> None:
    client = redis.Redis.from_url(os.environ["BENCH_REDIS_URL"])
    while True:
        client.set(DONE_KEY, _done.value)
        time.sleep(0.02)
