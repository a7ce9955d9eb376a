"""When a route opens, what a half-open one lets through, and how it closes again."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.breaker import (
    LIMITS,
    Budget,
    Circuit,
    heard,
    look_again,
    opened,
    probed,
    room,
    trips,
)

FIRST = Circuit(down_since=100.0, opened_at=100.0, until=105.0)


@pytest.mark.parametrize(
    ("seconds", "opens"),
    [
        ([], False),
        ([(0, 0)], False),
        ([(19, 19)], False),  # a handful says nothing
        ([(20, 9)], False),
        ([(20, 10)], True),
        ([(1000, 499)], False),
        ([(1000, 500)], True),
        ([(5, 3)] * 10, True),
        ([(100, 0)] * 8 + [(10, 10), (10, 10)], True),  # it was well until just now
        ([(100, 0)] * 8 + [(10, 8), (10, 9)], False),
        ([(100, 100)] + [(100, 0)] * 10, False),  # that was long ago
    ],
)
def test_a_circuit_opens_on_a_share_of_enough_calls(
    seconds: list[tuple[int, int]], opens: bool
) -> None:
    assert trips(seconds) is opens


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, Circuit(200.0, 200.0, 205.0, 1)),
        (FIRST, Circuit(100.0, 200.0, 210.0, 2)),
        (replace(FIRST, openings=2), Circuit(100.0, 200.0, 220.0, 3)),
        (replace(FIRST, openings=3), Circuit(100.0, 200.0, 230.0, 4)),
        (replace(FIRST, openings=99), Circuit(100.0, 200.0, 230.0, 100)),  # never longer
        (replace(FIRST, stage=2, probes=9, good=8), Circuit(100.0, 200.0, 210.0, 2)),
    ],
)
def test_each_opening_in_a_row_lasts_twice_as_long(before: Circuit | None, after: Circuit) -> None:
    assert opened(before, 200.0) == after


HALF = replace(FIRST, probes=1, probed_at=106.0)


@pytest.mark.parametrize(
    ("circuit", "now", "left"),
    [
        (FIRST, 104.9, 0),
        (FIRST, 105.0, 1),
        (HALF, 106.1, 0),
        (HALF, 135.9, 0),
        (HALF, 136.0, 1),  # its worker must be dead
        (replace(FIRST, stage=1, probes=2, probed_at=106.0), 106.1, 3),
        (replace(FIRST, stage=1, probes=5, good=2, bad=1, probed_at=106.0), 107.0, 0),
        (replace(FIRST, stage=1, probes=5, good=2, bad=1, probed_at=106.0), 136.0, 2),
        (replace(FIRST, stage=2), 106.0, 25),
    ],
)
def test_how_many_probes_go_through(circuit: Circuit, now: float, left: int) -> None:
    assert room(circuit, now) == left
    assert (probed(circuit, now) is None) == (left == 0)


@pytest.mark.parametrize(
    ("circuit", "good", "bad", "after"),
    [
        (FIRST, 1, 0, replace(FIRST, stage=1)),
        (
            replace(FIRST, stage=1, probes=5, good=2),
            1,
            0,
            replace(FIRST, stage=1, probes=5, good=3),
        ),
        (replace(FIRST, stage=1, probes=5, good=2), 3, 0, replace(FIRST, stage=2)),
        (replace(FIRST, stage=2, probes=25, good=24), 1, 0, None),
        (FIRST, 0, 1, Circuit(100.0, 107.0, 117.0, 2)),
        (replace(FIRST, stage=1, good=2, bad=1), 1, 1, replace(FIRST, stage=2)),  # two of five
        (replace(FIRST, stage=1, good=2, bad=1), 0, 2, Circuit(100.0, 107.0, 117.0, 2)),
        (replace(FIRST, stage=2, good=12, bad=12), 1, 0, None),
        (replace(FIRST, stage=2, good=12, bad=12), 0, 1, Circuit(100.0, 107.0, 117.0, 2)),
    ],
)
def test_what_probes_come_to(circuit: Circuit, good: int, bad: int, after: Circuit | None) -> None:
    assert heard(circuit, good, bad, 107.0) == after


def test_it_takes_thirty_one_good_probes_to_close() -> None:
    circuit: Circuit | None = FIRST
    let_through = 0
    while circuit is not None:
        taken = probed(circuit, 106.0)
        assert taken is not None
        let_through += 1
        circuit = heard(taken, 1, 0, 106.0)
    assert let_through == sum(LIMITS.probes)


@given(st.floats(0, 1e6), st.floats(0, 1, exclude_max=True), st.integers(1, 20))
def test_whoever_waits_looks_again_after_it_opens_and_within_a_minute(
    age: float, dice: float, openings: int
) -> None:
    now = 1e6
    circuit = replace(opened(replace(FIRST, openings=openings), now), down_since=now - age)
    wait = look_again(circuit, now, dice)
    assert circuit.until - now <= wait <= 60


@pytest.mark.parametrize(
    ("calls", "repeats", "left"),
    [(0, 0, 50), (60, 50, 0), (1000, 0, 200), (1000, 100, 80), (1200, 200, 0), (300, 250, 0)],
)
def test_repeats_are_a_share_of_what_is_no_repeat(calls: int, repeats: int, left: int) -> None:
    assert Budget().left(calls, repeats) == left


def test_a_provider_that_always_fails_one_in_six_comes_back_all_the_same() -> None:
    dice, closed = Random(1), 0
    for _ in range(200):
        circuit: Circuit | None = FIRST
        while circuit is not None and circuit.openings == 1:
            taken = probed(circuit, 106.0)
            assert taken is not None
            bad = int(dice.random() < 1 / 6)
            circuit = heard(taken, 1 - bad, bad, 106.0)
        closed += circuit is None
    assert closed > 120
