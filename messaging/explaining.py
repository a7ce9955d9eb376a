"""Why is this message where it is? Everything written down about it, gathered and told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging.domain import explanation
from messaging.domain.addresses import mask
from messaging.domain.candidates import Pass
from messaging.domain.choice_wording import Chosen, Considered
from messaging.domain.errors import NotFoundError
from messaging.domain.explanation import Judged, Reported, Story, Tried
from messaging.domain.lifecycle import TIMESTAMPS, Status
from messaging.domain.message import SelectionReason
from messaging.runtime import Runtime
from messaging.store import receipt_views, verdicts, views
from messaging.store.tenants import Tenant
from messaging.store.verdicts import Judgement
from messaging.store.views import MessageView


@dataclass(frozen=True, slots=True)
class Explanation:
    """A message's story: one sentence, the whole chain, and what it was told from."""

    id: UUID
    status: Status
    summary: str
    sentences: list[str]
    verdicts: list[dict[str, Any]]
    attempts: list[dict[str, Any]]


def explain(rt: Runtime, tenant: Tenant, message_id: UUID) -> Explanation:
    """The story of one message.

    Raises:
        NotFoundError: no such message of this tenant.
    """
    with rt.engine.connect() as db:
        found = views.message(db, tenant.id, message_id)
        if found is None:
            raise NotFoundError("no message of yours has this id")
        story = _story(rt, db, tenant, found)
    return Explanation(
        id=message_id,
        status=found.status,
        summary=explanation.summary(story),
        sentences=explanation.sentences(story),
        verdicts=[asdict(verdict) for verdict in story.verdicts],
        attempts=[asdict(attempt) for attempt in story.attempts],
    )


def _story(rt: Runtime, db: Connection, tenant: Tenant, of: MessageView) -> Story:
    known = rt.senders_of(tenant.id)
    names = {sender.id: mask(sender.address) for sender in known.candidates.by_id.values()}
    return Story(
        status=of.status,
        status_reason=of.status_reason,
        scheduled_reason=of.scheduled_reason,
        scheduled_for=of.scheduled_for,
        next_attempt_at=of.next_attempt_at,
        entered_at=_entered_at(of),
        created_at=of.created_at,
        verdicts=[
            Judged(
                v.at,
                v.stage,
                v.outcome,
                v.version,
                v.rule,
                v.reason,
                v.detail,
                v.until,
                v.inputs,
                _chosen(v, names) if v.trace is not None else None,
            )
            for v in verdicts.of_message(db, of.id)
        ],
        attempts=[
            Tried(
                a.epoch,
                names.get(a.sender_id, _RETIRED),
                a.selection_reason,
                a.started_at,
                a.outcome,
                a.settled_by,
                a.provider_code,
                a.detail,
            )
            for a in views.attempts(db, of.id)
        ],
        receipts=[
            Reported(
                r.occurred_at or r.received_at,
                r.provider_status or _UNREADABLE,
                r.provider_code,
                r.detail,
                r.result,
            )
            for r in receipt_views.receipts(db, of.id)
        ],
    )


_UNREADABLE = "something that cannot be read"
_RETIRED = "a sender that is retired by now"


def _chosen(verdict: Judgement, names: Mapping[UUID, str]) -> Chosen:
    """A trace with names instead of ids; a score is told from the moment of the choice."""
    trace = verdict.trace or {}
    chosen = trace.get("chosen")
    absent = [
        (sender_id, SelectionReason.HEALTHY_POOL, why, None)
        for sender_id, why in trace.get("absent_first", ())
    ]
    return Chosen(
        sender=None if chosen is None else names.get(UUID(chosen), _RETIRED),
        candidates=trace["candidates"],
        passed=[
            Considered(
                names.get(UUID(sender_id), _RETIRED),
                under,
                Pass(why),
                None if free_at is None else max(0.0, free_at - verdict.at.timestamp()),
            )
            for sender_id, under, why, free_at in [*trace.get("passed", ()), *absent]
        ],
        absent=trace.get("absent", {}),
    )


def _entered_at(of: MessageView) -> datetime | None:
    column = TIMESTAMPS.get(of.status)
    found: datetime | None = getattr(of, column) if column is not None else of.created_at
    return found or of.modified_at
