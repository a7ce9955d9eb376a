"""When messages get through a limit, worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.foretelling import passed
from messaging.domain.rates import Distinct, Limit, Quota, Window

MIDNIGHT = datetime(2027, 1, 1, 8, tzinfo=UTC)
DAY = MIDNIGHT.timestamp()


def window(most: float, seconds: float = 1.0) -> Window:
    return Window("s:x", most, seconds)


def times(limit: Limit, load: Sequence[tuple[float, float]], scale: float = 1.0) -> list[float]:
    return [round(at, 6) for at in passed(limit, load, scale)]


@pytest.mark.parametrize(
    ("limit", "load", "expected"),
    [
        # as many as fit go at once, the next when these have left
        (window(2), [(0, 1)] * 5, [0, 0, 1, 1, 2]),
        (window(3, 60), [(0, 1)] * 4, [0, 0, 0, 60]),
        # half a segment a second cannot be used, nor the third of three
        (window(2.5), [(0, 1)] * 4, [0, 0, 1, 1]),
        (window(3), [(0, 2)] * 3, [0, 1, 2]),
        # longer than the limit: as long as the limit takes for it
        (window(0.5), [(0, 1)] * 3, [1, 3, 5]),
        (window(1), [(0, 3)] * 2, [2, 5]),
        # who comes later finds an empty window
        (window(1), [(0, 1), (0.5, 1), (10, 1)], [0, 1, 10]),
        (window(1), [], []),
        # a day's quota
        (Quota("b:x", 2, MIDNIGHT), [(DAY - 9, 1)] * 5, [DAY - 9] * 2 + [DAY] * 2 + [DAY + 86_400]),
        (Quota("b:x", 2, MIDNIGHT), [(DAY + 5, 1)] * 2, [DAY + 5] * 2),
        # people are counted by whoever chooses the sender
        (Distinct("d:x", 1, MIDNIGHT), [(3, 1)] * 2, [3, 3]),
    ],
)
def test_each_goes_as_soon_as_it_may(
    limit: Limit, load: list[tuple[float, float]], expected: list[float]
) -> None:
    assert times(limit, load) == expected


@pytest.mark.parametrize("scale", [2.0, 3.5, 40.0])
def test_one_for_many_takes_as_long_as_all_of_them(scale: float) -> None:
    few = times(window(4), [(0, 1)] * 100, scale)
    many = times(window(4), [(0, 1)] * round(100 * scale))
    assert few[-1] == pytest.approx(many[-1], abs=1)


def test_what_a_day_has_used_already_counts() -> None:
    quota = Quota("b:x", 3, MIDNIGHT)
    assert list(passed(quota, [(DAY - 1, 1)] * 2, spent=2)) == [DAY - 1, DAY]


COSTS = st.lists(st.integers(1, 4), min_size=1, max_size=60)


@given(COSTS, st.integers(4, 12), st.sampled_from([0.0, 0.1, 0.7]))
def test_no_second_is_overfull_and_nobody_is_early(
    costs: list[int], most: int, apart: float
) -> None:
    load = [(i * apart, float(cost)) for i, cost in enumerate(costs)]
    found = times(window(most), load)
    assert all(a <= b for a, b in pairwise(found))
    assert all(at >= asked - 1e-6 for at, (asked, _) in zip(found, load, strict=True))
    assert found[-1] <= load[-1][0] + 2 * sum(costs) / most + 2


def test_a_limit_holds_for_times_it_gave() -> None:
    found = times(window(7), [(i / 30, 1.0) for i in range(200)])
    assert all(later - at >= 1 - 1e-6 for at, later in zip(found, found[7:], strict=False))
    assert found[-1] < 30
