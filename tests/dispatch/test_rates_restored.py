"""Redis forgets or is away: what is restored, who waits meanwhile, and what stays closed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from messaging.domain.rates import (
    Ask,
    Distinct,
    Grant,
    Limit,
    Need,
    Past,
    Quota,
    Reservation,
    Spent,
    Window,
)
from messaging.embedded import Servers
from messaging.rates import Rates

MIDNIGHT = datetime.fromtimestamp(time.time() + 3600, UTC)
LIMITS: list[Limit] = [
    Window("w", 10, 60),
    Quota("q", 20, MIDNIGHT),
    Distinct("d", 3000, MIDNIGHT),
]
SENT = Ask([Need(0, 2), Need(1, 2), Need(2, 1, b"a")])


@pytest.fixture
def client(servers: Servers) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(servers.redis_url)
    made.flushdb()
    yield made
    made.close()


@pytest.fixture
def nobody() -> Iterator[redis.Redis]:
    with socket.socket() as bound:  # bound and not listening: nobody answers there, for sure
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with redis.Redis(host="127.0.0.1", port=port, retry=Retry(NoBackoff(), 0)) as made:
            yield made


class Journal:
    """What was granted, as a caller writes it down."""

    def __init__(self) -> None:
        self.rows: list[Reservation] = []
        self.read = 0

    def add(self, found: Reservation) -> Reservation:
        self.rows.append(found)
        return found

    def past(self) -> Past:
        self.read += 1
        usages = [row.usage for row in self.rows]
        return Past(
            [Spent("w", 60, u.at, u.spent["w"]) for u in usages if "w" in u.spent],
            {"q": (MIDNIGHT, sum(u.spent.get("q", 0) for u in usages))},
            {"d": (MIDNIGHT, set[bytes]().union(*(u.members.get("d", ()) for u in usages)))},
        )


@pytest.mark.parametrize("lost", ["all", "the marker", "another run"])
def test_what_redis_lost_is_restored_from_what_was_written_down(
    client: redis.Redis, lost: str
) -> None:
    rates, journal = Rates(client), Journal()
    for _ in range(3):
        journal.add(rates.reserve(LIMITS, [SENT], journal.past))
    assert journal.read == 1
    if lost == "all":
        client.flushall()
    elif lost == "the marker":
        client.delete("posthorn:rates:kept")
    else:
        client.set("posthorn:rates:kept", "of a Redis that was started again")
    again = journal.add(rates.reserve(LIMITS, [SENT, SENT, SENT], journal.past))
    assert journal.read == 2
    assert [grant.refused_by for grant in again.grants] == [None, None, 0]
    # Twenty of the quota are ten and ten more, and the window frees what it held at its own time.
    assert 50 < again.grants[2].wait.total_seconds() < 60.1
    rest = rates.reserve(LIMITS, [Ask([Need(1, 10)]), Ask([Need(1, 1)])], journal.past)
    assert [grant.granted for grant in rest.grants] == [True, False]
    assert client.scard("posthorn:rate:d") == 1


def test_meanwhile_the_others_wait_for_a_moment_and_keep_their_places(client: redis.Redis) -> None:
    other, seen = Rates(client), list[Grant]()

    def past() -> Past:
        asks = [SENT, SENT._replace(place=True)]
        found = other.reserve(LIMITS, asks, lambda: pytest.fail("two restored"))
        seen.extend(found.grants)
        assert (found.usage.spent, found.usage.members) == ({}, {})
        return Past()

    assert Rates(client).reserve(LIMITS, [SENT], past).grants[0].granted
    assert [grant.wait for grant in seen] == [timedelta(milliseconds=50)] * 2
    assert [(g.granted, g.refused_by, g.place) for g in seen] == [
        (False, None, False),
        (False, None, True),
    ]


def test_a_past_that_cannot_be_read_is_read_by_the_next(client: redis.Redis) -> None:
    rates = Rates(client)

    def away() -> Past:
        raise ConnectionError("Postgres is away")

    with pytest.raises(ConnectionError):
        rates.reserve(LIMITS, [SENT], away)
    assert rates.reserve(LIMITS, [SENT], Past).grants[0].granted


@pytest.mark.parametrize("gone", ["flushed", "taken over"])
def test_a_past_that_may_be_too_old_is_not_used(client: redis.Redis, gone: str) -> None:
    rates = Rates(client)

    def late() -> Past:
        if gone == "flushed":
            client.flushall()
        else:
            client.set("posthorn:rates:restoring", "another")
        return Past()

    assert not rates.reserve(LIMITS, [SENT], late).grants[0].granted
    assert not client.exists("posthorn:rates:kept")
    client.flushall()
    assert rates.reserve(LIMITS, [SENT], Past).grants[0].granted


def test_nobody_restores_what_somebody_faster_has_restored(client: redis.Redis) -> None:
    rates = Rates(client)
    rates.reserve(LIMITS, [SENT], Past)
    assert rates._restore(lambda: pytest.fail("read again"))
    assert not client.exists("posthorn:rates:restoring")


def test_many_members_and_many_calls_are_restored(client: redis.Redis) -> None:
    now = datetime.fromtimestamp(time.time(), UTC)
    past = Past(
        [Spent("w", 60, now - timedelta(milliseconds=n), 0.002) for n in range(4000)],
        {},
        {"d": (MIDNIGHT, [n.to_bytes(8, "big") for n in range(2999)])},
    )
    asks = [
        Ask([Need(0, 3), Need(2, 1, b"a")]),
        Ask([Need(2, 1, b"b")]),
        Ask([Need(0, 2)], urgent=True),
    ]
    found = Rates(client).reserve(LIMITS, asks, lambda: past)
    assert [grant.refused_by for grant in found.grants] == [0, None, None]


def test_without_redis_what_guards_is_closed(nobody: redis.Redis) -> None:
    limits: list[Limit] = [Window("w", 80, 1), Window("c", 80, 1, guards=True), LIMITS[1]]
    asks = [Ask([Need(0), Need(n)]) for n in (1, 2)]
    counted = Ask([Need(0), Need(1, counted_only=True)])
    found = Rates(nobody).reserve(limits, [*asks, counted], Past)
    assert [g.refused_by for g in found.grants] == [1, 2, None]
    assert [g.wait for g in found.grants[:2]] == [timedelta(seconds=1)] * 2
    assert found.usage.spent == {"w": 1, "c": 1}


def test_without_redis_a_process_uses_an_eighth_of_a_rate(nobody: redis.Redis) -> None:
    rates, quick = Rates(nobody), [Window("w", 80, 1), Window("v", 800, 1)]
    asks = [Ask([Need(0), Need(1)]), Ask([Need(0)]), Ask([Need(0)]), Ask([Need(1)])]
    found = rates.reserve(quick, [*asks, Ask([Need(0)], urgent=True)], Past).grants
    assert [g.refused_by for g in found] == [None, 0, 0, 1, 0]
    assert [g.wait.total_seconds() for g in found[1:]] == pytest.approx(
        [0.1, 0.2, 0.01, 0.1], abs=1e-4
    )
    granted, begun = 0, time.monotonic()
    while time.monotonic() < begun + 0.5:
        granted += rates.reserve(quick, [Ask([Need(0)])], Past).grants[0].granted
        time.sleep(0.01)
    assert 3 <= granted <= 5


def test_without_redis_nobody_is_sent_away_for_more_than_ten_seconds(nobody: redis.Redis) -> None:
    slow = [Window("w", 8, 2)]
    found = Rates(nobody).reserve(slow, [Ask([Need(0)])] * 100, Past).grants
    waits = [grant.wait.total_seconds() for grant in found]
    assert waits[:6] == pytest.approx([0, 2, 4, 6, 8, 10], abs=0.001)
    assert all(5 <= wait <= 10 for wait in waits[7:])


def test_no_asks_ask_nobody(nobody: redis.Redis) -> None:
    at = datetime(2026, 3, 4, tzinfo=UTC)
    found = Rates(nobody, lambda: at).reserve(LIMITS, [], Past)
    assert (found.grants, found.usage.at) == ((), at)
