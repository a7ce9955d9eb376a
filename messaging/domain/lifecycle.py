"""Where a message is in its life, and which event may move it where.

This table is the only place that knows. The set of final states is computed from it, the diagram in
ARCHITECTURE.md is printed from it, and every status write in `messaging.store` is a compare-and-set
between two states it names.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The fourteen documented states of a message."""

    DRAFT = "draft"
    """Saved, not submitted. Moved on by the caller."""
    SCHEDULED = "scheduled"
    """Waits for a time: the caller's, or one a rule chose. Moved on by `promote_due`."""
    QUEUED = "queued"
    """Ready for a worker, or waiting for `next_attempt_at`. Moved on by the pump."""
    SENDING = "sending"
    """An attempt is open. Moved on by the pump's record, a receipt, or the reconciler."""
    SENT = "sent"
    """The provider accepted it. Moved on by a delivery receipt, if one ever comes."""
    RECEIVED = "received"
    """An inbound message. Final."""
    DELIVERED = "delivered"
    """The carrier confirmed delivery. Final."""
    FAILED = "failed"
    """Refused for good, attempts exhausted, or expired; the reason says which. Final."""
    UNDELIVERABLE = "undeliverable"
    """The recipient cannot be reached. Final."""
    OPTED_OUT = "opted_out"
    """The recipient does not want it. Final."""
    BLOCKED_COMPLIANCE = "blocked_compliance"
    """A rule refused it. Final."""
    BLOCKED_BILLING = "blocked_billing"
    """No balance; re-queued when the cause is lifted."""
    BLOCKED_MISSING_CAMPAIGN = "blocked_missing_campaign"
    """The sender lacks a 10DLC campaign; re-queued when it is registered."""
    CANCELED = "canceled"
    """Called off before an attempt was opened. Final."""


class Event(StrEnum):
    """What can happen to a message."""

    SUBMITTED = "submitted"
    SCHEDULED = "scheduled"
    PROMOTED = "promoted"
    ATTEMPTED = "attempted"
    DEFERRED = "deferred"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUSED = "refused"
    QUARANTINED = "quarantined"
    BLOCKED_COMPLIANCE = "blocked_compliance"
    BLOCKED_BILLING = "blocked_billing"
    BLOCKED_MISSING_CAMPAIGN = "blocked_missing_campaign"
    UNBLOCKED = "unblocked"
    RETRIED = "retried"
    PROVEN_UNSENT = "proven_unsent"
    GAVE_UP = "gave_up"
    OPTED_OUT = "opted_out"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


REPORTED = frozenset(
    {
        Event.ACCEPTED,
        Event.DELIVERED,
        Event.UNDELIVERED,
        Event.FAILED,
        Event.OPTED_OUT,
        Event.BLOCKED_COMPLIANCE,
        Event.BLOCKED_BILLING,
        Event.BLOCKED_MISSING_CAMPAIGN,
    }
)
"""Events the world tells us. They may come late, twice or out of order, so an illegal one is kept
and changes nothing; an illegal event of our own is a bug."""

_BLOCKS: dict[Event, Status] = {
    Event.OPTED_OUT: Status.OPTED_OUT,
    Event.BLOCKED_COMPLIANCE: Status.BLOCKED_COMPLIANCE,
    Event.BLOCKED_BILLING: Status.BLOCKED_BILLING,
    Event.BLOCKED_MISSING_CAMPAIGN: Status.BLOCKED_MISSING_CAMPAIGN,
}
_REPORTS: dict[Event, Status] = {
    Event.DELIVERED: Status.DELIVERED,
    Event.UNDELIVERED: Status.UNDELIVERABLE,
    Event.FAILED: Status.FAILED,
}

TRANSITIONS: dict[Status, dict[Event, Status]] = {
    Status.DRAFT: {
        Event.SUBMITTED: Status.QUEUED,
        Event.SCHEDULED: Status.SCHEDULED,
        Event.CANCELED: Status.CANCELED,
    },
    Status.SCHEDULED: {
        Event.PROMOTED: Status.QUEUED,
        Event.CANCELED: Status.CANCELED,
        Event.EXPIRED: Status.FAILED,
        **_BLOCKS,
    },
    Status.QUEUED: {
        Event.ATTEMPTED: Status.SENDING,
        Event.DEFERRED: Status.SCHEDULED,
        Event.CANCELED: Status.CANCELED,
        Event.EXPIRED: Status.FAILED,
        Event.REFUSED: Status.FAILED,
        Event.QUARANTINED: Status.FAILED,
        # Evidence that the attempt before this retry was accepted after all: nothing goes out again.
        Event.ACCEPTED: Status.SENT,
        **_REPORTS,
        **_BLOCKS,
    },
    Status.SENDING: {
        Event.ACCEPTED: Status.SENT,
        Event.RETRIED: Status.QUEUED,
        Event.PROVEN_UNSENT: Status.QUEUED,
        Event.GAVE_UP: Status.FAILED,
        # A receipt can overtake our own record of the provider's reply.
        **_REPORTS,
        **_BLOCKS,
    },
    Status.SENT: {**_REPORTS, **_BLOCKS},
    Status.BLOCKED_BILLING: {
        Event.UNBLOCKED: Status.QUEUED,
        Event.CANCELED: Status.CANCELED,
    },
    Status.BLOCKED_MISSING_CAMPAIGN: {
        Event.UNBLOCKED: Status.QUEUED,
        Event.CANCELED: Status.CANCELED,
    },
}

FINAL = frozenset(Status) - frozenset(TRANSITIONS)
"""States nothing leads out of."""

INITIAL = frozenset({Status.DRAFT, Status.SCHEDULED, Status.QUEUED, Status.RECEIVED})
"""States a message may be born in."""

TIMESTAMPS: dict[Status, str] = {
    Status.QUEUED: "queued_at",
    Status.SENDING: "sending_started_at",
    Status.SENT: "sent_at",
    Status.RECEIVED: "received_at",
    Status.DELIVERED: "delivered_at",
    Status.FAILED: "failed_at",
    Status.UNDELIVERABLE: "undeliverable_at",
    Status.OPTED_OUT: "blocked_at",
    Status.BLOCKED_COMPLIANCE: "blocked_at",
    Status.BLOCKED_BILLING: "blocked_at",
    Status.BLOCKED_MISSING_CAMPAIGN: "blocked_at",
    Status.CANCELED: "canceled_at",
}
"""The column that remembers when a state was entered, per state that has one."""


class IllegalTransitionError(Exception):
    """An event of our own that the table does not allow: a bug, never a user's mistake."""


def advance(status: Status, event: Event) -> Status | None:
    """The state `event` leads to from `status`.

    Returns None for a reported event (`REPORTED`) that the table does not allow: a late or repeated
    receipt, which is kept and changes nothing (law 5).

    Raises:
        IllegalTransitionError: for one of our own events that the table does not allow.
    """
    after = TRANSITIONS.get(status, {}).get(event)
    if after is None and event not in REPORTED:
        raise IllegalTransitionError(f"{event} cannot happen to a message that is {status}")
    return after


def sources(event: Event) -> frozenset[Status]:
    """Every state `event` may happen in: the left side of a set-based compare-and-set."""
    return frozenset(status for status, moves in TRANSITIONS.items() if event in moves)


def diagram() -> str:
    """The table as a mermaid state diagram, for ARCHITECTURE.md."""
    moves: dict[tuple[Status, Status], list[str]] = {}
    for before, events in TRANSITIONS.items():
        for event, after in events.items():
            moves.setdefault((before, after), []).append(event.value)
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {s.value}" for s in Status if s in INITIAL]
    lines += [f"    {a.value} --> {b.value}: {', '.join(names)}" for (a, b), names in moves.items()]
    lines += [f"    {s.value} --> [*]" for s in Status if s in FINAL]
    return "\n".join(lines)
