"""What providers report, as it came: kept before they get their answer, each event of theirs once.

A group of webhooks is one statement, so that keeping them costs one journey to the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection


@dataclass(slots=True)  # not frozen: made for every receipt, and freezing doubles its price
class RawReceipt:
    """One verified event as it came, and the attempt its address names, if any."""

    account_id: UUID
    url: str
    body: bytes
    message_id: UUID | None
    epoch: int | None
    event_key: str | None = None
    """What its provider calls this very event; without one it is kept however often it comes."""


# A row that was there before has been locked by this statement, which shows in its xmax.
_KEEP = sa.text("""
WITH kept AS (
  INSERT INTO raw_receipts AS r (account_id, url, body, message_id, epoch, event_key, repeats)
  SELECT account_id, url, decode(body, 'hex'), message_id, epoch, event_key, repeats
  FROM json_to_recordset(CAST(:receipts AS json)) AS v(
    account_id uuid, url text, body text, message_id uuid, epoch int, event_key text, repeats int)
  ON CONFLICT (account_id, event_key) WHERE event_key IS NOT NULL
  DO UPDATE SET repeats = r.repeats + excluded.repeats + 1
  RETURNING id, xmax = 0 AS fresh
)
INSERT INTO pending_receipts (receipt_id) SELECT id FROM kept WHERE fresh
""")


def keep(db: Connection, receipts: Sequence[RawReceipt]) -> None:
    """Store receipts and put those in line to be applied that have not come before.

    An event that is known already only has its repeats counted.
    """
    if not receipts:
        return
    rows = [
        {
            "account_id": r.account_id,
            "url": r.url,
            "body": r.body.hex(),
            "message_id": r.message_id,
            "epoch": r.epoch,
            "event_key": r.event_key,
            "repeats": repeats,
        }
        for r, repeats in zip(*_once_each(receipts), strict=True)
    ]
    db.execute(_KEEP, {"receipts": orjson.dumps(rows).decode()})


def _once_each(receipts: Iterable[RawReceipt]) -> tuple[list[RawReceipt], list[int]]:
    """The receipts without repeats among themselves, and how often each was repeated.

    One statement cannot meet the same row twice.
    """
    firsts: list[RawReceipt] = []
    repeats: list[int] = []
    places: dict[tuple[UUID, str], int] = {}
    for receipt in receipts:
        if receipt.event_key is not None:
            place = places.setdefault((receipt.account_id, receipt.event_key), len(firsts))
            if place < len(firsts):
                repeats[place] += 1
                continue
        firsts.append(receipt)
        repeats.append(0)
    return firsts, repeats
