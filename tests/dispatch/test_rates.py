"""Who is granted, who is refused by which limit, and when to come again: decided in a real Redis."""

from __future__ import annotations

import heapq
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import redis

from messaging.domain.rates import Ask, Distinct, Grant, Limit, Need, Past, Quota, Spent, Window
from messaging.embedded import Servers
from messaging.rates import Rates, _log

MIDNIGHT = datetime.fromtimestamp(time.time() + 3600, UTC)
GONE = datetime.fromtimestamp(time.time() - 5, UTC)
W, V = Window("w", 10, 60), Window("v", 4, 60)
Q, D = Quota("q", 5, MIDNIGHT), Distinct("d", 2, MIDNIGHT)
OK = None


@pytest.fixture
def client(servers: Servers) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(servers.redis_url)
    made.flushdb()
    yield made
    made.close()


@pytest.fixture
def rates(client: redis.Redis) -> Rates:
    return Rates(client)


def one(cost: float = 1, *, urgent: bool = False, place: bool = False) -> Ask:
    return Ask([Need(0, cost)], urgent, place)


def both(first: float, second: float | None = None) -> Ask:
    return Ask([Need(0, first), Need(1, first if second is None else second)])


def who(*members: bytes, counted_only: bool = False) -> list[Ask]:
    return [Ask([Need(0, 1, member, counted_only)]) for member in members]


def ask(rates: Rates, limits: Sequence[Limit], asks: Sequence[Ask]) -> list[Grant]:
    return list(rates.reserve(limits, asks, Past).grants)


def waits(grants: Sequence[Grant]) -> list[float]:
    return [grant.wait.total_seconds() for grant in grants]


DECISIONS: dict[str, tuple[list[Limit], list[Ask], list[int | None]]] = {
    "as many as fit": ([W], [one(4), one(4), one(2), one(1)], [OK, OK, OK, 0]),
    "a short one waits behind a long one": ([W], [one(8), one(4), one(1)], [OK, 0, 0]),
    "an urgent one does not": ([W], [one(8), one(4), one(1, urgent=True)], [OK, 0, OK]),
    "nor one whose time has come": ([W], [one(8), one(4), one(1, place=True)], [OK, 0, OK]),
    "a long one that was refused at its time is waited for": (
        [W],
        [one(8), one(4, place=True), one(1, place=True), one(1, urgent=True)],
        [OK, 0, 0, OK],
    ),
    "longer than the window, alone": ([W], [one(12), one(1)], [OK, 0]),
    "longer than the window, not alone": ([W], [one(1), one(12)], [OK, 0]),
    "fractions": ([Window("f", 0.3, 60)], [one(0.1), one(0.1), one(0.1), one(0.1)], [OK] * 3 + [0]),
    "a quota": ([Q], [one(3), one(3), one(2), one(1)], [OK, 0, OK, 0]),
    "longer than a quota": ([Q], [one(6), one(5)], [0, OK]),
    "a quota that is over": ([Quota("old", 5, GONE)], [one(1)], [0]),
    "all or nothing": ([W, V], [both(3), both(3), both(1)], [OK, 1, 1]),
    "others go on": (
        [W, V],
        [Ask([Need(1, 5)]), Ask([Need(1, 1)]), Ask([Need(0, 10)])],
        [OK, 1, OK],
    ),
    "the latest is named": ([V, Q], [both(4), both(2)], [OK, 1]),
    "members": ([D], who(b"a", b"b", b"c", b"a", b"b"), [OK, OK, 0, OK, OK]),
    "members that are only counted": (
        [D],
        [*who(b"a", b"b", b"c", counted_only=True), *who(b"d", b"c")],
        [OK, OK, OK, 0, OK],
    ),
    "segments that are only counted": (
        [Q],
        [one(5), Ask([Need(0, 2, counted_only=True)]), one(1)],
        [OK, OK, 0],
    ),
    "no needs": ([W], [Ask([])], [OK]),
    "nothing allowed": ([Quota("none", 0, MIDNIGHT)], [one()], [0]),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_decisions(rates: Rates, name: str) -> None:
    limits, asks, expected = DECISIONS[name]
    grants = ask(rates, limits, asks)
    assert [grant.refused_by for grant in grants] == expected
    assert [grant.granted for grant in grants] == [by is None for by in expected]
    assert all((grant.wait > timedelta()) == (not grant.granted) for grant in grants)


@pytest.mark.parametrize("name", DECISIONS)
def test_decisions_are_the_same_in_calls_of_their_own(rates: Rates, name: str) -> None:
    limits, asks, expected = DECISIONS[name]
    assert [ask(rates, limits, [each])[0].refused_by for each in asks] == expected


def test_who_is_refused_has_taken_nothing(rates: Rates) -> None:
    limits: list[Limit] = [W, Q, D]
    full = Ask([Need(0, 5), Need(1, 5), Need(2, 1, b"a")])
    assert ask(rates, limits, [full, full])[1].refused_by == 1
    assert ask(rates, limits, [Ask([Need(0, 5)])])[0].granted
    found = rates.reserve(limits, [Ask([Need(1, 9), Need(2, 1, b"b")])], Past)
    assert (found.usage.spent, found.usage.members) == ({}, {})
    assert ask(rates, limits, [Ask([Need(2, 1, b"c")])])[0].granted


def test_usage_is_what_was_granted_at_the_time_of_redis(rates: Rates, client: redis.Redis) -> None:
    asks = [
        Ask([Need(0, cost), Need(1, 1, name)]) for cost, name in ((3, b"a"), (4, b"a"), (9, b"b"))
    ]
    before = client.time()
    usage = rates.reserve([W, D], asks, Past).usage
    assert usage.spent == {"w": 7}
    assert usage.members == {"d": {b"a"}}
    moments = [datetime.fromtimestamp(s + us / 1e6, UTC) for s, us in (before, client.time())]
    assert moments[0] - timedelta(microseconds=2) <= usage.at <= moments[1]


def test_the_refused_stand_in_line_at_a_little_more_than_the_rate(rates: Rates) -> None:
    ask(rates, [W], [one(10)])
    refused = ask(rates, [W], [one()] * 20)
    times = waits(refused)
    assert 59 < times[0] <= 60.1
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[:9] == pytest.approx([6 / 1.05] * 9, abs=0.001)
    # What the first ten will have taken is not there for the others until a minute later.
    assert times[19] >= times[0] + 19 * 6 / 1.05 - 0.01
    assert all(grant.place for grant in refused)


def test_the_urgent_are_told_when_the_window_itself_has_room(rates: Rates) -> None:
    ask(rates, [W], [one(4), one(6), *[one()] * 50])
    first, second = ask(rates, [W], [one(urgent=True)] * 2)
    assert timedelta(seconds=59) < first.wait == second.wait <= timedelta(seconds=60.1)
    assert not first.place


def test_a_message_longer_than_a_window_fills_it_for_as_long_as_it_takes(rates: Rates) -> None:
    assert ask(rates, [W], [one(25)])[0].granted
    assert ask(rates, [W], [Ask([Need(0, 1, counted_only=True)])])[0].granted
    for _ in range(2):
        (refused,) = ask(rates, [W], [one(urgent=True)])
        assert 149 < refused.wait.total_seconds() <= 150.2


def test_a_line_is_ten_minutes_long_and_who_comes_later_comes_scattered(rates: Rates) -> None:
    slow = Window("slow", 1, 60)
    ask(rates, [slow], [one()])
    refused = ask(rates, [slow], [one()] * 400)
    placed = [grant.wait.total_seconds() for grant in refused if grant.place]
    others = [grant.wait.total_seconds() for grant in refused if not grant.place]
    assert (len(placed), max(placed) <= 600) == (10, True)
    assert placed == sorted(placed)
    shares = [sum(300 + 30 * n <= wait < 330 + 30 * n for wait in others) for n in range(10)]
    assert sum(shares) == len(others) == 390
    assert min(shares) > 30


def test_nobody_is_told_to_come_before_there_can_be_room(rates: Rates) -> None:
    rare = Window("person", 1, 86_400)
    first, *refused = ask(rates, [rare], [one()] * 5)
    assert first.granted
    assert all(wait > 86_390 for wait in waits(refused))


def test_a_quota_and_a_set_are_waited_for_until_their_end(rates: Rates) -> None:
    for limit, asks in ((Q, [one(5), one()]), (D, who(b"a", b"b", b"c"))):
        refused = ask(rates, [limit], asks)[-1]
        assert 3000 < refused.wait.total_seconds() <= 3600
        assert not refused.place


def test_who_comes_when_told_goes_and_newcomers_stay_behind(rates: Rates) -> None:
    second = Window("second", 2, 1)
    granted, _, told, later = ask(rates, [second], [one()] * 4)
    assert granted.granted
    time.sleep(told.wait.total_seconds() + 0.005)
    newcomer, placed = ask(rates, [second], [one(), one(place=True)])
    assert (newcomer.refused_by, newcomer.place, placed.granted) == (0, True, True)
    assert newcomer.wait.total_seconds() > (later.wait - told.wait).total_seconds() - 0.1


def test_a_line_nobody_comes_from_is_forgotten(rates: Rates) -> None:
    quick = Window("quick", 10, 0.2)
    grants = ask(rates, [quick], [one()] * 1000)
    assert max(waits(grants)) > 15
    time.sleep(0.2 + 0.04 + 0.01)
    assert all(grant.granted for grant in ask(rates, [quick], [one()] * 10))


@pytest.mark.parametrize("cost", [5, 10, 12])
def test_a_long_message_gets_through_between_short_ones(rates: Rates, cost: int) -> None:
    quick, begun, rng = Window("quick", 10, 0.2), time.monotonic(), random.Random(cost)
    waiting = [(begun, n, one()) for n in range(20)] + [(begun, 20, one(cost))]
    times = 0
    while times < 3:
        assert time.monotonic() < begun + 5
        due, n, each = heapq.heappop(waiting)
        time.sleep(max(due - time.monotonic(), 0))
        (grant,) = ask(rates, [quick], [each])
        times += grant.granted and n == 20
        # Whoever comes a little late leaves room that a short one can use and the long one cannot.
        due = time.monotonic() + grant.wait.total_seconds() + 0.01 * rng.random()
        heapq.heappush(waiting, (due, n, each._replace(place=grant.place)))


def test_counters_go_by_themselves_and_are_ours(rates: Rates, client: redis.Redis) -> None:
    limits: list[Limit] = [Window("s", 1, 0.1), W, Q, D]
    ask(rates, limits, [Ask([Need(0), Need(1), Need(2), Need(3, 1, b"a")])])
    keys = {
        str(key, "ascii"): client.pttl(key) for key in client.keys("*") if isinstance(key, bytes)
    }
    assert all(key.startswith("posthorn:rate") for key in keys)
    assert keys.pop("posthorn:rates:kept") == -1
    assert {key for key, left in keys.items() if left <= 0} == set()
    assert keys["posthorn:rate:s"] < 3000


def test_a_window_is_no_longer_than_a_thousand_entries(rates: Rates, client: redis.Redis) -> None:
    quick = Window("quick", 100_000, 0.2)
    ends = time.monotonic() + 0.5
    while time.monotonic() < ends:
        assert ask(rates, [quick], [one()])[0].granted
    assert client.strlen("posthorn:rate:quick") <= 48 + 16 * 1105


def test_a_clock_that_was_set_back_closes_a_window_for_its_length_only(
    rates: Rates, client: redis.Redis
) -> None:
    ask(rates, [W], [Ask([])])
    hour_ahead = datetime.fromtimestamp(time.time() + 3600, UTC)
    client.set("posthorn:rate:w", _log([Spent("w", 60, hour_ahead, 10)], 60_000_000))
    (refused,) = ask(rates, [W], [one()])
    assert not refused.granted
    assert refused.wait <= timedelta(seconds=60.1)


@pytest.mark.parametrize(("most", "seconds"), [(0, 1), (-1, 1), (1, 0)])
def test_a_window_lets_something_through(most: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="within some time"):
        Window("never", most, seconds)
