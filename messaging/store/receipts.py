"""Receipts: kept raw before the provider gets its answer, applied afterwards, never lost.

A receipt that names no attempt of ours yet is parked under the provider's id and woken when a send
is recorded with that id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class RawReceipt:
    """A verified webhook as it came, and the attempt its address names, if any."""

    account_id: UUID
    url: str
    body: bytes
    message_id: UUID | None
    epoch: int | None


_KEEP = sa.text("""
WITH kept AS (
  INSERT INTO raw_receipts (account_id, url, body, message_id, epoch)
  SELECT * FROM unnest(CAST(:accounts AS uuid[]), CAST(:urls AS text[]), CAST(:bodies AS bytea[]),
                       CAST(:messages AS uuid[]), CAST(:epochs AS int[]))
  RETURNING id
)
INSERT INTO pending_receipts (receipt_id) SELECT id FROM kept
""")


def keep(db: Connection, receipts: Sequence[RawReceipt]) -> None:
    """Store receipts and put them in line to be applied."""
    db.execute(
        _KEEP,
        {
            "accounts": [r.account_id for r in receipts],
            "urls": [r.url for r in receipts],
            "bodies": [r.body for r in receipts],
            "messages": [r.message_id for r in receipts],
            "epochs": [r.epoch for r in receipts],
        },
    )


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


_TAKE = sa.text("""
WITH taken AS (
  DELETE FROM pending_receipts WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM pending_receipts WHERE due_at <= now()
    ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED))
  RETURNING receipt_id, provider_message_id IS NOT NULL AS parked
)
SELECT r.id, r.account_id, a.provider, r.url, r.body, r.message_id, r.epoch, taken.parked
FROM taken JOIN raw_receipts r ON r.id = taken.receipt_id
JOIN provider_accounts a ON a.id = r.account_id
ORDER BY r.id
""")


def take(db: Connection, limit: int) -> list[PendingReceipt]:
    """Up to `limit` receipts to apply in this same transaction."""
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


_NOTE = sa.text("""
UPDATE raw_receipts r SET result = v.result, message_id = coalesce(v.message_id, r.message_id),
  url = CASE WHEN gone.id IS NULL THEN r.url ELSE '' END,
  body = CASE WHEN gone.id IS NULL THEN r.body ELSE '' END
FROM unnest(CAST(:ids AS bigint[]), CAST(:results AS text[]), CAST(:messages AS uuid[]))
  AS v(id, result, message_id)
LEFT JOIN messages gone ON gone.id = v.message_id AND gone.erased_at IS NOT NULL
WHERE r.id = v.id
""")


def note(db: Connection, results: Sequence[tuple[int, str, UUID | None]]) -> None:
    """Write down what became of (receipt id, result, message id).

    A receipt of a message that is emptied is emptied too, however late it came.
    """
    if results:
        ids, words, messages = (list(column) for column in zip(*results, strict=True))
        db.execute(_NOTE, {"ids": ids, "results": words, "messages": messages})


@dataclass(frozen=True, slots=True)
class Target:
    """The attempt a receipt speaks of."""

    message_id: UUID
    epoch: int
    status: str
    sender_id: UUID | None
    erased: bool
    """Whether its text and recipient are gone, so that it can never be sent again."""
    accepted: bool
    """Whether the attempt is known to have been accepted, though the message is queued again."""


_BY_ID = sa.text("""
SELECT m.id, m.epoch, m.status, m.sender_id, m.erased_at IS NOT NULL,
       m.status = 'queued' AND EXISTS (
         SELECT 1 FROM attempts a
         WHERE a.message_id = m.id AND a.epoch = m.epoch AND a.outcome = 'accepted')
FROM messages m WHERE m.id = ANY(CAST(:ids AS uuid[])) ORDER BY m.id FOR NO KEY UPDATE
""")


def targets(db: Connection, message_ids: Sequence[UUID]) -> dict[UUID, Target]:
    """The messages behind these ids, locked in id order so that batches do not deadlock."""
    return {row[0]: Target(*row) for row in db.execute(_BY_ID, {"ids": list(message_ids)})}


_BY_PROVIDER_ID = sa.text("""
SELECT a.account_id, a.provider_message_id, a.message_id, a.epoch FROM attempts a
WHERE a.provider_message_id = ANY(CAST(:ids AS text[]))
""")


def owners(
    db: Connection, provider_message_ids: Sequence[str]
) -> dict[tuple[UUID, str], tuple[UUID, int]]:
    """(account, provider's id) -> (message id, epoch) for the sends we have recorded."""
    rows = db.execute(_BY_PROVIDER_ID, {"ids": list(provider_message_ids)})
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}
