"""What was reserved against rates, so that Redis can be told again what it has forgotten.

Redis keeps the counts (`messaging.rates`); here stands the same, written in the transaction that opens
the attempts: one row a batch, folded into totals by day when it is too old for any rolling window.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.rates import Past, Spent, Usage
from messaging.domain.warm_up import carrier_day, next_carrier_midnight

SPAN_SECONDS = 60
"""The longest rolling window of any limit."""
_WAIT_SECONDS = 0.5
_LOOK_SECONDS = 0.01

_LOG = sa.text("INSERT INTO rate_log (at, used) VALUES (:at, CAST(:used AS jsonb))")
_MET = sa.text("""
INSERT INTO sender_recipients (sender_id, day, recipient_key)
SELECT * FROM unnest(CAST(:senders AS uuid[]), CAST(:days AS date[]), CAST(:keys AS bytea[]))
ON CONFLICT DO NOTHING
""")


def keep(db: Connection, usage: Usage | None, met: Sequence[tuple[UUID, date, bytes]]) -> None:
    """Write down what a batch used of each limit, and whom its senders with a daily limit met."""
    if usage is not None and usage.spent:
        db.execute(_LOG, {"at": usage.at, "used": orjson.dumps(usage.spent).decode()})
    if met:
        senders, days, keys = (list(column) for column in zip(*sorted(set(met)), strict=True))
        db.execute(_MET, {"senders": senders, "days": days, "keys": keys})


_OTHERS = sa.text("SELECT array_agg(id) FROM claims WHERE id <> :mine")
_STILL = sa.text("SELECT EXISTS (SELECT 1 FROM claims WHERE id = ANY(CAST(:ids AS uuid[])))")
_LATELY = sa.text("""
SELECT e.key, l.at, CAST(e.value AS double precision)
FROM rate_log l, jsonb_each_text(l.used) AS e(key, value)
WHERE e.key NOT LIKE 'b:%' AND l.at > clock_timestamp() - make_interval(secs => :span)
""")
_TODAY = sa.text("""
SELECT key, sum(used) AS total FROM (
  SELECT key, used FROM rate_totals WHERE day = :day AND key LIKE :mine
  UNION ALL
  SELECT e.key, CAST(e.value AS double precision)
  FROM rate_log l, jsonb_each_text(l.used) AS e(key, value) WHERE e.key LIKE :mine
) AS known GROUP BY key
""")
_PEOPLE = sa.text("""
SELECT sender_id, array_agg(recipient_key) FROM sender_recipients WHERE day = :day GROUP BY 1
""")


def past(db: Connection, mine: UUID, now: datetime) -> Past:
    """Everything that counts against a limit now, of every tenant.

    Batches that had reserved already when Redis forgot may not be committed yet. So whoever is at
    work now is waited for, half a second at most; `mine` is the caller's own claim.
    """
    others = db.execute(_OTHERS, {"mine": mine}).scalar()
    deadline = time.monotonic() + _WAIT_SECONDS
    while others and time.monotonic() < deadline:
        if not db.execute(_STILL, {"ids": others}).scalar_one():
            break
        time.sleep(_LOOK_SECONDS)
    day, until = carrier_day(now), next_carrier_midnight(now)
    return Past(
        windows=[
            Spent(key, _length(key), at, cost)
            for key, at, cost in db.execute(_LATELY, {"span": SPAN_SECONDS})
        ],
        quotas={key: (until, total) for key, total in spent_today(db, now).items()},
        distinct={
            f"d:{sender_id}:{day}": (until, met)
            for sender_id, met in db.execute(_PEOPLE, {"day": day})
        },
    )


def spent_today(db: Connection, now: datetime) -> dict[str, float]:
    """What of brands' daily limits is used up on the carriers' day, by key."""
    day = carrier_day(now)
    rows = db.execute(_TODAY, {"day": day, "mine": f"b:%:{day}"})
    return {row.key: row.total for row in rows}


def _length(key: str) -> float:
    """The seconds of a window, by the key that `messaging.limits` gave it."""
    kind, first, *_ = key.split(":", 2)
    return {"c": 60.0, "r": float(first) if kind == "r" else 0.0}.get(kind, 1.0)


# Totals are kept of what somebody asks for by day: senders' loads and brands' daily limits.
_FOLD = sa.text("""
WITH old AS (
  DELETE FROM rate_log WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM rate_log WHERE at < clock_timestamp() - make_interval(secs => :age)
    ORDER BY at LIMIT :limit FOR UPDATE SKIP LOCKED))
  RETURNING at, used
), added AS (
  INSERT INTO rate_totals AS r (day, key, used)
  SELECT (o.at AT TIME ZONE 'America/Los_Angeles')::date, e.key, sum(CAST(e.value AS double precision))
  FROM old o, jsonb_each_text(o.used) AS e(key, value)
  WHERE e.key LIKE 's:%' OR e.key LIKE 'b:%'
  GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (day, key) DO UPDATE SET used = r.used + excluded.used
)
SELECT count(*) FROM old
""")
_FORGET = (
    sa.text("DELETE FROM rate_totals WHERE day < :day"),
    sa.text("DELETE FROM sender_recipients WHERE day < :day"),
)


def fold(db: Connection, limit: int) -> int:
    """Fold up to `limit` rows that no rolling window reaches into totals by day; returns how many."""
    values = {"age": 2 * SPAN_SECONDS, "limit": limit}
    return int(db.execute(_FOLD, values).scalar_one())


def forget(db: Connection, day: date) -> None:
    """Delete totals and acquaintances from before a day."""
    for statement in _FORGET:
        db.execute(statement, {"day": day})
