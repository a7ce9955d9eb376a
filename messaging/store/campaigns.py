"""Campaigns as rows: kept, claimed by whoever works on one, moved from state to state, and counted.

A row that is claimed is locked until the end of its transaction, so whatever is written for a campaign,
and how far it has come, is one commit: a crash between two chunks repeats nothing and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from messaging.domain.campaign_states import WORKING, CampaignState, Step, step
from messaging.domain.lifecycle import FINAL, Status
from messaging.store import tables as t

SETTLED = FINAL | {Status.SENT}
"""Where nothing is left to be done for a message. A receipt may still come, if its provider posts any."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it is kept."""

    id: UUID
    tenant_id: UUID
    name: str
    state: CampaignState
    state_reason: str | None
    state_since: datetime
    request: dict[str, Any]
    plan: dict[str, Any] | None
    per_minute: int | None
    canary: int | None
    pause_on_error_share: float | None
    targets: int
    expanded_to: int
    paced_at: datetime | None
    created_at: datetime
    scheduled_for: datetime | None
    snapshot_to: UUID | None
    """The last contact that was looked at, while the snapshot is taken."""
    snapshot_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


_COLUMNS = [t.campaigns.c[name] for name in Campaign.__dataclass_fields__]
_C = t.campaigns.c


def _campaign(row: sa.Row[Any]) -> Campaign:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping
    return Campaign(**(values | {"state": CampaignState(values["state"])}))


def add(db: Connection, tenant_id: UUID, campaign_id: UUID, **values: object) -> bool:
    """Keep a new one; False if the tenant has one of that name."""
    insert = postgresql.insert(t.campaigns).values(id=campaign_id, tenant_id=tenant_id, **values)
    kept = db.execute(insert.on_conflict_do_nothing().returning(_C.id))
    return kept.one_or_none() is not None


def find(
    db: Connection, tenant_id: UUID, campaign_id: UUID, *, lock: bool = False
) -> Campaign | None:
    """One of the tenant's; `lock` keeps it as it is until the transaction ends."""
    query = sa.select(*_COLUMNS).where(_C.tenant_id == tenant_id, _C.id == campaign_id)
    row = db.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _campaign(row)


def id_of(db: Connection, tenant_id: UUID, name: str) -> UUID | None:
    """The id of the tenant's campaign of this name."""
    return db.execute(sa.select(_C.id).where(_C.tenant_id == tenant_id, _C.name == name)).scalar()


def page(db: Connection, tenant_id: UUID, before: UUID | None, limit: int) -> list[Campaign]:
    """The tenant's campaigns, newest first."""
    query = sa.select(*_COLUMNS).where(_C.tenant_id == tenant_id)
    if before is not None:
        query = query.where(_C.id < before)
    return [_campaign(row) for row in db.execute(query.order_by(_C.id.desc()).limit(limit))]


def claim(db: Connection, now: datetime) -> Campaign | None:
    """One that it is time to look at and nobody else is at, locked; None if there is none."""
    due = sa.and_(_C.state.in_([s.value for s in WORKING]), _C.next_at <= now)
    query = sa.select(*_COLUMNS).where(due).order_by(_C.next_at).limit(1)
    row = db.execute(query.with_for_update(skip_locked=True)).one_or_none()
    return None if row is None else _campaign(row)


_DUE = sa.text("""
SELECT EXISTS (SELECT 1 FROM campaigns WHERE next_at <= :now
               AND state IN ('scheduled', 'snapshot', 'running', 'canceling'))
""")


def is_due(db: Connection, now: datetime) -> bool:
    """Whether there is a campaign to look at."""
    return bool(db.execute(_DUE, {"now": now}).scalar())


def move(
    db: Connection,
    campaign: Campaign,
    what: Step,
    now: datetime,
    *,
    reason: str | None = None,
    **values: object,
) -> bool:
    """Make a step if the campaign is still where it can happen; whether it was made."""
    after = step(campaign.state, what)
    if after is None:
        return False
    moved = (
        sa.update(t.campaigns)
        .where(_C.id == campaign.id, _C.state == campaign.state.value)
        .values(state=after.value, state_reason=reason, state_since=now, next_at=now, **values)
    )
    return db.execute(moved).rowcount == 1


def note(db: Connection, campaign_id: UUID, **values: object) -> None:
    """Write down how far it has come, and when to look at it again."""
    db.execute(sa.update(t.campaigns).where(_C.id == campaign_id).values(**values))


def keep_plan(db: Connection, campaign_id: UUID, plan: dict[str, Any]) -> None:
    """Keep what a dry run said."""
    note(db, campaign_id, plan=orjson.loads(orjson.dumps(plan)))


def paused_names(db: Connection, tenant_id: UUID) -> dict[str, str]:
    """The names of a tenant's campaigns whose messages wait, and why."""
    held = [CampaignState.PAUSED.value, CampaignState.CANCELING.value]
    query = sa.select(_C.name, _C.state_reason).where(_C.tenant_id == tenant_id, _C.state.in_(held))
    return {name: reason or "asked" for name, reason in db.execute(query)}


# OFFSET 0 has each looked up by its id: in tables that nobody has analysed yet the planner takes a
# campaign for one message, and reads all of it for each row.
_EACH = "(SELECT m.* FROM messages m WHERE m.id = work.message_id OFFSET 0) AS m"
# Whatever is not over has a row in one of these.
_UNFINISHED = sa.text(f"""
SELECT count(*) FROM (
  SELECT message_id FROM ready WHERE tenant_id = :tenant UNION ALL SELECT message_id FROM scheduled
  UNION ALL SELECT message_id FROM held UNION ALL SELECT message_id FROM open_attempts
  UNION ALL SELECT unnest(message_ids) FROM claims
) AS work
CROSS JOIN LATERAL {_EACH}
WHERE m.tenant_id = :tenant AND m.campaign = :name AND m.status <> ALL(CAST(:settled AS message_status[]))
""")  # noqa: S608 - a constant of this module


def unfinished(db: Connection, campaign: Campaign) -> int:
    """How many messages that carry its name are still under way or wait."""
    values = {
        "tenant": campaign.tenant_id,
        "name": campaign.name,
        "settled": [status.value for status in SETTLED],
    }
    found: int = db.execute(_UNFINISHED, values).scalar_one()
    return found


_CANCELABLE = sa.text(f"""
SELECT m.id, m.epoch, m.status FROM (
  SELECT message_id FROM ready WHERE tenant_id = :tenant UNION ALL SELECT message_id FROM scheduled
  UNION ALL SELECT message_id FROM held UNION ALL SELECT unnest(message_ids) FROM claims
) AS work
CROSS JOIN LATERAL {_EACH}
WHERE m.tenant_id = :tenant AND m.campaign = :name
  AND m.status IN ('queued', 'scheduled', 'blocked_billing', 'blocked_missing_campaign')
LIMIT :limit
""")  # noqa: S608 - as above
_LOCKED = sa.text("""
SELECT id, epoch, status FROM messages WHERE id = ANY(CAST(:ids AS uuid[]))
  AND status IN ('queued', 'scheduled', 'blocked_billing', 'blocked_missing_campaign')
ORDER BY id FOR NO KEY UPDATE
""")


def cancelable(db: Connection, campaign: Campaign, limit: int) -> list[tuple[UUID, int, str]]:
    """Messages of its name that may still be called off: id, epoch, status; locked in their order."""
    values = {"tenant": campaign.tenant_id, "name": campaign.name, "limit": limit}
    ids = list({row.id for row in db.execute(_CANCELABLE, values)})
    return [(r.id, r.epoch, r.status) for r in db.execute(_LOCKED, {"ids": ids})] if ids else []


_PROMOTE = sa.text("""
UPDATE scheduled s SET due_at = now() FROM messages m
WHERE m.id = s.message_id AND m.tenant_id = :tenant AND m.campaign = :name
  AND m.status = 'scheduled' AND m.status_reason LIKE 'campaign_paused%' AND s.due_at > now()
""")


def promote(db: Connection, campaign: Campaign) -> int:
    """Let everything that waited for it be due now; how many messages that are."""
    values = {"tenant": campaign.tenant_id, "name": campaign.name}
    return db.execute(_PROMOTE, values).rowcount


_ERRORS = sa.text("""
SELECT count(*), count(*) FILTER (WHERE status IN ('failed', 'undeliverable')) FROM (
  SELECT m.status FROM campaign_recipients r JOIN messages m ON m.id = r.message_id
  WHERE r.campaign_id = :campaign AND r.n > :after AND r.state = 'expanded'
    AND m.status IN ('sent', 'delivered', 'failed', 'undeliverable')
  ORDER BY r.n DESC LIMIT :last
) AS ended
""")


def lately(db: Connection, campaign: Campaign, reach: int, last: int) -> tuple[int, int]:
    """How many ended lately, at most `last`, and how many of those failed.

    Looked for among the last `reach` recipients there are messages for.
    """
    after = max(0, campaign.expanded_to - reach)
    row = db.execute(_ERRORS, {"campaign": campaign.id, "after": after, "last": last}).one()
    return row[0], row[1]


@dataclass(slots=True)
class Counts:
    """What has become of a campaign's recipients; every one of them is counted once."""

    waiting: int = 0
    skipped: int = 0
    canceled: int = 0
    """Of a canceled campaign: those there were no messages for yet."""
    by_status: dict[Status, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    """Why they were skipped, wait, or did not get it."""
    handed_over: int = 0
    """Messages a provider took, whatever became of them."""
    segments: int = 0
    """Of these."""
    cost: Decimal | None = None
    """What is billed for its messages; None where nothing is."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.skipped + self.canceled + sum(self.by_status.values())


_COUNTS = sa.text("""
SELECT r.state, m.status,
       coalesce(r.reason, split_part(m.status_reason, ':', 1)) AS reason, count(*),
       sum(m.segments), sum(m.billable_amount)
FROM campaign_recipients r LEFT JOIN messages m ON m.id = r.message_id
WHERE r.campaign_id = :campaign GROUP BY 1, 2, 3
""")
_TAKEN = {Status.SENT, Status.DELIVERED, Status.UNDELIVERABLE}
_UNREMARKABLE = {Status.SENT, Status.DELIVERED, Status.SENDING}


def counts(db: Connection, campaign: Campaign) -> Counts:
    """What has become of everybody, as the ledger says now."""
    found = Counts()
    for state, status, reason, n, segments, cost in db.execute(_COUNTS, {"campaign": campaign.id}):
        if status in _TAKEN:
            found.handed_over += n
            found.segments += segments
        if cost is not None:
            found.cost = (found.cost or Decimal(0)) + cost
        if state == "waiting":
            if campaign.state in {CampaignState.CANCELING, CampaignState.CANCELED}:
                found.canceled += n
            else:
                found.waiting += n
            continue
        if status is None:
            found.skipped += n
        else:
            found.by_status[Status(status)] = found.by_status.get(Status(status), 0) + n
        if reason and status not in _UNREMARKABLE:
            found.reasons[reason] = found.reasons.get(reason, 0) + n
    return found
