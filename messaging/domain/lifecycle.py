"""Where a message is in its life, and which event may move it where.

`TRANSITIONS` is the only place that knows. The set of final states is computed from it, the diagram in
ARCHITECTURE.md is printed from it, and every status write in `messaging.store` is a compare-and-set
between two states it names. Beside it `CORRECTIONS` says which end a receipt may put right.
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
"""States nothing leads out of: it has ended, unless a receipt knows better (`CORRECTIONS`)."""

UNKNOWN_OUTCOME = "unknown_outcome"
"""Why a message failed of whose last attempt nobody ever learnt whether it was accepted."""

STRENGTH: dict[Status, int] = {
    status: n
    for n, status in enumerate(
        (
            Status.FAILED,
            Status.UNDELIVERABLE,
            Status.BLOCKED_BILLING,
            Status.BLOCKED_MISSING_CAMPAIGN,
            Status.CANCELED,
            Status.BLOCKED_COMPLIANCE,
            Status.OPTED_OUT,
            Status.DELIVERED,
        )
    )
}
"""How much each end outweighs the others, where receipts of one attempt contradict each other: who
delivered knows most, who only failed knows least. CANCELED stands where a block stands that is called
off, so that it makes no difference whether that came before the stronger receipt."""

_ENDS: dict[Event, Status] = {**_REPORTS, **_BLOCKS}
EVENT_STRENGTH: dict[Event, int] = {Event.ACCEPTED: 0} | {
    event: STRENGTH[end] + 1 for event, end in _ENDS.items()
}
"""The same of what is reported: from the weakest to the strongest."""
CORRECTIONS: dict[Status, dict[Event, Status]] = {
    # Put off after an attempt that had been accepted after all: nothing goes out again.
    Status.SCHEDULED: {Event.ACCEPTED: Status.SENT, **_REPORTS},
} | {
    status: {event: end for event, end in _ENDS.items() if STRENGTH[end] >= strength}
    for status, strength in STRENGTH.items()
}
"""What a receipt of a message's last attempt may still do where `TRANSITIONS` has no arrow: a stronger
end replaces a weaker one, whichever came first, so that all orders of the same receipts end alike. A
report of the very same end is listed too: it may carry a stronger code (`stronger`)."""

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


def correct(status: Status, event: Event, *, unknown: bool = False) -> Status | None:
    """The state a receipt puts right an ended message to; None if it does not know better.

    `unknown` says that the message was given up with `UNKNOWN_OUTCOME`: then any receipt knows better,
    also one that only says it was accepted. Otherwise `accepted` never takes an end back. The
    answer may be `status` itself.
    """
    if unknown:
        return Status.SENT if event is Event.ACCEPTED else _ENDS.get(event)
    return CORRECTIONS.get(status, {}).get(event)


Said = tuple[str | None, str | None]
"""A provider's code, and what it means in our words."""


def stronger(said: Said, than: Said) -> bool:
    """Whether of two reports of the same end the one that says this stays.

    The order means nothing but that it is one: a code beats none, and of two the later in the alphabet
    stays, whichever came first.
    """
    return [word or "" for word in said] > [word or "" for word in than]


def learn(
    status: Status, event: Event, said: Said, known: Said, *, unknown: bool = False
) -> Status | None:
    """Where a receipt of its last attempt leads a message; None if it changes nothing.

    `known` is what is known of the state it is in. The answer is `status` itself where the receipt only
    says more of it. Whatever the order of the same receipts, they lead to the same state.
    """
    if unknown:
        return correct(status, event, unknown=True)
    after = advance(status, event) or correct(status, event)
    return None if after is status and not stronger(said, known) else after


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
