"""W7: does a claim cost the same whether ten thousand messages wait or a million?

`backlog.claim` and `backlog.finish`, a commit each, as the pump calls them. What is taken is put back
at the end of the line between the timed slices, so the backlog keeps its length.
"""

from __future__ import annotations

import time

import sqlalchemy as sa

from messaging.domain.message import Queue
from messaging.store import backlog
from tests.benchmarks.machine import Machine
from tests.benchmarks.witness import VoidRunError

BATCH = 250
_SLICE = 10
"""Claims between refills: a quarter of the smaller backlog at most."""
_FILL = sa.text("""
INSERT INTO ready (queue, due_at, message_id, epoch)
SELECT 'low', now() - interval '1 hour' + n * interval '1 millisecond', gen_random_uuid(), 0
FROM generate_series(1, :count) AS n
""")
_REFILL = sa.text("""
INSERT INTO ready (queue, due_at, message_id, epoch)
SELECT 'low', now(), gen_random_uuid(), 0 FROM generate_series(1, :count)
""")


def claims_per_s(m: Machine, waiting: int, batches: int) -> float:
    """Messages claimed a second while about `waiting` wait; a tenth of `batches` first to warm up.

    Raises:
        VoidRunError: a claim came back short.
    """
    m.reset()
    with m.rt.engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))
        db.execute(_FILL, {"count": waiting})
    with m.rt.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(sa.text("VACUUM ANALYZE ready"))
        db.execute(sa.text("CHECKPOINT"))
    _slices(m, waiting, max(_SLICE, batches // 10))
    return batches * BATCH / _slices(m, waiting, batches)


def _slices(m: Machine, waiting: int, batches: int) -> float:
    """Seconds spent in `batches` claims, refills not counted."""
    in_slice = max(1, min(_SLICE, waiting // BATCH // 4))
    spent = 0.0
    for first in range(0, batches, in_slice):
        now = min(in_slice, batches - first)
        began = time.perf_counter()
        for _ in range(now):
            _claim(m)
        spent += time.perf_counter() - began
        with m.rt.engine.begin() as db:
            db.execute(_REFILL, {"count": now * BATCH})
    return spent


def _claim(m: Machine) -> None:
    with m.rt.engine.begin() as db:
        claim = backlog.claim(db, Queue.LOW, BATCH, m.rt.settings.lease, m.rt.new_id())
    if claim is None or len(claim.epochs) != BATCH:
        raise VoidRunError("a claim came back short")
    with m.rt.engine.begin() as db:
        backlog.finish(db, claim.id)
