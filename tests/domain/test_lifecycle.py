"""The lifecycle: every (status, event) pair, and what no order of receipts can break."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.domain import lifecycle
from messaging.domain.lifecycle import Event, IllegalTransitionError, Status, advance

LEGAL = {
    # before, event, after
    ("draft", "submitted", "queued"),
    ("draft", "scheduled", "scheduled"),
    ("draft", "canceled", "canceled"),
    ("scheduled", "promoted", "queued"),
    ("scheduled", "canceled", "canceled"),
    ("scheduled", "expired", "failed"),
    ("scheduled", "opted_out", "opted_out"),
    ("scheduled", "blocked_compliance", "blocked_compliance"),
    ("scheduled", "blocked_billing", "blocked_billing"),
    ("scheduled", "blocked_missing_campaign", "blocked_missing_campaign"),
    ("queued", "attempted", "sending"),
    ("queued", "deferred", "scheduled"),
    ("queued", "canceled", "canceled"),
    ("queued", "expired", "failed"),
    ("queued", "refused", "failed"),
    ("queued", "quarantined", "failed"),
    ("queued", "accepted", "sent"),
    ("queued", "delivered", "delivered"),
    ("queued", "undelivered", "undeliverable"),
    ("queued", "failed", "failed"),
    ("queued", "opted_out", "opted_out"),
    ("queued", "blocked_compliance", "blocked_compliance"),
    ("queued", "blocked_billing", "blocked_billing"),
    ("queued", "blocked_missing_campaign", "blocked_missing_campaign"),
    ("sending", "accepted", "sent"),
    ("sending", "retried", "queued"),
    ("sending", "proven_unsent", "queued"),
    ("sending", "gave_up", "failed"),
    ("sending", "delivered", "delivered"),
    ("sending", "undelivered", "undeliverable"),
    ("sending", "failed", "failed"),
    ("sending", "opted_out", "opted_out"),
    ("sending", "blocked_compliance", "blocked_compliance"),
    ("sending", "blocked_billing", "blocked_billing"),
    ("sending", "blocked_missing_campaign", "blocked_missing_campaign"),
    ("sent", "delivered", "delivered"),
    ("sent", "undelivered", "undeliverable"),
    ("sent", "failed", "failed"),
    ("sent", "opted_out", "opted_out"),
    ("sent", "blocked_compliance", "blocked_compliance"),
    ("sent", "blocked_billing", "blocked_billing"),
    ("sent", "blocked_missing_campaign", "blocked_missing_campaign"),
    ("blocked_billing", "unblocked", "queued"),
    ("blocked_billing", "canceled", "canceled"),
    ("blocked_missing_campaign", "unblocked", "queued"),
    ("blocked_missing_campaign", "canceled", "canceled"),
}
TOLD = {
    "accepted", "delivered", "undelivered", "failed", "opted_out", "blocked_compliance",
    "blocked_billing", "blocked_missing_campaign",
}  # fmt: skip
AFTER = {(before, event): after for before, event, after in LEGAL}


@pytest.mark.parametrize(("status", "event"), list(itertools.product(Status, Event)))
def test_every_pair(status: Status, event: Event) -> None:
    after = AFTER.get((status.value, event.value))
    if after is not None:
        assert advance(status, event) == Status(after)
    elif event.value in TOLD:
        assert advance(status, event) is None
    else:
        with pytest.raises(IllegalTransitionError, match=f"{event} cannot happen .* {status}$"):
            advance(status, event)


def test_the_vocabulary_is_the_documented_one() -> None:
    assert {s.value for s in Status} == {
        "draft", "scheduled", "queued", "sending", "sent", "received", "delivered", "failed",
        "undeliverable", "opted_out", "blocked_compliance", "blocked_billing",
        "blocked_missing_campaign", "canceled",
    }  # fmt: skip
    assert {e.value for e in Event} >= {event for _, event, _ in LEGAL}
    assert {e.value for e in lifecycle.REPORTED} == TOLD


def test_final_states() -> None:
    assert {s.value for s in lifecycle.FINAL} == {
        "received", "delivered", "failed", "undeliverable", "opted_out", "blocked_compliance",
        "canceled",
    }  # fmt: skip


def test_every_state_can_be_entered_and_left_or_is_final() -> None:
    reached = {Status(after) for _, _, after in LEGAL} | lifecycle.INITIAL
    assert reached == set(Status)
    for status in set(Status) - lifecycle.FINAL:
        seen, todo = {status}, [status]
        while todo:
            here = todo.pop()
            new = set(lifecycle.TRANSITIONS.get(here, {}).values()) - seen
            seen |= new
            todo += new
        assert seen & lifecycle.FINAL, f"{status} leads nowhere"


def test_every_state_but_the_waiting_ones_has_a_timestamp() -> None:
    assert set(Status) - set(lifecycle.TIMESTAMPS) == {Status.DRAFT, Status.SCHEDULED}
    assert all(column.endswith("_at") for column in lifecycle.TIMESTAMPS.values())


@pytest.mark.parametrize("event", list(Event))
def test_sources_are_the_left_side_of_the_table(event: Event) -> None:
    expected = {before for before, name, _ in LEGAL if name == event.value}
    assert {s.value for s in lifecycle.sources(event)} == expected


def test_the_diagram_draws_every_legal_move_once() -> None:
    lines = [line.strip() for line in lifecycle.diagram().splitlines()]
    assert lines[0] == "stateDiagram-v2"
    drawn = set()
    for line in lines[1:]:
        arrow, _, events = line.partition(": ")
        before, after = arrow.split(" --> ")
        drawn |= {(before, event, after) for event in events.split(", ") if event}
    assert drawn == LEGAL
    assert {line for line in lines if line.startswith("[*]")} == {
        f"[*] --> {s}" for s in ("draft", "scheduled", "queued", "received")
    }
    assert {line.split()[0] for line in lines if line.endswith("[*]")} == {
        s.value for s in lifecycle.FINAL
    }


# From the weakest end to the strongest; where a stronger one is told, it replaces what is there.
ENDS = {
    "failed": "failed",
    "undelivered": "undeliverable",
    "blocked_billing": "blocked_billing",
    "blocked_missing_campaign": "blocked_missing_campaign",
    "canceled": "canceled",
    "blocked_compliance": "blocked_compliance",
    "opted_out": "opted_out",
    "delivered": "delivered",
}


@pytest.mark.parametrize(("status", "event"), list(itertools.product(Status, sorted(TOLD))))
def test_a_stronger_end_puts_a_weaker_one_right(status: Status, event: str) -> None:
    rank = list(ENDS.values())
    expected = None
    if status.value in rank and event in ENDS and rank.index(ENDS[event]) >= rank.index(status):
        expected = ENDS[event]
    if status is Status.SCHEDULED and event in {"accepted", "delivered", "undelivered", "failed"}:
        expected = ENDS.get(event, "sent")
    assert lifecycle.correct(status, Event(event)) == expected


@pytest.mark.parametrize("event", sorted(TOLD))
def test_any_receipt_knows_better_than_nobody(event: str) -> None:
    known = lifecycle.correct(Status.FAILED, Event(event), unknown=True)
    assert known == ENDS.get(event, "sent")


@pytest.mark.parametrize(
    ("said", "than", "stays"),
    [
        (("2", "b"), ("1", "a"), True),
        (("1", "a"), ("2", "b"), False),
        (("1", "a"), ("1", "a"), False),
        (("1", None), (None, None), True),
        ((None, None), ("1", None), False),
        ((None, "b"), (None, "a"), True),
        ((None, None), (None, None), False),
    ],
)
def test_of_two_codes_of_one_end_the_same_stays_whichever_came_first(
    said: lifecycle.Said, than: lifecycle.Said, stays: bool
) -> None:
    assert lifecycle.stronger(said, than) is stays


Told = tuple[Event, str | None, str | None]
CODES = st.sampled_from([None, "30003", "30005", "9"])
TELLING = st.lists(
    st.tuples(st.sampled_from(sorted(lifecycle.REPORTED)), CODES, st.sampled_from([None, "a"])),
    min_size=1,
    max_size=8,
)
BORN = [
    (Status.SENDING, None),
    (Status.SENT, None),
    (Status.FAILED, lifecycle.UNKNOWN_OUTCOME),
    (Status.FAILED, "attempts_exhausted"),
    (Status.CANCELED, "erased"),
]


def _fold(status: Status, reason: str | None, told: list[Told]) -> tuple[Status, object]:
    known: lifecycle.Said = (None, reason)
    for event, code, detail in told:
        unknown = status is Status.FAILED and known[1] == lifecycle.UNKNOWN_OUTCOME
        after = lifecycle.learn(status, event, (code, detail), known, unknown=unknown)
        if after is not None:
            status = after
            known = (None if event is Event.ACCEPTED else code, detail)
    return status, known if status is not Status.SENT else None


@settings(max_examples=3000, deadline=None)
@given(st.sampled_from(BORN), TELLING, st.data())
def test_the_same_receipts_in_any_order_and_number_end_in_the_same_state(
    born: tuple[Status, str | None], told: list[Told], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told)))))
    assert _fold(*born, again) == _fold(*born, told)


REPORTS = st.lists(st.sampled_from(sorted(lifecycle.REPORTED)), max_size=12)
WAITING_FOR_US = {Status.BLOCKED_BILLING, Status.BLOCKED_MISSING_CAMPAIGN}
ALIVE = st.sampled_from([Status.SENDING, Status.SENT])


@given(ALIVE, REPORTS)
def test_receipts_in_any_order_end_in_a_state_that_stays(
    status: Status, reports: list[Event]
) -> None:
    ended: Status | None = None
    for event in reports:
        status = advance(status, event) or status
        if ended is not None:
            assert status == ended
        elif status in lifecycle.FINAL | WAITING_FOR_US:
            ended = status
    assert (ended is not None) == any(event != Event.ACCEPTED for event in reports)


@given(REPORTS)
def test_whether_our_own_record_or_a_receipt_comes_first_makes_no_difference(
    reports: list[Event],
) -> None:
    def end(events: list[Event]) -> Status:
        status = Status.SENDING
        for event in events:
            status = advance(status, event) or status
        return status

    finals = [event for event in reports if event != Event.ACCEPTED]
    ends = {end([*finals[:n], Event.ACCEPTED, *finals[n:]]) for n in range(len(finals) + 1)}
    assert len(ends) == 1


@given(st.sampled_from(sorted(lifecycle.FINAL)), st.sampled_from(list(Event)))
def test_no_event_of_any_kind_leaves_a_final_state(status: Status, event: Event) -> None:
    if event in lifecycle.REPORTED:
        assert advance(status, event) is None
    else:
        with pytest.raises(IllegalTransitionError):
            advance(status, event)
