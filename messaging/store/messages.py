"""Messages: how they are born, and the one statement that moves them.

`move` is the only writer of `messages.status`. It compares before it sets (status and epoch), appends
the event, and keeps the work tables true in the same statement: what becomes `queued` gets a `ready`
row, what becomes `scheduled` a `scheduled` row, what is attempted an open attempt with its lease. And
what the step says of the sender is counted there: nothing that moved once is counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.lifecycle import TIMESTAMPS, Event, Status
from messaging.domain.message import SelectionReason
from messaging.domain.new_message import NewMessage
from messaging.domain.notices import KINDS
from messaging.store import charges, notices


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class NewRow:
    """A message about to be stored, with the id and key it was given."""

    id: UUID
    tenant_id: UUID
    recipient_key: bytes
    status: Status
    message: NewMessage
    created_at: datetime


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Move:
    """One message's step: from `before` at `epoch`, through `event`, to `after`."""

    message_id: UUID
    epoch: int
    before: Status
    event: Event
    after: Status
    reason: str | None = None
    due_at: datetime | None = None
    """When a message that is queued or scheduled again is next due; None means now."""
    counts: bool = False
    """Whether the attempt that ends here counts against the message's limit."""
    provider_message_id: str | None = None
    provider_code: str | None = None
    exact_code: bool = False
    """Whether the code replaces one from before even if it is None."""
    proves_sent: bool = False
    """Whether it shows that the provider had taken the message, so that it has been sent by now."""
    tried_sender_id: UUID | None = None
    failed_account_id: UUID | None = None
    """A sender, and a provider account as long as there is another, to avoid from now on."""
    account_id: UUID | None = None
    sender_id: UUID | None = None
    selection_reason: SelectionReason | None = None
    warms_up: bool = False
    """Whether the sender of this attempt is warming up."""
    tells: tuple[str, ...] = ()
    """What it says of the sender: names of the fields of `sender_health.Tally`, counted once each."""


# Whoever is told the end first was sent all the same, and not before its attempt.
_SENT_ALL_THE_SAME = (
    "WHEN v.proves_sent AND coalesce(m.sent_at < m.sending_started_at, true) "
    "THEN clock_timestamp() "
)
_TIMES = ", ".join(
    f"{column} = CASE WHEN v.after IN ({', '.join(repr(s.value) for s in statuses)}) "
    f"THEN clock_timestamp() {_SENT_ALL_THE_SAME if column == 'sent_at' else ''}ELSE m.{column} END"
    for column, statuses in {
        column: [s for s, c in TIMESTAMPS.items() if c == column]
        for column in dict.fromkeys(TIMESTAMPS.values())
    }.items()
)

_MOVE_SQL = """
WITH v AS (
  SELECT * FROM json_to_recordset(CAST(:moves AS json)) AS t(
    message_id uuid, epoch int, before message_status, event message_event, after message_status,
    reason text, due_at timestamptz, counts boolean, provider_message_id text, provider_code text,
    exact_code boolean, proves_sent boolean, tried_sender_id uuid, failed_account_id uuid,
    account_id uuid, sender_id uuid, selection_reason selection_reason,
    warms_up boolean, tells text[])
), moved AS (
  UPDATE messages m SET
    status = v.after,
    epoch = m.epoch + CASE WHEN v.event = 'attempted' THEN 1 ELSE 0 END,
    attempts = m.attempts + v.counts::int,
    status_reason = v.reason,
    scheduled_reason = CASE WHEN v.after = 'scheduled' THEN v.reason ELSE m.scheduled_reason END,
    next_attempt_at = CASE WHEN v.after = 'queued' THEN v.due_at END,
    provider_message_id = coalesce(v.provider_message_id, m.provider_message_id),
    provider_code = CASE WHEN v.exact_code THEN v.provider_code
                         ELSE coalesce(v.provider_code, m.provider_code) END,
    tried_sender_ids = CASE WHEN v.tried_sender_id IS NULL THEN m.tried_sender_ids
                            ELSE array_append(m.tried_sender_ids, v.tried_sender_id) END,
    failed_account_ids = CASE
      WHEN v.failed_account_id IS NULL OR v.failed_account_id = ANY(m.failed_account_ids)
      THEN m.failed_account_ids ELSE array_append(m.failed_account_ids, v.failed_account_id) END,
    sender_id = coalesce(v.sender_id, m.sender_id),
    selection_reason = coalesce(v.selection_reason, m.selection_reason),
    is_warmup = m.is_warmup OR v.warms_up,
    modified_at = clock_timestamp(),
    /* timestamps */
  FROM v WHERE m.id = v.message_id AND m.status = v.before AND m.epoch = v.epoch
  RETURNING m.id, m.tenant_id, m.epoch, m.priority, m.sending_started_at, v.before, v.event, v.after,
            v.reason, v.due_at, v.account_id, m.sender_id, v.selection_reason, m.template, m.traffic, v.tells,
            v.provider_code, m.campaign, m.billable_amount, m.billing_status
), event AS (
  INSERT INTO message_events (message_id, event, status, reason, epoch)
  SELECT id, event, after, reason, epoch FROM moved
), requeued AS (
  INSERT INTO ready (queue, due_at, message_id, epoch, tenant_id)
  SELECT lower(priority::text)::ready_queue, coalesce(due_at, now()), id, epoch, tenant_id
  FROM moved WHERE after = 'queued'
), deferred AS (
  INSERT INTO scheduled (due_at, message_id)
  SELECT coalesce(due_at, now()), id FROM moved WHERE after = 'scheduled'
), kept_back AS (
  INSERT INTO held (message_id, tenant_id, status)
  SELECT id, tenant_id, after FROM moved
  WHERE after IN ('blocked_missing_campaign', 'blocked_billing')
  ON CONFLICT (message_id) DO UPDATE SET status = excluded.status, at = excluded.at
), let_go AS (
  -- Whoever is releasing it has it locked, and deletes it too.
  DELETE FROM held WHERE message_id = ANY(ARRAY(
    SELECT h.message_id FROM moved JOIN held h ON h.message_id = moved.id
    WHERE moved.before IN ('blocked_missing_campaign', 'blocked_billing')
      AND moved.after NOT IN ('blocked_missing_campaign', 'blocked_billing')
    FOR UPDATE OF h SKIP LOCKED))
), opened AS (
  INSERT INTO open_attempts
    (message_id, epoch, account_id, sender_id, selection_reason, started_at, check_at)
  SELECT id, epoch, account_id, sender_id, selection_reason, sending_started_at,
         clock_timestamp() + make_interval(secs => :lease)
  FROM moved WHERE event = 'attempted'
), told AS (
  INSERT INTO sender_tallies (sender_id, template, what, n)
  SELECT sender_id, template, what, count(*) FROM moved, unnest(tells) AS told(what)
  WHERE sender_id IS NOT NULL AND traffic <> 'Test'
  GROUP BY 1, 2, 3
)/* notices */
SELECT id FROM moved
"""
_SET = f"{_TIMES}, billing_status = {charges.STATUS}"
_MOVE, _MOVE_UNTOLD = (  # what endpoints are told of is what settles a price, too
    sa.text(_MOVE_SQL.replace("/* timestamps */", _SET).replace("/* notices */", ended))
    for ended in (f", noticed AS ({notices.OF_STEPS}), {charges.OF_STEPS}", "")
)


def move(
    db: Connection, moves: Sequence[Move], lease: timedelta = timedelta(seconds=60)
) -> set[UUID]:
    """Make each step that is still possible; returns the ids that moved.

    A message whose status or epoch is no longer what the step expects is left alone: somebody else
    moved it first. `lease` is how long attempts opened here are safe from the sweep. No id may occur
    twice.
    """
    if not moves:
        return set()
    statement = _MOVE if any(step.after in KINDS for step in moves) else _MOVE_UNTOLD
    values = {"moves": orjson.dumps(moves).decode(), "lease": lease.total_seconds()}
    return set(db.execute(statement, values).scalars())


def row_of(row: NewRow) -> tuple[object, ...]:
    """A new message as `COLUMNS` has it."""
    new = row.message
    queued_at = row.created_at if row.status is Status.QUEUED else None
    return (
        row.id,
        row.tenant_id,
        new.channel.value,
        new.category.value,
        new.priority.value,
        row.status.value,
        new.segments,
        row.recipient_key,
        new.recipient,
        new.body,
        orjson.dumps(new.metadata).decode() if new.metadata else None,
        new.sender_id,
        new.pool_id,
        new.conversation_id,
        "requested" if new.scheduled_for else None,
        new.scheduled_for,
        new.expires_at,
        row.created_at,
        queued_at,
        new.encoding,
        new.flash,
        new.content,
        new.time_zone,
        new.postal_code,
        new.purpose,
        new.lead,
        new.campaign,
        new.source,
        new.use_case,
        new.agent,
        new.template,
        new.traffic.value,
        None if new.parts is None else orjson.dumps(new.parts).decode(),
        new.sandboxed,
    )


_FEW = 100  # up to here one statement costs less than a COPY with its round trips

COLUMNS = (
    "id", "tenant_id", "channel", "category", "priority", "status", "segments", "recipient_key",
    "recipient", "body", "metadata", "requested_sender_id", "pool_id", "conversation_id",
    "scheduled_reason", "scheduled_for", "expires_at", "created_at", "queued_at", "encoding",
    "flash", "content", "time_zone", "postal_code", "purpose", "lead", "campaign", "source", "use_case",
    "agent", "template", "traffic", "parts", "sandboxed",
)  # fmt: skip

# What every new message gets besides its own row: its first event, and its work row.
_WORK = """
told AS (
  INSERT INTO message_events (message_id, event, status)
  SELECT id, CAST(CASE status WHEN 'queued' THEN 'submitted' WHEN 'scheduled' THEN 'scheduled' END
                  AS message_event), status FROM v
), waiting AS (
  INSERT INTO ready (queue, message_id, epoch, tenant_id)
  SELECT lower(priority::text)::ready_queue, id, 0, tenant_id FROM v WHERE status = 'queued'
)
INSERT INTO scheduled (due_at, message_id)
SELECT scheduled_for, id FROM v WHERE status = 'scheduled'
"""
_INSERT_FEW = sa.text(
    """
WITH v AS (
  SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS t(
    id uuid, tenant_id uuid, channel channel, category category, priority priority,
    status message_status, segments int, recipient_key text, recipient text, body text,
    metadata text, requested_sender_id uuid, pool_id uuid, conversation_id uuid,
    scheduled_reason text, scheduled_for timestamptz, expires_at timestamptz,
    created_at timestamptz, queued_at timestamptz, encoding text, flash boolean, content text,
    time_zone text, postal_code text, purpose text, lead text, campaign text, source text,
    use_case text, agent text, template text, traffic text, parts text,
    sandboxed boolean)
), born AS (
  INSERT INTO messages (id, tenant_id, channel, category, priority, status, segments,
    recipient_key, recipient, body, metadata, requested_sender_id, pool_id, conversation_id,
    scheduled_reason, scheduled_for, expires_at, created_at, queued_at, encoding, flash, content,
    time_zone, postal_code, purpose, lead, campaign, source, use_case, agent, template, traffic,
    parts, sandboxed)
  SELECT id, tenant_id, channel, category, priority, status, segments,
    decode(recipient_key, 'hex'), recipient, body, CAST(metadata AS jsonb), requested_sender_id,
    pool_id, conversation_id, scheduled_reason, scheduled_for, expires_at, created_at, queued_at,
    encoding, flash, content, time_zone, postal_code, purpose, lead, campaign, source, use_case,
    agent, template, traffic, CAST(parts AS jsonb), sandboxed
  FROM v
),"""  # noqa: S608 - both halves are constants of this module
    + _WORK
)
_COPY = f"COPY messages ({', '.join(COLUMNS)}) FROM STDIN"
_WORK_OF_COPIED = sa.text(
    """
WITH v AS (
  SELECT id, tenant_id, status, priority, scheduled_for FROM messages
  WHERE id = ANY(CAST(:ids AS uuid[]))
),"""  # noqa: S608 - as above
    + _WORK
)


def insert(db: Connection, rows: Sequence[NewRow]) -> None:
    """Store new messages with their first event and, if they are due or scheduled, their work row."""
    if not rows:
        return
    if len(rows) <= _FEW:
        named = [dict(zip(COLUMNS, row_of(row), strict=True)) for row in rows]
        db.execute(_INSERT_FEW, {"rows": orjson.dumps(named, default=bytes.hex).decode()})
        return
    cursor = db.connection.cursor()
    with cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row_of(row))
    db.execute(_WORK_OF_COPIED, {"ids": f"{{{','.join(str(row.id) for row in rows)}}}"})


def sandbox(db: Connection, message_id: UUID) -> None:
    """Let a draft leave through sandboxes only."""
    change = (
        "UPDATE messages SET sandboxed = true, traffic = 'Test' WHERE id = :id AND status = 'draft'"
    )
    db.execute(sa.text(change), {"id": message_id})
