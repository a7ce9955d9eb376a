"""Which account takes the next message when several would do."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.balance import LEAST, Balance, Showing, weight
from messaging.domain.candidates import Candidates, Pass
from messaging.domain.choice import Choice, History, Lack, NoSender
from messaging.domain.message import SelectionReason
from messaging.domain.selection import choose
from tests.domain.fleet import MESSAGE, NOW, POOL, sender

A, B = UUID(int=51), UUID(int=52)


@pytest.mark.parametrize(
    ("showing", "expected"),
    [
        (Showing(), 1.0),
        (Showing(calls=19, failed=19), 1.0),  # too few to say anything
        (Showing(calls=100), 1.0),
        (Showing(calls=100, failed=50), 0.25),
        (Showing(calls=100, failed=100), LEAST),
        (Showing(calls=100, slow=100), 0.5),
        (Showing(calls=100, delivered=100, late=100), 0.5),
        (Showing(calls=100, delivered=19, late=19), 1.0),
    ],
)
def test_a_weight_is_what_an_account_does_well(showing: Showing, expected: float) -> None:
    assert weight(showing) == pytest.approx(expected)


def shares(weights: dict[UUID, float], messages: int = 1000) -> Counter[UUID]:
    """Who carries how many, with two idle senders at each account."""
    senders = [
        sender(1, POOL, account_id=A, mps=1e9),
        sender(2, POOL, account_id=A, mps=1e9),
        sender(3, POOL, account_id=B, mps=1e9),
        sender(4, POOL, account_id=B, mps=1e9),
    ]
    candidates, history = Candidates.of(senders), History(balance=Balance(weights))
    took: Counter[UUID] = Counter()
    for _ in range(messages):
        choice = choose(MESSAGE, candidates, history, NOW)
        assert isinstance(choice, Choice)
        assert set(choice.among) == {A, B}
        history.balance.book(choice.sender.account_id, 1, choice.among)
        took[choice.sender.account_id] += 1
    return took


def test_equal_accounts_take_equal_shares() -> None:
    assert shares({}) == {A: 500, B: 500}


@given(st.floats(LEAST, 1), st.floats(LEAST, 1))
def test_shares_follow_the_weights(a: float, b: float) -> None:
    took = shares({A: a, B: b}, 400)
    assert took[A] / 400 == pytest.approx(a / (a + b), abs=0.06)


def test_an_account_that_rested_does_not_catch_up_on_all_it_missed() -> None:
    balance = Balance()
    for _ in range(1000):
        balance.book(A, 1, (A, B))
    balance.book(B, 1, (A, B))
    assert balance.at(A) - balance.at(B) <= 41


PAIR = [sender(1, POOL, account_id=A), sender(3, POOL, account_id=B)]


@pytest.mark.parametrize(
    ("avoid", "expected"),
    [
        ({}, PAIR[0]),
        ({A: Pass.PROVIDER_FAILED}, PAIR[1]),
        ({A: Pass.PROVIDER_DOWN}, PAIR[1]),
        # Nobody else is left: who failed it once is asked again, who is down is not.
        ({A: Pass.PROVIDER_FAILED, B: Pass.PROVIDER_FAILED}, PAIR[0]),
        ({A: Pass.PROVIDER_DOWN, B: Pass.PROVIDER_FAILED}, PAIR[1]),
        ({A: Pass.PROVIDER_DOWN, B: Pass.PROVIDER_DOWN}, Lack.PROVIDER_DOWN),
    ],
)
def test_a_pair_that_failed_is_not_repeated_while_another_exists(
    avoid: dict[UUID, Pass], expected: object
) -> None:
    found = choose(MESSAGE, Candidates.of(PAIR), History(avoid=avoid), NOW)
    assert (found.sender if isinstance(found, Choice) else found.reason) == expected


def test_a_conversation_leaves_the_provider_that_is_down() -> None:
    history = History(sticky_sender_id=PAIR[0].id, avoid={A: Pass.PROVIDER_DOWN})
    found = choose(MESSAGE, Candidates.of(PAIR), history, NOW)
    assert isinstance(found, Choice)
    assert (found.sender, found.reason) == (PAIR[1], SelectionReason.HEALTHY_POOL)
    assert found.trace.passed[0].why is Pass.PROVIDER_DOWN


def test_whoever_named_a_sender_waits_for_its_provider() -> None:
    from dataclasses import replace

    named = replace(MESSAGE, sender_id=PAIR[0].id)
    found = choose(named, Candidates.of(PAIR), History(avoid={A: Pass.PROVIDER_DOWN}), NOW)
    assert isinstance(found, NoSender)
    assert found.reason is Lack.PROVIDER_DOWN
