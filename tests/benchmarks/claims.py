"""W7: does a claim cost the same whether ten thousand messages wait or a million?

`claims.claim` and `backlog.finish`, a commit each, as the pump calls them. The two backlogs wait in
two databases of one server and are claimed from in turns of a few milliseconds, so that whatever else
the machine does meets both. What is taken is put back at the end of the line between the turns.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from messaging import store
from messaging.domain.fairness import Turns
from messaging.domain.message import Queue
from messaging.store import backlog, claims, migrate
from tests.benchmarks.machine import Machine
from tests.benchmarks.witness import VoidRunError

BATCH = 250
_TURN = 10
"""Claims in one turn: a quarter of a backlog of 10,000."""
_WARM_UP = 5
_LONG = "bench_long"
_FILL = sa.text("""
INSERT INTO ready (queue, due_at, message_id, epoch, tenant_id)
SELECT 'low', now() - interval '1 hour' + n * interval '1 millisecond', gen_random_uuid(), 0, :tenant
FROM generate_series(1, :count) AS n
""")
_REFILL = sa.text("""
INSERT INTO ready (queue, due_at, message_id, epoch, tenant_id)
SELECT 'low', now(), gen_random_uuid(), 0, :tenant FROM generate_series(1, :count)
""")


@dataclass
class Paces:
    """Messages claimed a second beside each backlog."""

    short: float
    long: float


def paces(m: Machine, short: int, long: int, turns: int, rounds: int) -> Iterator[Paces]:
    """The pace beside `short` and `long` waiting messages, over `turns` turns, `rounds` times.

    Raises:
        VoidRunError: a claim came back short.
    """
    m.reset()
    with _second_database(m) as other:
        both = (m.rt.engine, other)
        for engine, waiting in zip(both, (short, long), strict=True):
            _fill(m, engine, waiting)
        for _ in range(_WARM_UP):
            for engine in both:
                _turn(m, engine)
        for _ in range(rounds):
            spent = [0.0, 0.0]
            for _ in range(turns):
                for n, engine in enumerate(both):
                    spent[n] += _turn(m, engine)
            claimed = turns * _TURN * BATCH
            yield Paces(claimed / spent[0], claimed / spent[1])
    m.reset()


@contextlib.contextmanager
def _second_database(m: Machine) -> Iterator[Engine]:
    with m.rt.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(sa.text(f"CREATE DATABASE {_LONG}"))
        url = sa.make_url(m.urls.database_url).set(database=_LONG)
        engine = store.connect(url.render_as_string(hide_password=False), name="bench")
        try:
            migrate.upgrade(engine)
            yield engine
        finally:
            engine.dispose()
            db.execute(sa.text(f"DROP DATABASE {_LONG}"))


def _fill(m: Machine, engine: Engine, waiting: int) -> None:
    with engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))
        db.execute(_FILL, {"count": waiting, "tenant": m.tenant.id})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(sa.text("VACUUM ANALYZE ready"))
        db.execute(sa.text("CHECKPOINT"))


def _turn(m: Machine, engine: Engine) -> float:
    """Seconds that one turn's claims took; the refill is not counted."""
    began = time.perf_counter()
    for _ in range(_TURN):
        with engine.begin() as db:
            claim = claims.claim(db, Queue.LOW, BATCH, m.rt.settings.lease, m.rt.new_id(), Turns())
        if claim is None or len(claim.epochs) != BATCH:
            raise VoidRunError("a claim came back short")
        with engine.begin() as db:
            backlog.finish(db, claim.id)
    spent = time.perf_counter() - began
    with engine.begin() as db:
        db.execute(_REFILL, {"count": _TURN * BATCH, "tenant": m.tenant.id})
    return spent
