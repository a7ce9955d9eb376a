"""What became of what each sender sent: counted as it happens, added up by the minute, read per sender.

    a step of a message, an answer | `sender_tallies` | fold -> `sender_stats` | compact -> hours

A tally is appended and locks nothing that another would wait for; only `fold` adds up. A bucket is a
minute, and after two hours part of its hour. Hours that began before a sender's `measured_since` are
not read, so what happened within such an hour counts for two hours and then no longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.sender_health import Tally

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
ANSWER_HOURS = 72
"""Whoever writes later than that after our last message to them does not answer it."""
_MINUTES_FOR = timedelta(hours=2)
_COMPACT_WITHIN = timedelta(hours=6)
"""Minutes that no tick saw for longer stay minutes, which costs a few rows until they are deleted."""
_KEEP = timedelta(days=8)

_NAMES = tuple(field.name for field in fields(Tally))
_LIST = ", ".join(_NAMES)
_ADDED = ", ".join(f"{name} = s.{name} + excluded.{name}" for name in _NAMES)

_ANSWERED = sa.text("""
INSERT INTO sender_tallies (sender_id, template, what, n)
SELECT m.sender_id, m.template, :what, 1 FROM messages m
WHERE m.recipient_key = :key AND m.tenant_id = :tenant AND m.sender_id = :sender
  AND m.sending_started_at > clock_timestamp() - make_interval(hours => :hours)
  AND m.traffic <> 'Test'
ORDER BY m.sending_started_at DESC LIMIT 1
""")


def answered(
    db: Connection, tenant_id: UUID, recipient_key: bytes, sender_id: UUID, what: str
) -> None:
    """Count an answer (`replies` or `opted_out`) for the sender it went to, and for its last text.

    Nothing is counted if that sender has not written to this person within three days.
    """
    values = {"tenant": tenant_id, "key": recipient_key, "sender": sender_id}
    db.execute(_ANSWERED, values | {"what": what, "hours": ANSWER_HOURS})


_SUMS = ", ".join(
    f"coalesce(sum(n) FILTER (WHERE what = '{name}'), 0) AS {name}" for name in _NAMES
)
_FOLD = sa.text(f"""
WITH taken AS (
  DELETE FROM sender_tallies WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM sender_tallies LIMIT :limit FOR UPDATE SKIP LOCKED))
  RETURNING sender_id, coalesce(template, '') AS template, date_trunc('minute', at) AS bucket,
            what, n
), added AS (
  INSERT INTO sender_stats AS s (sender_id, template, bucket, {_LIST})
  SELECT sender_id, template, bucket, {_SUMS} FROM taken GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (sender_id, template, bucket) DO UPDATE SET {_ADDED}
)
SELECT count(*) FROM taken
""")  # noqa: S608 - constants of this module


def fold(db: Connection, limit: int) -> int:
    """Add up to `limit` tallies to the minutes they happened in; returns how many there were."""
    return int(db.execute(_FOLD, {"limit": limit}).scalar_one())


_COMPACT = sa.text(f"""
WITH old AS (
  DELETE FROM sender_stats
  WHERE bucket >= :since AND bucket < :until AND bucket <> date_trunc('hour', bucket, 'UTC')
  RETURNING *
)
INSERT INTO sender_stats AS s (sender_id, template, bucket, {_LIST})
SELECT sender_id, template, date_trunc('hour', bucket, 'UTC'),
       {", ".join(f"sum({name})" for name in _NAMES)}
FROM old GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (sender_id, template, bucket) DO UPDATE SET {_ADDED}
""")  # noqa: S608 - as above


def compact(db: Connection, now: datetime) -> None:
    """Add minutes to their hour when they are two hours old, and delete what is eight days old.

    One caller at a time: two would delete each other's hours.
    """
    until = (now - _MINUTES_FOR).replace(minute=0, second=0, microsecond=0)
    db.execute(_COMPACT, {"since": until - _COMPACT_WITHIN, "until": until})
    db.execute(sa.text("DELETE FROM sender_stats WHERE bucket < :day"), {"day": now - _KEEP})


@dataclass(frozen=True, slots=True)
class Results:
    """What became of messages of one sender and one template."""

    day: Tally
    week: Tally
    last_sent: datetime | None = None
    """The minute or hour in which one was sent last."""


def _sum(name: str, since: str) -> str:
    return f"coalesce(sum(st.{name}) FILTER (WHERE {since}), 0)"


_WITHIN_DAY = "st.bucket >= :day"
_RESULTS = sa.text(f"""
SELECT st.sender_id, st.template, {", ".join(_sum(name, _WITHIN_DAY) for name in _NAMES)},
       {", ".join(_sum(name, "true") for name in _NAMES)}, max(st.bucket) FILTER (WHERE st.sent > 0)
FROM senders s
JOIN sender_stats st ON st.sender_id = s.id AND st.bucket >= greatest(
  CAST(:week AS timestamptz), date_trunc('minute', s.measured_since) + interval '1 minute')
WHERE s.retired_at IS NULL AND s.tenant_id = coalesce(CAST(:tenant AS uuid), s.tenant_id)
GROUP BY 1, 2
""")  # noqa: S608 - as above


def results(
    db: Connection, now: datetime, tenant_id: UUID | None = None
) -> dict[UUID, dict[str, Results]]:
    """Per sender in use and template ('' for messages of none), since its `measured_since`.

    Of every tenant, unless one is named.
    """
    found: dict[UUID, dict[str, Results]] = {}
    values = {"day": now - DAY, "week": now - WEEK, "tenant": tenant_id}
    for sender_id, template, *counts, last_sent in db.execute(_RESULTS, values):
        day, week = Tally(*counts[: len(_NAMES)]), Tally(*counts[len(_NAMES) :])
        found.setdefault(sender_id, {})[template] = Results(day, week, last_sent)
    return found


_MET = sa.text("""
SELECT sender_id, count(*) AS n FROM sender_recipients WHERE day = :day GROUP BY 1
""")


def people_met(db: Connection, day: date) -> Mapping[UUID, int]:
    """How many different people each sender with a daily limit wrote to on one of the carriers' days."""
    return {row.sender_id: row.n for row in db.execute(_MET, {"day": day})}


_FORGET = (
    """
DELETE FROM sender_stats st USING senders s
WHERE st.sender_id = s.id AND s.tenant_id = :tenant AND st.template = :template
""",
    """
DELETE FROM sender_tallies st USING senders s
WHERE st.sender_id = s.id AND s.tenant_id = :tenant AND st.template = :template
""",
)


def forget_template(db: Connection, tenant_id: UUID, template: str) -> None:
    """Begin at zero with a template: what it did until now counts neither against it nor its senders."""
    for statement in _FORGET:
        db.execute(sa.text(statement), {"tenant": tenant_id, "template": template})
