"""Frequency caps: a table of windows, and what holds for any history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.compliance.caps import free_at

NOW = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
Caps = list[tuple[str, int, int]]

DAILY = ("daily", 3, 24)
WEEKLY = ("weekly", 4, 168)


def ago(*hours: float) -> list[datetime]:
    return [NOW - timedelta(hours=h) for h in hours]


@pytest.mark.parametrize(
    ("recent", "caps", "expected"),
    [
        ([], [DAILY], None),
        (ago(1, 2), [DAILY], None),
        (ago(1, 2, 3), [], None),
        (ago(3, 2, 1), [DAILY], (NOW + timedelta(hours=21), "daily")),
        # In any order, and with more than the limit in the window: the third newest decides.
        (ago(1, 3, 2, 20), [DAILY], (NOW + timedelta(hours=21), "daily")),
        # Exactly a window ago no longer counts; a microsecond less does.
        (ago(24, 2, 1), [DAILY], None),
        ([NOW - timedelta(hours=24) + TICK, *ago(2, 1)], [DAILY], (NOW + TICK, "daily")),
        # Under the daily cap, at the weekly one.
        (ago(100, 50, 30, 1), [DAILY, WEEKLY], (NOW + timedelta(hours=68), "weekly")),
        # At both: the later decides, whichever is named first.
        (ago(160, 3, 2, 1), [DAILY, WEEKLY], (NOW + timedelta(hours=21), "daily")),
        (ago(100, 3, 2, 1), [WEEKLY, DAILY], (NOW + timedelta(hours=68), "weekly")),
        # As late as each other: the first.
        (ago(1), [("a", 1, 2), ("b", 1, 2)], (NOW + timedelta(hours=1), "a")),
        # What is dated ahead counts.
        ([NOW + timedelta(hours=1)], [("one", 1, 2)], (NOW + timedelta(hours=3), "one")),
        # Sent twice in the same instant: both leave the window at once.
        (ago(1, 1), [("one", 1, 2)], (NOW + timedelta(hours=1), "one")),
    ],
)
def test_a_message_waits_until_every_window_has_room(
    recent: list[datetime], caps: Caps, expected: tuple[datetime, str] | None
) -> None:
    assert free_at(recent, caps, NOW) == expected


@pytest.mark.parametrize("cap", [("never", 0, 24), ("no window", 1, 0), ("negative", -1, 24)])
def test_a_cap_that_nothing_could_meet_is_refused(cap: tuple[str, int, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        free_at([], [cap], NOW)


moments = st.timedeltas(min_value=timedelta(days=-31), max_value=timedelta(minutes=5))
histories = st.lists(moments.map(NOW.__add__), max_size=30)
many_caps = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 6), st.integers(1, 31 * 24)),
    max_size=4,
)


def fits(recent: Sequence[datetime], caps: Caps, at: datetime) -> bool:
    """The definition, counted out."""
    return all(
        sum(sent > at - timedelta(hours=hours) for sent in recent) < limit
        for _, limit, hours in caps
    )


@given(histories, many_caps)
def test_it_fits_at_the_instant_and_not_a_microsecond_before(
    recent: list[datetime], caps: Caps
) -> None:
    found = free_at(recent, caps, NOW)
    if found is None:
        assert fits(recent, caps, NOW)
        return
    at, rule = found
    assert at > NOW
    assert rule in {name for name, _, _ in caps}
    assert free_at(recent, caps, at) is None
    assert fits(recent, caps, at)
    before = free_at(recent, caps, at - TICK)
    assert before == (at, rule)
    assert not fits(recent, caps, at - TICK)


@given(histories, many_caps)
def test_the_order_of_history_changes_nothing(recent: list[datetime], caps: Caps) -> None:
    assert free_at(recent[::-1], caps, NOW) == free_at(recent, caps, NOW)


@given(st.lists(moments.map(NOW.__add__), max_size=12), many_caps)
def test_sending_whenever_it_says_never_exceeds_a_cap(recent: list[datetime], caps: Caps) -> None:
    sent, now = list(recent), NOW + timedelta(minutes=5)
    for _ in range(8):
        found = free_at(sent, caps, now)
        now = found[0] if found else now
        sent.append(now)
        for _, limit, hours in caps:
            window = [t for t in sent if t > now - timedelta(hours=hours)]
            assert len(window) <= limit
