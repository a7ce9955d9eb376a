"""What has a provider reported of a message? For people and programs, in an order of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.lifecycle import EVENT_STRENGTH, Event

_MOST = 500


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """One event a provider reported, or answered when it was asked."""

    epoch: int | None
    """The attempt it speaks of."""
    event: Event | None
    """What it was read as; None if it says nothing new, or cannot be read."""
    provider_status: str | None
    provider_code: str | None
    detail: str | None
    """What the code means, in our words."""
    occurred_at: datetime | None
    received_at: datetime
    result: str
    """What became of it: a word of `receipt_steps.Applied`."""
    repeats: int
    """How often it came again."""
    asked: bool
    """Whether it is the answer to a question of ours."""


# Of another account, it is perhaps another tenant's business.
_RECEIPTS = sa.text("""
SELECT epoch, event, provider_status, provider_code, detail, occurred_at, received_at, result,
       repeats, coalesce(event_key LIKE 'poll:%', false), event_key
FROM raw_receipts WHERE message_id = :id AND result IS NOT NULL AND result <> 'wrong_account'
ORDER BY id LIMIT :most
""")


def receipts(db: Connection, message_id: UUID) -> list[ReceiptView]:
    """What was reported of a message: by attempt, then from the weakest to the strongest.

    Whatever the order in which the same receipts came, they are listed in the same one.
    """
    rows = db.execute(_RECEIPTS, {"id": message_id, "most": _MOST}).all()
    found = [
        (ReceiptView(r[0], Event(r[1]) if r[1] else None, *r[2:10]), r[10] or "") for r in rows
    ]
    return [view for view, _ in sorted(found, key=_place)]


def _place(of: tuple[ReceiptView, str]) -> tuple[object, ...]:
    view, key = of
    return (
        view.epoch or 0,
        -1 if view.event is None else EVENT_STRENGTH[view.event],
        view.occurred_at or datetime.max.replace(tzinfo=UTC),
        view.provider_status or "",
        view.provider_code or "",
        key,
    )
