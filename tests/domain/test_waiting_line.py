"""How long those wait who join a line."""

from __future__ import annotations

import pytest

from messaging.domain.waiting_line import WaitingLine


@pytest.mark.parametrize(
    ("joined", "waits"),
    [
        # (when, at which pace) of each, and how long each of them waits
        ([(0, 10), (0, 10), (0, 10)], [0.1, 0.2, 0.3]),
        ([(0, 10), (0.1, 10), (0.2, 10)], [0.1, 0.1, 0.1]),  # each comes when the last has gone
        ([(0, 10), (0, 10), (0.1, 10)], [0.1, 0.2, 0.2]),
        ([(0, 10), (0, 10), (60, 10)], [0.1, 0.2, 0.1]),  # a line is never shorter than nobody
        ([(0, 10), (0, 10), (0, 1)], [0.1, 0.2, 3.0]),  # what they wait for has slowed down
        ([(0, 1)] * 3 + [(1, 100)], [1.0, 2.0, 3.0, 0.01]),  # or is as fast as ever again
    ],
)
def test_each_waits_for_those_before(joined: list[tuple[float, float]], waits: list[float]) -> None:
    line = WaitingLine()
    assert [line.join(now, pace) for now, pace in joined] == pytest.approx(waits)
