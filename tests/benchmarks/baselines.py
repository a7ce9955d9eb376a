"""How fast are the two yardsticks: empty Celery tasks, and one plain task per message?

Each round starts a worker, warms it up, freezes it while the queue is filled, and times what it does
until the last result is there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from messaging.processes import Group
from tests.benchmarks import empty_tasks as empty_app
from tests.benchmarks import plain_pipeline
from tests.benchmarks.machine import Machine
from tests.benchmarks.plain_pipeline import Base, PlainMessage
from tests.benchmarks.vitals import cpu_seconds, frozen
from tests.benchmarks.witness import VoidRunError, wait_until

_WARM_UP = 100


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a yardstick was, and what it cost."""

    per_s: float
    cpu_us: float
    """Of its worker, Postgres and Redis, for one task."""


def empty_tasks(m: Machine, count: int) -> Pace:
    """Empty tasks, executed by a prefork worker with two children."""
    m.reset()
    app = empty_app.app
    app.conf.broker_url = m.urls.redis_url
    worker = m.celery("empty", "tests.benchmarks.empty_tasks", BENCH_REDIS_URL=m.urls.redis_url)

    def done() -> int:
        return int(m.rt.redis.get(empty_app.DONE_KEY) or 0)

    with Group([worker]) as group:
        _publish(app, "empty", [[]] * _WARM_UP)
        wait_until(lambda: done() >= _WARM_UP, "the warm-up of the empty tasks")
        with frozen(group, "empty"):
            _publish(app, "empty", [[]] * count)
            pids = [*group.pids("empty")[:1], *m.server_pids()]
            cpu = cpu_seconds(pids)
            began = time.perf_counter()
        wait_until(lambda: done() >= _WARM_UP + count, "the last empty task", pause=0.01)
        seconds = time.perf_counter() - began
        spent = cpu_seconds(pids) - cpu
    if done() != _WARM_UP + count:
        raise VoidRunError(f"{done() - _WARM_UP} empty tasks ran of {count}")
    return Pace(count / seconds, spent / count * 1e6)


def plain_messages(m: Machine, count: int) -> Pace:
    """Messages through the plain pipeline, counted as rows that say `sent`."""
    m.reset()
    app = plain_pipeline.app
    app.conf.broker_url = m.urls.redis_url
    Base.metadata.drop_all(m.rt.engine)
    Base.metadata.create_all(m.rt.engine)
    worker = m.celery("plain", "tests.benchmarks.plain_pipeline", **_plain_env(m))

    def sent() -> int:
        return int(m.scalar("SELECT count(*) FROM plain_messages WHERE status = 'sent'"))

    with Group([worker]) as group:
        _publish(app, "plain.send", [[key] for key in _rows(m, _WARM_UP)])
        wait_until(lambda: sent() >= _WARM_UP, "the warm-up of the plain pipeline")
        with frozen(group, "plain"):
            _publish(app, "plain.send", [[key] for key in _rows(m, count)])
            m.settle()
            pids = [*group.pids("plain")[:1], *m.server_pids()]
            cpu = cpu_seconds(pids)
            began = time.perf_counter()
        total = _WARM_UP + count
        wait_until(
            lambda: m.carrier.counts()["accepted"] >= total, "the plain pipeline's last send"
        )
        wait_until(lambda: sent() == total, "the plain pipeline's last row")
        seconds = time.perf_counter() - began
        spent = cpu_seconds(pids) - cpu
    if m.carrier.counts() != {"accepted": total, "distinct": total, "duplicated": 0}:
        raise VoidRunError(f"the plain pipeline's ledger says {m.carrier.counts()} of {total}")
    return Pace(count / seconds, spent / count * 1e6)


def _plain_env(m: Machine) -> dict[str, str]:
    return {
        "BENCH_REDIS_URL": m.urls.redis_url,
        "BENCH_DATABASE_URL": m.urls.database_url,
        "BENCH_CARRIER_URL": m.carrier.url,
        "BENCH_ACCOUNT": f"{m.account.username}:{m.account.secret}",
    }


def _rows(m: Machine, count: int) -> list[str]:
    """Store `count` messages for the plain pipeline; returns their ids."""
    values = [
        {
            "id": m.rt.new_id(),
            "recipient": asked.to,
            "sender": "+12025550100",
            "body": asked.body,
            "status": "queued",
        }
        for asked in m.requests(count)
    ]
    with Session(m.rt.engine) as session:
        session.execute(sa.insert(PlainMessage), values)
        session.commit()
    return [str(value["id"]) for value in values]


def _publish(app: Any, task: str, calls: list[list[Any]]) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        for arguments in calls:
            app.send_task(task, arguments, producer=producer, ignore_result=True)
