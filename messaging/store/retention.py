"""What outlived its time: a tenant's messages in the order of their ids, and webhooks by their age.

Ids are UUIDv7, so one place in their order (`tenants.pruned_through`) says how far both tables of
messages are done. What is not over when the walk passes it goes into the narrow table `lingering`, in
the same transaction, and is looked at again each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.lifecycle import FINAL, Status
from messaging.store.erasures import EMPTIED

_FIRST = UUID(int=0)


def first_id(at: datetime) -> UUID:
    """The id before all those made from `at` on (UUIDv7: the milliseconds come first)."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


@dataclass(frozen=True, slots=True)
class Horizon:
    """From when back a tenant's messages are emptied."""

    tenant_id: UUID
    at: datetime

    @property
    def values(self) -> dict[str, object]:
        """As the statements name it."""
        return {
            "tenant": self.tenant_id,
            "at": self.at,
            "horizon": first_id(self.at),
            "final": [status.value for status in sorted(FINAL)],
            "sent": Status.SENT.value,
        }


_TENANTS = sa.text("SELECT id FROM tenants ORDER BY id")
_ACCOUNTS = sa.text("SELECT id FROM provider_accounts WHERE tenant_id = :tenant ORDER BY id")


def tenant_ids(db: Connection) -> list[UUID]:
    """Every tenant."""
    return list(db.execute(_TENANTS).scalars())


def account_ids(db: Connection, tenant_id: UUID) -> list[UUID]:
    """Every provider account of a tenant."""
    return list(db.execute(_ACCOUNTS, {"tenant": tenant_id}).scalars())


# A message without a receipt stays `sent` for ever; it counts as over when it left that long ago.
_OVER = """
m.erased_at IS NULL
AND (m.status = ANY(CAST(:final AS message_status[]))
  OR m.status = CAST(:sent AS message_status) AND m.sent_at < CAST(:at AS timestamptz))
AND NOT EXISTS (SELECT 1 FROM open_attempts o WHERE o.message_id = m.id)
"""
# What somebody holds just now is left for the next time: nobody waits for anybody here. Arrays, so
# that no guess at the size of a batch can make the planner read the whole table.
_EMPTY = f"""
over AS MATERIALIZED (
  SELECT m.id FROM messages m WHERE m.id = ANY(ARRAY(SELECT id FROM batch)) AND {_OVER}
  ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED
), emptied AS (
  UPDATE messages SET {EMPTIED} WHERE id = ANY(ARRAY(SELECT id FROM over)) RETURNING id
), alone AS (
  DELETE FROM fallbacks WHERE message_id = ANY(ARRAY(SELECT id FROM over))
)
"""  # noqa: S608 - constants of this module

_PLACE = sa.text("""
SELECT coalesce(pruned_through, :first) FROM tenants WHERE id = :tenant
FOR NO KEY UPDATE SKIP LOCKED
""")
_UP_TO = sa.text("""
SELECT least(CAST(:horizon AS uuid),
  (SELECT id FROM messages WHERE tenant_id = :tenant AND id > :after AND id < :horizon
   ORDER BY id OFFSET :limit - 1 LIMIT 1),
  (SELECT id FROM inbound_messages WHERE tenant_id = :tenant AND id > :after AND id < :horizon
   ORDER BY id OFFSET :limit - 1 LIMIT 1))
""")
_WALK = sa.text(f"""
WITH batch AS MATERIALIZED (
  SELECT id, erased_at FROM messages WHERE tenant_id = :tenant AND id > :after AND id <= :up_to
), {_EMPTY}, lingers AS (
  INSERT INTO lingering (tenant_id, message_id)
  SELECT :tenant, id FROM batch
  WHERE erased_at IS NULL AND NOT EXISTS (SELECT 1 FROM emptied e WHERE e.id = batch.id)
  ON CONFLICT DO NOTHING
)
SELECT count(*) FROM emptied
""")  # noqa: S608 - as above
_INBOUND = sa.text("""
UPDATE inbound_messages SET from_address = '', body = '', media = NULL
WHERE tenant_id = :tenant AND id > :after AND id <= :up_to
  AND (from_address <> '' OR body <> '' OR media IS NOT NULL)
""")
_REMEMBER = sa.text("UPDATE tenants SET pruned_through = :up_to WHERE id = :tenant")


@dataclass(frozen=True, slots=True)
class Walked:
    """What one batch came to."""

    emptied: int
    done: bool
    """Whether there is nothing more this side of the horizon for now."""


def walk(db: Connection, horizon: Horizon, limit: int) -> Walked:
    """Empty the next messages of both directions, at most `limit` of each, and remember the place.

    Whoever comes while somebody else walks has nothing to do.
    """
    values = horizon.values | {"limit": limit, "first": _FIRST}
    after = db.execute(_PLACE, values).scalar()
    if after is None or after >= first_id(horizon.at):
        return Walked(0, done=True)
    values["after"] = after
    values["up_to"] = up_to = db.execute(_UP_TO, values).scalar_one()
    emptied = db.execute(_WALK, values).scalar_one() + db.execute(_INBOUND, values).rowcount
    db.execute(_REMEMBER, values)
    return Walked(emptied, done=up_to == first_id(horizon.at))


_LINGERING = sa.text(f"""
WITH batch AS MATERIALIZED (
  SELECT message_id AS id FROM lingering
  WHERE tenant_id = :tenant AND message_id > :after AND message_id < :horizon
  ORDER BY message_id LIMIT :limit
), {_EMPTY}, gone AS (
  DELETE FROM lingering l USING batch WHERE l.tenant_id = :tenant AND l.message_id = batch.id
    AND (EXISTS (SELECT 1 FROM emptied e WHERE e.id = batch.id) OR batch.id <> ALL(ARRAY(
      SELECT m.id FROM messages m
      WHERE m.id = ANY(ARRAY(SELECT id FROM batch)) AND m.erased_at IS NULL)))
)
SELECT (SELECT count(*) FROM emptied) AS emptied, (SELECT count(*) FROM batch) AS seen,
       (SELECT id FROM batch ORDER BY id DESC LIMIT 1) AS last
""")  # noqa: S608 - as above


def revisit(
    db: Connection, horizon: Horizon, after: UUID | None, limit: int
) -> tuple[int, UUID | None]:
    """Empty what lingered and is over now: how many, and where to go on; None at the end."""
    values = horizon.values | {"after": after or _FIRST, "limit": limit}
    row = db.execute(_LINGERING, values).one()
    return row.emptied, row.last if row.seen == limit else None


_RECEIPTS = sa.text("""
DELETE FROM raw_receipts WHERE id = ANY(ARRAY(
  SELECT r.id FROM raw_receipts r
  WHERE r.account_id = :account AND r.received_at < :at
    AND NOT EXISTS (SELECT 1 FROM pending_receipts p WHERE p.receipt_id = r.id)
  ORDER BY r.received_at LIMIT :limit FOR UPDATE SKIP LOCKED))
""")


def drop_receipts(db: Connection, account_id: UUID, before: datetime, limit: int) -> int:
    """Delete up to `limit` webhooks of an account from before then; not what is still in line."""
    values = {"account": account_id, "at": before, "limit": limit}
    return db.execute(_RECEIPTS, values).rowcount
