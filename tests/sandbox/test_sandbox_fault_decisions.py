from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from messaging.sandbox.create import Create
from messaging.sandbox.faultbook import FaultBook
from messaging.sandbox.faults import (
    CALM,
    PLAIN,
    RULES,
    Answer,
    Fate,
    Plan,
    Rates,
    Refusal,
    by_suffix,
    changed,
    decide,
    draws,
    latency,
)

ACCOUNT = "AC" + "0" * 32
OTHER = "AC" + "1" * 32


def asked(to: str = "+12025550123", m: str | None = "m1", e: str | None = "1") -> Create:
    return Create(to, "+12025550100", None, "hello", 0, "", m, e)


def plans(rates: Rates, seed: int, count: int = 4000) -> list[Plan]:
    return [decide(rates, PLAIN, draws(seed, f"message {i}")) for i in range(count)]


def test_draws_depend_on_every_argument_and_on_nothing_else() -> None:
    assert draws(1, "a", "b") == draws(1, "a", "b")
    assert len({draws(1, "a", "b"), draws(2, "a", "b"), draws(1, "ab", ""), draws(1, "a")}) == 4
    assert all(0.0 <= number < 1.0 for number in draws(7, "x"))


@pytest.mark.parametrize(
    "name",
    [
        "rate_429",
        "rate_500",
        "rate_500_accepted",
        "rate_lost",
        "rate_drop",
        "rate_undelivered",
        "rate_duplicate_receipts",
        "rate_reorder_receipts",
        "rate_early_receipt",
        "rate_no_receipt",
    ],
)
def test_a_rate_strikes_its_share_and_nothing_else(name: str) -> None:
    found = plans(changed(CALM, {name: 0.1}), seed=3)
    struck = [plan for plan in found if plan.names]
    assert 320 < len(struck) < 480
    assert {plan.names for plan in struck} == {(name,)}
    assert all(plan == PLAIN for plan in found if not plan.names)
    assert all(plan._replace(names=()) != PLAIN for plan in struck)


def test_rates_strike_independently() -> None:
    rates = Rates(rate_undelivered=0.5, rate_no_receipt=0.5)
    both = Counter(len(plan.names) for plan in plans(rates, seed=4))
    assert 900 < both[2] < 1100
    assert 900 < both[0] < 1100


def test_latency_has_the_mean_it_was_given_and_a_tail() -> None:
    rates = Rates(latency=0.15, latency_spread=0.5, tail_rate=0.01, tail_latency=2.0)
    found = [latency(rates, draws(5, str(i))) for i in range(8000)]
    tail = [seconds for seconds in found if seconds == 2.0]
    body = [seconds for seconds in found if seconds != 2.0]
    assert 50 < len(tail) < 115
    assert 0.14 < sum(body) / len(body) < 0.16
    assert min(body) < 0.08
    assert max(body) > 0.25


def test_latency_without_spread_is_constant() -> None:
    assert {latency(Rates(latency=0.15), draws(1, str(i))) for i in range(50)} == {0.15}


@pytest.mark.parametrize(
    ("suffix", "refused", "expected"),
    [
        ("0123", 0, PLAIN),
        ("0190", 0, Plan(delay=2.0)),
        ("0191", 0, Plan(refusal=Refusal.RATE_LIMITED)),
        ("0191", 1, Plan(refusal=Refusal.RATE_LIMITED)),
        ("0191", 2, PLAIN),
        ("0192", 0, Plan(refusal=Refusal.INTERNAL)),
        ("0192", 1, PLAIN),
        ("0193", 0, Plan(answer=Answer.NOTHING)),
        ("0194", 0, Plan(fate=Fate.UNREACHABLE)),
        ("0195", 0, Plan(early=True)),
        ("0196", 0, Plan(duplicate=True, reverse=True)),
        ("0197", 0, Plan(silent=True)),
        ("0198", 0, Plan(hold=30.0)),
        ("0199", 9, Plan(refusal=Refusal.UNSUBSCRIBED)),
    ],
)
def test_the_last_four_digits_choose_the_fault(suffix: str, refused: int, expected: Plan) -> None:
    assert by_suffix(suffix, refused)._replace(names=()) == expected


def test_every_rule_can_be_reached_by_a_fictional_number() -> None:
    assert set(RULES) == {f"019{digit}" for digit in range(10)}


def test_rates_are_laid_over_the_rule_of_the_suffix() -> None:
    rates = Rates(latency=0.1, rate_drop=1.0, rate_429=1.0, rate_reorder_receipts=1.0)
    draw = draws(1, "x")
    assert decide(rates, by_suffix("0194", 0), draw).refusal is Refusal.RATE_LIMITED
    assert decide(rates, by_suffix("0199", 0), draw).refusal is Refusal.UNSUBSCRIBED
    dropped = decide(rates, by_suffix("0193", 0), draw)
    assert (dropped.refusal, dropped.answer) == (None, Answer.NOTHING)
    calm = replace(rates, rate_429=0.0)
    plan = decide(calm, by_suffix("0190", 0), draw)
    assert (plan.delay, plan.answer, plan.reverse) == (2.0, Answer.NOTHING, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate_drop": 1.1},
        {"rate_drop": -0.1},
        {"latency": -1},
        {"latency": float("nan")},
        {"latency": "150ms"},
        {"rate_drop": True},
        {"rate_rain": 0.5},
    ],
)
def test_a_bad_rate_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        changed(CALM, changes)


def test_one_message_is_refused_as_often_as_its_rule_says() -> None:
    book = FaultBook(1, CALM, (ACCOUNT,))
    to = "+12025550191"
    refusals = [
        book.plan(ACCOUNT, asked(to, m, str(epoch)), b"hash").refusal is not None
        for m in ("m1", "m2")
        for epoch in range(3)
    ]
    assert refusals == [True, True, False] * 2
    assert book.struck == {"rate_429": 4}


def test_a_repeat_draws_anew_with_or_without_an_epoch() -> None:
    book = FaultBook(1, Rates(rate_429=0.5), (ACCOUNT,))
    by_epoch = {book.plan(ACCOUNT, asked(e=str(n)), b"h").refusal for n in range(20)}
    by_count = {book.plan(ACCOUNT, asked(m=None, e=None), b"h").refusal for n in range(20)}
    assert by_epoch == by_count == {None, Refusal.RATE_LIMITED}
    same = {book.plan(ACCOUNT, asked(e="1"), b"h").refusal for _ in range(20)}
    assert len(same) == 1


def test_one_account_can_suffer_beside_a_healthy_one() -> None:
    book = FaultBook(1, Rates(latency=0.1), (ACCOUNT, OTHER))
    book.change(ACCOUNT, {"latency": 30}, reset=False)
    book.change(None, {"rate_no_receipt": 1.0}, reset=False)
    assert book.plan(ACCOUNT, asked(), b"h").delay == 30
    assert book.plan(OTHER, asked(), b"h").delay == 0.1
    assert book.plan(ACCOUNT, asked(), b"h").silent
    book.change(ACCOUNT, {}, reset=True)
    assert book.plan(ACCOUNT, asked(), b"h").delay == 0.1
    book.change(None, {}, reset=True)
    assert book.plan(OTHER, asked(), b"h") == PLAIN
    with pytest.raises(KeyError):
        book.change("AC" + "2" * 32, {"latency": 1}, reset=False)
