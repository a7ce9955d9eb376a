"""Which notice is to be delivered now? Taken when due, and what came of it.

    take | ask the endpoint | record        (a bar is a commit)

A notice of a message is told after the earlier ones of the same message: whoever takes one that has an
earlier one waiting puts it behind that, and whoever ends that one calls the next. So every look at the
head of an endpoint's line gets on, however long the line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.notices import Kind, State

_DUE = sa.text("""
SELECT EXISTS (
  SELECT 1 FROM endpoints e
  WHERE e.disabled_at IS NULL AND (e.paused_until IS NULL OR e.paused_until <= now())
    AND EXISTS (SELECT 1 FROM notices n
                WHERE n.endpoint_id = e.id AND n.state = 'waiting' AND n.due_at <= now()))
""")


def due(db: Connection) -> bool:
    """Whether somebody is to be told something now."""
    return bool(db.execute(_DUE).scalar())


@dataclass(frozen=True, slots=True)
class Due:
    """A notice that was taken, and where it goes."""

    id: int
    endpoint_id: UUID
    message_id: UUID | None
    kind: str
    data: dict[str, Any]
    """With what the message itself says, as far as it has not been emptied."""
    at: datetime
    gives_up_at: datetime
    tries: int
    """Made before this one."""
    url: str
    secrets_sealed: tuple[bytes, ...]
    """The endpoint's secret, and while it is being replaced the one before."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look at the lines came to."""

    due: list[Due]
    looked_at: int
    """Of how many notices the place in line was changed; 0: there is nothing to do now."""


# The endpoints' lines are looked at one by one, so that a long one hides none of the others, and whoever
# has few calls under way comes first; an endpoint that fails is asked one thing at a time.
_TAKE = sa.text("""
WITH busy AS (
  SELECT * FROM unnest(CAST(:endpoints AS uuid[]), CAST(:calls AS int[])) AS b(endpoint_id, calls)
), looked AS MATERIALIZED (
  SELECT n.id, n.endpoint_id, n.message_id
  FROM (
    SELECT e.id, e.failing_since, coalesce(b.calls, 0) AS calls
    FROM endpoints e LEFT JOIN busy b ON b.endpoint_id = e.id
    WHERE e.disabled_at IS NULL AND (e.paused_until IS NULL OR e.paused_until <= now())
    ORDER BY calls, random()
  ) e CROSS JOIN LATERAL (
    SELECT id, endpoint_id, message_id FROM notices
    WHERE endpoint_id = e.id AND state = 'waiting' AND due_at <= now()
    ORDER BY due_at, id
    LIMIT greatest(0, CASE WHEN e.failing_since IS NULL THEN :each ELSE 1 END - e.calls)
    FOR UPDATE SKIP LOCKED
  ) n
  LIMIT :total
), placed AS (
  SELECT l.id, (
    SELECT max(b.due_at) FROM notices b
    WHERE b.endpoint_id = l.endpoint_id AND b.message_id = l.message_id AND b.id < l.id
      AND b.state = 'waiting') AS behind
  FROM looked l
), moved AS (
  UPDATE notices n SET due_at = CASE WHEN p.behind IS NULL THEN now() + make_interval(secs => :lease)
                                     ELSE greatest(p.behind, now() + interval '1 second') END
  FROM placed p WHERE n.id = p.id
  RETURNING n.id, p.behind IS NULL AS taken
)
SELECT id, taken FROM moved
""")
_READ = sa.text("""
SELECT n.id, n.endpoint_id, n.message_id, n.kind, n.data, n.at, n.gives_up_at, n.tries,
       e.url, e.secret_sealed, CASE WHEN e.previous_until > now() THEN e.previous_sealed END AS previous
FROM notices n JOIN endpoints e ON e.id = n.endpoint_id
WHERE n.id = ANY(CAST(:ids AS bigint[])) ORDER BY n.id
""")
_OF_MESSAGES = sa.text("""
SELECT id, channel, campaign, lead, metadata, segments FROM messages
WHERE id = ANY(CAST(:ids AS uuid[]))
""")


def take(
    db: Connection, *, each: int, total: int, calls: Mapping[UUID, int], lease: timedelta
) -> Taken:
    """Take what is due, at most `each` for an endpoint, calls under way included, and `total` in all.

    `calls` are those under way, by endpoint. Nobody else gets what was taken before `lease` is over.
    """
    values = {
        "endpoints": list(calls),
        "calls": list(calls.values()),
        "each": each,
        "total": total,
        "lease": lease.total_seconds(),
    }
    looked = db.execute(_TAKE, values).all()
    ids = [id_ for id_, taken in looked if taken]
    if not ids:
        return Taken([], len(looked))
    rows = db.execute(_READ, {"ids": ids}).all()
    of_messages = [row.message_id for row in rows if row.kind != Kind.RECEIVED and row.message_id]
    said = {
        id_: {"channel": channel, "campaign": campaign, "lead": lead, "segments": segments,
              "metadata": metadata}
        for id_, channel, campaign, lead, metadata, segments
        in (db.execute(_OF_MESSAGES, {"ids": of_messages}) if of_messages else ())
    }  # fmt: skip
    found = [
        Due(
            id=row.id,
            endpoint_id=row.endpoint_id,
            message_id=row.message_id,
            kind=row.kind,
            data=row.data | said.get(row.message_id, {}),
            at=row.at,
            gives_up_at=row.gives_up_at,
            tries=row.tries,
            url=row.url,
            secrets_sealed=tuple(s for s in (row.secret_sealed, row.previous) if s is not None),
        )
        for row in rows
    ]
    return Taken(found, len(looked))


@dataclass(frozen=True, slots=True)
class Told:
    """What one try came to."""

    id: int
    tries: int
    """Made before this one; a notice that has more now was told by somebody else meanwhile."""
    state: State
    due_at: datetime
    status: int | None
    error: str | None


# What comes after it in the same message waits as long as it does, and is called when it is over.
_RECORD = sa.text("""
WITH v AS (
  SELECT * FROM json_to_recordset(CAST(:told AS json)) AS t(
    id bigint, tries int, state text, due_at timestamptz, status int, error text)
), done AS (
  UPDATE notices n SET state = v.state, due_at = v.due_at, tries = n.tries + 1,
    last_status = v.status, last_error = v.error,
    delivered_at = CASE v.state WHEN 'delivered' THEN clock_timestamp() END
  FROM v WHERE n.id = v.id AND n.state = 'waiting' AND n.tries = v.tries
  RETURNING n.id, n.endpoint_id, n.message_id, n.state, n.due_at
), behind AS (
  UPDATE notices b SET
    due_at = CASE d.state WHEN 'waiting' THEN greatest(b.due_at, d.due_at) ELSE now() END
  FROM done d
  WHERE b.endpoint_id = d.endpoint_id AND b.message_id = d.message_id AND b.id > d.id
    AND b.state = 'waiting'
)
SELECT id FROM done
""")


def record(db: Connection, told: Sequence[Told]) -> set[int]:
    """Write down what tries came to; the ids of those that were still ours to write."""
    rows = [
        {
            "id": one.id,
            "tries": one.tries,
            "state": one.state.value,
            "due_at": one.due_at,
            "status": one.status,
            "error": one.error,
        }
        for one in told
    ]
    return set(db.execute(_RECORD, {"told": orjson.dumps(rows).decode()}).scalars())
