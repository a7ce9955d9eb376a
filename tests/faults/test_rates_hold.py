"""Does a rate hold? Eight processes that always have more, one limit of ten a second, and a Redis that forgets.

POSTHORN_TEST_RATE_SECONDS=60 runs it for a minute instead of six seconds. What was granted is read from
the journal, which has the times by Redis' clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

import pytest
import redis
import sqlalchemy as sa
from redis.backoff import NoBackoff
from redis.retry import Retry

from messaging import store
from messaging.domain.rates import Ask, Need, Past, Spent, Window
from messaging.embedded import Servers
from messaging.rates import Rates
from tests.conftest import NewDatabase

WORKERS = 8
MOST = 10
LIMIT = Window("account", MOST, 1.0)
SECONDS = float(os.environ.get("POSTHORN_TEST_RATE_SECONDS", "6"))
TOLERANCE = 0.01 if SECONDS >= 60 else 0.04
JOURNAL = "CREATE TABLE spent (at timestamptz NOT NULL, cost float NOT NULL)"

pytestmark = [pytest.mark.fault, pytest.mark.timeout(SECONDS + 60)]


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.25, retry=Retry(NoBackoff(), 0))


def past(db: sa.Connection) -> Past:
    """What was granted in the last seconds; everybody else's transaction has ended by then."""
    db.execute(sa.text("SELECT pg_advisory_xact_lock(1)"))
    rows = db.execute(
        sa.text("SELECT at, cost FROM spent WHERE at > clock_timestamp() - interval '2 s'")
    )
    return Past([Spent(LIMIT.key, LIMIT.seconds, at, cost) for at, cost in rows])


def work(database_url: str, redis_url: str) -> None:
    """Send one message after the other until stopped; one that is refused comes at the time it was told."""
    rates = Rates(client(redis_url))
    with sa.create_engine(store.driver_url(database_url)).connect() as db:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        place = False
        while True:
            with db.begin():
                # Says that something may have been granted that is not written down yet.
                db.execute(sa.text("SELECT pg_advisory_xact_lock_shared(1)"))
                found = rates.reserve([LIMIT], [Ask([Need(0)], place=place)], lambda: past(db))
                grant = found.grants[0]
                if grant.granted:
                    db.execute(sa.text("INSERT INTO spent VALUES (:at, 1)"), {"at": found.usage.at})
            place = grant.place
            time.sleep(grant.wait.total_seconds())


@contextmanager
def workers(*urls: str) -> Iterator[list[subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "tests.faults.test_rates_hold", *urls]
    with ExitStack() as stack:
        found = []
        for _ in range(WORKERS):
            one = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(one.kill)
            found.append(one)
        yield found


def run(database_url: str, redis_url: str, flushes: Sequence[float]) -> list[datetime]:
    """All grants of `SECONDS`, with Redis emptied at those times."""
    engine = sa.create_engine(store.driver_url(database_url))
    with engine.begin() as db:
        db.execute(sa.text(JOURNAL))
    with workers(database_url, redis_url) as found, client(redis_url) as flusher:
        flusher.flushall()
        for worker in found:
            assert worker.stdout
            assert worker.stdout.readline() == "ready\n"
        for worker in found:
            assert worker.stdin
            worker.stdin.write("go\n")
            worker.stdin.flush()
        begun = time.monotonic()
        for at in (*flushes, SECONDS + 0.5):
            time.sleep(max(begun + at - time.monotonic(), 0))
            if at < SECONDS:
                flusher.flushall()
        assert [worker.poll() for worker in found] == [None] * WORKERS
    with engine.connect() as db:
        times = list(db.scalars(sa.text("SELECT at FROM spent ORDER BY at")))
    engine.dispose()
    return times


@pytest.mark.parametrize("flushes", [0, 2], ids=["kept", "flushed"])
def test_ten_a_second_are_ten_a_second(
    flushes: int, servers: Servers, new_database: NewDatabase
) -> None:
    flushed_at = [SECONDS * n / (flushes + 1) for n in range(1, flushes + 1)]
    times = run(new_database(f"rates_{flushes}"), servers.redis_url, flushed_at)
    since = [(at - times[0]).total_seconds() for at in times]
    since = [second for second in since if second < SECONDS]
    # How many were granted in the second that ends with a grant, and in the one that follows it.
    up_to = [n + 1 - bisect_right(since, at - 1) for n, at in enumerate(since)]
    after = [
        bisect_right(since, at + 1) - (n + 1)
        for n, at in enumerate(since)
        if 1 <= at <= SECONDS - 1
    ]
    print(
        f"\n{flushes} flushes, {SECONDS:g} s: {len(since)} granted, {len(since) / SECONDS:.3f}/s; "
        f"in any second at most {max(up_to)}, after the first at least {min(after)}"
    )
    assert max(up_to) <= MOST
    assert min(after) >= MOST - 1
    assert len(since) == pytest.approx(MOST * SECONDS, rel=TOLERANCE)


if __name__ == "__main__":
    work(*sys.argv[1:])
