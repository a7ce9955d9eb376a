"""The guard against toll fraud: shares of a rolling hour, in a real Redis, under a moved clock."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from messaging.embedded import Servers
from messaging.velocity import Shares, Velocity, prefix_of

NOON = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def client(servers: Servers) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(servers.redis_url)
    made.flushdb()
    yield made
    made.close()


@pytest.fixture
def velocity(client: redis.Redis) -> Velocity:
    return Velocity(client)


def abroad(prefix: str = "+4474", *, total: int = 1000, each: int = 200) -> Shares:
    return (("t:abroad", total), (f"t:{prefix}", each))


def test_as_many_as_the_limit_go_within_an_hour(velocity: Velocity) -> None:
    waits = velocity.take([abroad(each=3)] * 5, NOON)
    assert waits[:3] == [0.0, 0.0, 0.0]
    assert all(wait > 0 for wait in waits[3:])
    assert velocity.take([abroad(each=3)], NOON + HOUR - MINUTE)[0] > 0
    assert velocity.take([abroad(each=3)] * 4, NOON + HOUR + MINUTE)[:3] == [0.0, 0.0, 0.0]


def test_a_message_counts_against_all_of_its_shares_or_none(velocity: Velocity) -> None:
    first = velocity.take([abroad("+447", each=1), abroad("+447", each=1)], NOON)
    assert (first[0], first[1] > 0) == (0.0, True)
    # The refused one has taken nothing of the total: one of two is left.
    assert velocity.take([abroad("+33", total=2), abroad("+34", total=2)], NOON)[0] == 0.0
    assert velocity.take([abroad("+35", total=2)], NOON)[0] > 0


def test_the_wait_is_as_long_as_it_takes_for_shares_to_come_back(velocity: Velocity) -> None:
    velocity.take([abroad(each=2)], NOON)
    velocity.take([abroad(each=2)], NOON + 10 * MINUTE)
    asked_at = NOON + 20 * MINUTE
    first, second = velocity.take([abroad(each=2)] * 2, asked_at)
    # 12:00:30 comes back at 13:01:00, 12:10:30 at 13:11:00.
    assert (first, second) == (40 * 60 + 30, 50 * 60 + 30)
    just_before, then = (asked_at + timedelta(seconds=first + s) for s in (-0.5, 0.0))
    assert velocity.take([abroad(each=2)], just_before)[0] == pytest.approx(0.5)
    assert velocity.take([abroad(each=2)], then) == [0.0]


def test_a_limit_of_nought_lets_nothing_through(velocity: Velocity) -> None:
    assert velocity.take([abroad(each=0), abroad(total=0)], NOON) == [3660.0, 3660.0]


def test_messages_at_home_are_not_counted(velocity: Velocity, client: redis.Redis) -> None:
    assert velocity.take([(), abroad(each=1), (), abroad(each=1)], NOON)[:3] == [0.0, 0.0, 0.0]
    client.flushdb()
    assert velocity.take([(), ()], NOON) == [0.0, 0.0]
    assert velocity.take([], NOON) == []
    assert client.dbsize() == 0


def test_counters_go_by_themselves_and_hold_no_more_than_an_hour(
    velocity: Velocity, client: redis.Redis
) -> None:
    for n in range(90):
        velocity.take([abroad()], NOON + n * MINUTE)
    for key in client.keys("*"):
        assert client.hlen(key) <= 63
        assert 0 < client.ttl(key) <= 3660


def test_without_redis_nothing_goes_abroad() -> None:
    with socket.socket() as bound:  # bound and not listening: nobody answers there, for sure
        bound.bind(("127.0.0.1", 0))
        with redis.Redis(port=bound.getsockname()[1], socket_connect_timeout=0.2) as nobody:
            velocity = Velocity(nobody)
            assert velocity.take([abroad(), (), abroad()], NOON) == [30.0, 0.0, 30.0]


@pytest.mark.parametrize("seed", range(5))
def test_no_hour_holds_more_than_the_limit_and_none_waits_needlessly(
    velocity: Velocity, seed: int
) -> None:
    rng = random.Random(seed)
    limits = {"t:abroad": 12, "t:a": 5, "t:b": 7, "t:c": 3}
    granted: dict[str, list[datetime]] = {key: [] for key in limits}
    now = NOON
    for _ in range(150):
        now += timedelta(seconds=rng.choice([0.2, 5, 61, 600]))
        rows: list[Shares] = [
            (("t:abroad", 12), (key, limits[key]))
            for key in rng.choices(["t:a", "t:b", "t:c"], k=rng.randint(1, 4))
        ]
        for row, wait in zip(rows, velocity.take(rows, now), strict=True):
            held = {key: sum(now - at < HOUR + MINUTE for at in granted[key]) for key, _ in row}
            if any(held[key] >= limit for key, limit in row):
                # Within the last minute of the 61 either answer is right.
                within = {key: sum(now - at < HOUR for at in granted[key]) for key, _ in row}
                assert wait > 0 or all(within[key] < limit for key, limit in row)
            else:
                assert wait == 0.0
            if wait == 0.0:
                for key, _ in row:
                    granted[key].append(now)
    for key, times in granted.items():
        assert len(times) > limits[key]
        for at in times:
            assert sum(at <= other < at + HOUR for other in times) <= limits[key]


PREFIXES = [
    ("+12425550123", "+1242"),
    ("+447400000123", "+44740"),
    ("+5511955550123", "+55119"),
    ("+3725550123", "+372555"),
    ("+2904123", "+290"),
    ("", ""),
]


@pytest.mark.parametrize(("e164", "prefix"), PREFIXES)
def test_a_range_is_the_calling_code_and_three_digits_never_the_number(
    e164: str, prefix: str
) -> None:
    assert prefix_of(e164) == prefix
