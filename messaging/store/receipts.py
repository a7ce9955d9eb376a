"""Receipts that were kept: taken to be applied, parked, and noted with what became of them.

A receipt that names no attempt of ours yet is parked under the provider's id and woken when a send
is recorded with that id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class PendingReceipt:
    """A receipt to apply, in the order it came."""

    id: int
    account_id: UUID
    provider: str
    url: str
    body: bytes
    message_id: UUID | None
    epoch: int | None
    parked: bool
    """Whether it waited for a send of ours that never came."""
    received_at: datetime


_TAKE = sa.text("""
WITH taken AS (
  DELETE FROM pending_receipts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM pending_receipts WHERE due_at <= now()
    ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED))
  RETURNING receipt_id, provider_message_id IS NOT NULL AS parked
)
SELECT r.id, r.account_id, a.provider, r.url, r.body, r.message_id, r.epoch, taken.parked,
       r.received_at
FROM taken JOIN raw_receipts r ON r.id = taken.receipt_id
JOIN provider_accounts a ON a.id = r.account_id
WHERE r.id = ANY(ARRAY(SELECT receipt_id FROM taken))
ORDER BY r.id
""")


# Plans are kept, and the first are made when the tables are all but empty: reading one from end to end
# is cheap then, and is what every batch would go on doing while they grow, until they are analysed.
_BY_INDEX = sa.text("SET LOCAL enable_seqscan = off")


def take(db: Connection, limit: int) -> list[PendingReceipt]:
    """Up to `limit` receipts to apply in this same transaction, which reads by index from here on."""
    db.execute(_BY_INDEX)
    return [PendingReceipt(*row) for row in db.execute(_TAKE, {"limit": limit})]


_PARK = sa.text("""
INSERT INTO pending_receipts (receipt_id, due_at, provider_message_id)
SELECT id, now() + make_interval(secs => :wait), provider_message_id
FROM unnest(CAST(:ids AS bigint[]), CAST(:provider_ids AS text[])) AS v(id, provider_message_id)
""")


def park(db: Connection, receipts: Sequence[tuple[int, str]], wait: timedelta) -> None:
    """Let (receipt id, provider message id) wait until that send is recorded, or `wait` is over."""
    if receipts:
        ids, provider_ids = (list(column) for column in zip(*receipts, strict=True))
        db.execute(_PARK, {"ids": ids, "provider_ids": provider_ids, "wait": wait.total_seconds()})


_WAKE = sa.text("""
UPDATE pending_receipts SET due_at = now(), provider_message_id = NULL
WHERE provider_message_id = ANY(CAST(:ids AS text[]))
""")


def wake(db: Connection, provider_message_ids: Sequence[str]) -> int:
    """Make receipts parked under these ids due; returns how many there were."""
    if not provider_message_ids:
        return 0
    return db.execute(_WAKE, {"ids": list(provider_message_ids)}).rowcount


@dataclass(slots=True)  # not frozen: made for every receipt, and freezing doubles its price
class Noted:
    """What became of one receipt, and what it was read as."""

    id: int
    result: str
    message_id: UUID | None = None
    epoch: int | None = None
    event: str | None = None
    provider_status: str | None = None
    provider_code: str | None = None
    detail: str | None = None
    """What the code means, in our words."""
    occurred_at: datetime | None = None


_NOTE = sa.text("""
WITH v AS MATERIALIZED (
  SELECT * FROM json_to_recordset(CAST(:noted AS json)) AS t(
    id bigint, result text, message_id uuid, epoch int, event text, provider_status text,
    provider_code text, detail text, occurred_at timestamptz)
)
UPDATE raw_receipts r SET result = v.result, message_id = coalesce(v.message_id, r.message_id),
  epoch = coalesce(v.epoch, r.epoch), event = v.event, provider_status = v.provider_status,
  provider_code = v.provider_code, detail = v.detail, occurred_at = v.occurred_at,
  url = CASE WHEN gone.id IS NULL THEN r.url ELSE '' END,
  body = CASE WHEN gone.id IS NULL THEN r.body ELSE '' END
FROM v LEFT JOIN messages gone ON gone.id = v.message_id AND gone.erased_at IS NOT NULL
WHERE r.id = v.id AND r.id = ANY(ARRAY(SELECT id FROM v))
""")


def note(db: Connection, noted: Sequence[Noted]) -> None:
    """Write down what became of receipts.

    A receipt of a message that is emptied is emptied too, however late it came.
    """
    if noted:
        db.execute(_NOTE, {"noted": orjson.dumps(noted).decode()})


_KEEP_ANSWER = sa.text("""
INSERT INTO raw_receipts AS r (account_id, url, body, message_id, epoch, event_key)
SELECT account_id, '', '', message_id, epoch, event_key
FROM json_to_recordset(CAST(:answers AS json)) AS v(
  account_id uuid, message_id uuid, epoch int, event_key text)
ON CONFLICT (account_id, event_key) WHERE event_key IS NOT NULL
DO UPDATE SET repeats = r.repeats + 1
RETURNING account_id, event_key, id, received_at
""")


@dataclass(slots=True)  # not frozen: as above
class Answer:
    """What a provider said of an attempt when it was asked: an event like any other."""

    account_id: UUID
    message_id: UUID
    epoch: int
    event_key: str


def keep_answers(
    db: Connection, answers: Sequence[Answer]
) -> dict[tuple[UUID, str], tuple[int, datetime]]:
    """Keep answers beside what was posted; (account, key) -> (receipt id, when it first came).

    No key may occur twice.
    """
    if not answers:
        return {}
    rows = db.execute(_KEEP_ANSWER, {"answers": orjson.dumps(answers).decode()})
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


@dataclass(frozen=True, slots=True)
class Target:
    """The message a receipt speaks of, as it is."""

    message_id: UUID
    epoch: int
    status: str
    reason: str | None
    provider_code: str | None
    provider_message_id: str | None
    erased: bool
    """Whether its text and recipient are gone, so that it can never be sent again."""
    again: bool
    """Whether its last attempt was accepted, and it is to be sent once more all the same."""


# Counted: of what only has to exist, Postgres may read the whole table for a batch, to have it hashed.
_BY_ID = sa.text("""
SELECT m.id, m.epoch, m.status, m.status_reason, m.provider_code, m.provider_message_id,
       m.erased_at IS NOT NULL,
       m.status IN ('queued', 'scheduled') AND (
         SELECT count(*) FROM attempts a
         WHERE a.message_id = m.id AND a.epoch = m.epoch AND a.outcome = 'accepted') > 0
FROM messages m WHERE m.id = ANY(CAST(:ids AS uuid[])) ORDER BY m.id FOR NO KEY UPDATE
""")


def targets(db: Connection, message_ids: Sequence[UUID]) -> dict[UUID, Target]:
    """The messages behind these ids, locked in id order so that batches do not deadlock."""
    return {row[0]: Target(*row) for row in db.execute(_BY_ID, {"ids": list(message_ids)})}


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt of ours, open or ended."""

    message_id: UUID
    epoch: int
    account_id: UUID
    """The provider account it was made through."""
    accepted_at: datetime | None
    """When its provider's reply said so; None if that is not known, or not from a reply."""


_ACCEPTED_AT = "CASE WHEN outcome = 'accepted' AND settled_by = 'reply' THEN finished_at END"
_MADE = sa.text(f"""
SELECT message_id, epoch, account_id, NULL::timestamptz FROM open_attempts
WHERE message_id = ANY(CAST(:ids AS uuid[]))
UNION ALL
SELECT message_id, epoch, account_id, {_ACCEPTED_AT} FROM attempts
WHERE message_id = ANY(CAST(:ids AS uuid[]))
""")  # noqa: S608 - a constant of this module


def made(db: Connection, message_ids: Sequence[UUID]) -> dict[tuple[UUID, int], Made]:
    """Every attempt to send these messages, by (message id, epoch)."""
    if not message_ids:
        return {}
    rows = db.execute(_MADE, {"ids": list(message_ids)})
    return {(row[0], row[1]): Made(*row) for row in rows}


_BY_PROVIDER_ID = sa.text(f"""
SELECT provider_message_id, message_id, epoch, account_id, {_ACCEPTED_AT} FROM attempts
WHERE provider_message_id = ANY(CAST(:ids AS text[]))
""")  # noqa: S608 - as above


def owners(db: Connection, provider_message_ids: Sequence[str]) -> dict[tuple[UUID, str], Made]:
    """(account, provider's id) -> the attempt, for the sends we have recorded."""
    if not provider_message_ids:
        return {}
    rows = db.execute(_BY_PROVIDER_ID, {"ids": list(provider_message_ids)})
    return {(row[3], row[0]): Made(*row[1:]) for row in rows}
