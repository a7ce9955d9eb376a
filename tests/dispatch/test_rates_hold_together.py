"""Five limits at once, long and short messages, urgent ones and late ones: each limit holds, none is idle."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import redis

from messaging.domain.rates import Ask, Limit, Need, Past, Quota, Usage, Window
from messaging.embedded import Servers
from messaging.rates import Rates

SECONDS = 2.0
MESSAGES = 150
LIMITS: list[Limit] = [
    Window("sender:a", 5, 0.2),
    Window("sender:b", 8, 0.2),
    Window("account", 12, 0.2),
    Window("tenant", 20, 0.3),
    Window("campaign", 27, 0.5, guards=True),
    Quota("brand", 100, datetime.fromtimestamp(time.time() + 3600, UTC)),
]
Waiting = tuple[float, int, Ask]


@pytest.fixture
def client(servers: Servers) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(servers.redis_url)
    made.flushdb()
    yield made
    made.close()


def messages(rng: random.Random) -> list[Waiting]:
    found = []
    for n in range(MESSAGES):
        cost = rng.choice([1, 1, 1, 2, 3])
        needs = [Need(index, cost) for index in (rng.randint(0, 1), 2, 3, 4, 5)]
        found.append((0.0, n, Ask(needs, urgent=rng.random() < 0.05)))
    return found


def send(rates: Rates, waiting: list[Waiting], rng: random.Random) -> list[Usage]:
    """Ask for whatever is due, in batches, each message at its time or a little later."""
    usages, begun = [], time.monotonic()
    while (now := time.monotonic() - begun) < SECONDS:
        batch: list[Waiting] = []
        while waiting and waiting[0][0] <= now and len(batch) < 20:
            batch.append(heapq.heappop(waiting))
        found = rates.reserve(LIMITS, [ask for _, _, ask in batch], Past)
        usages.append(found.usage)
        for (_, n, ask), grant in zip(batch, found.grants, strict=True):
            if not grant.granted:
                due = now + grant.wait.total_seconds() + rng.choice([0, 0.001, 0.01])
                heapq.heappush(waiting, (due, n, ask._replace(place=grant.place)))
        time.sleep(0.002)
    return usages


def fullest(spent: Sequence[tuple[datetime, float]], seconds: float) -> float:
    """The most that was spent in any such time; it suffices to look where something was."""
    length = timedelta(seconds=seconds)
    return max(sum(cost for at, cost in spent if end - length < at <= end) for end, _ in spent)


@pytest.mark.parametrize("seed", range(4))
def test_each_limit_holds_and_the_narrowest_is_used(client: redis.Redis, seed: int) -> None:
    rng = random.Random(seed)
    usages = send(Rates(client), messages(rng), rng)
    for limit in LIMITS:
        spent = [(u.at, u.spent[limit.key]) for u in usages if limit.key in u.spent]
        if isinstance(limit, Window):
            assert fullest(spent, limit.seconds) <= limit.most
        else:
            assert sum(cost for _, cost in spent) <= limit.most
    # 54 segments a second in the campaign, until the brand's hundred are spent.
    assert sum(u.spent.get("brand", 0) for u in usages) >= 70
