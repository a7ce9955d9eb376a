"""One provider fails, another carries the message: at once, once, and only what surely was not sent."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import redis

from messaging.domain.breaker import LIMITS
from messaging.domain.failures import Failover, Failure, Kind
from messaging.domain.message import ProviderAccount
from tests.carrier import Answer, Reply, accepted, refused
from tests.world import World

FIRST, SECOND = 9, 8
"""Ports, by which the carrier of these tests tells its two providers apart."""
UNREACHED = Failure(Kind.NOT_SENT, "connect", "no", failover=Failover.OTHER_PROVIDER)


@pytest.fixture
def second(world: World) -> ProviderAccount:
    """Another provider account of the tenant, with a number of its own; the first comes first."""
    account = world.add_account(name="second", base_url=f"http://127.0.0.1:{SECOND}")
    world.add_sender("+12025550188", account_id=account.id)
    world.run(
        "INSERT INTO bindings (id, tenant_id, kind, ref, account_id)"
        f" VALUES ('{world.rt.new_id()}', '{world.tenant.id}', 'tenant', '', '{world.account.id}')"
    )
    world.forget_senders()
    return account


def first_answers(reply: Reply) -> Answer:
    """A carrier whose first provider answers this; the second accepts everything."""
    return lambda request: reply if request.url.port == FIRST else accepted()


def asked(world: World) -> Counter[int | None]:
    return Counter(request.url.port for request in world.carrier.requests)


def ended(world: World, message_id: UUID, rounds: int = 3) -> str:
    """Where a message is after some claims; what waits is due at once."""
    for _ in range(rounds):
        world.send()
        world.run("UPDATE ready SET due_at = now()")
    return world.status(message_id)


@pytest.mark.parametrize(
    "reply",
    [
        UNREACHED,
        refused(503, 20503),  # unavailable, in its own words: it did not take it
        refused(429, 20429),
        refused(401, 20005),  # the account is suspended
        refused(400, 21612),  # no route from there
    ],
    ids=["unreached", "unavailable", "too many", "suspended", "no route"],
)
def test_what_surely_was_not_sent_goes_to_the_other_provider_at_once(
    world: World, second: ProviderAccount, reply: Reply
) -> None:
    world.carrier.answer = first_answers(reply)
    message_id = world.put_one()
    world.send()
    assert world.status(message_id) == "queued"
    world.send()  # without a wait
    assert world.status(message_id) == "sent"
    assert asked(world) == {FIRST: 1, SECOND: 1}
    made = world.rows("SELECT account_id FROM attempts ORDER BY epoch")
    assert [row["account_id"] for row in made] == [
        world.account.id,
        second.id,
    ]


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (refused(400, 21211), "undeliverable"),
        (refused(400, 21610), "opted_out"),
        (refused(400, 21618), "undeliverable"),  # content: another carrier would be evasion
        (httpx.Response(500), "sending"),  # it may have been taken
        (Failure(Kind.AMBIGUOUS, "timeout", "no"), "sending"),
    ],
    ids=["no number", "opted out", "content", "500", "timeout"],
)
@pytest.mark.usefixtures("second")
def test_nothing_else_crosses_providers(world: World, reply: Reply, status: str) -> None:
    world.carrier.answer = first_answers(reply)
    message_id = world.put_one()
    assert ended(world, message_id) == status
    assert asked(world) == {FIRST: 1}


def test_without_another_provider_a_refusal_stays_what_it_is(world: World) -> None:
    world.carrier.answer = first_answers(refused(401, 20005))
    message_id = world.put_one()
    assert ended(world, message_id) == "blocked_billing"
    assert asked(world) == {FIRST: 1}


@pytest.mark.usefixtures("second")
def test_when_all_have_failed_the_first_is_asked_again_after_a_wait(world: World) -> None:
    world.carrier.answer = lambda _: UNREACHED
    message_id = world.put_one()
    world.send()
    world.send()
    assert asked(world) == {FIRST: 1, SECOND: 1}
    assert world.send().claimed == 0  # it waits now
    world.carrier.answer = lambda _: accepted()
    assert ended(world, message_id) == "sent"
    assert asked(world) == {FIRST: 2, SECOND: 1}


@pytest.mark.usefixtures("second")
def test_whoever_named_the_sender_gets_no_other_provider(world: World) -> None:
    world.carrier.answer = first_answers(UNREACHED)
    message_id = world.put_one(sender_id=world.sender.id)
    assert ended(world, message_id) == "queued"
    assert asked(world) == {FIRST: 3}


@pytest.mark.usefixtures("second")
def test_what_no_provider_can_say_is_refused_with_the_reason(world: World) -> None:
    long = "x" * 1700  # Twilio takes 1,600 characters
    message_id = world.put_one(body=long, segments=12)
    assert ended(world, message_id) == "failed"  # neither of the two can
    assert world.carrier.requests == []
    row = world.rows("SELECT provider_code, status_reason FROM messages")[0]
    assert row["provider_code"] == "too_long"


# --- circuits


def outage(world: World, messages: int = LIMITS.minimum) -> list[UUID]:
    """The first provider goes down under load, until every worker has stopped asking it."""
    world.carrier.answer = first_answers(UNREACHED)
    ids = world.put(messages)
    for _ in range(4):
        world.send()
    world.carrier.requests.clear()
    later(world, 0.3)
    return ids


_AREAS = itertools.cycle((202, 212, 305, 312, 415, 503, 617, 702, 713, 818))


def to_strangers(world: World, count: int) -> list[UUID]:
    """Messages to people nobody has a conversation with, which would keep its sender."""
    world.run("DELETE FROM conversations")
    ids = []
    for n in range(count):
        ids += world.put(recipient=f"+1{next(_AREAS)}555{100 + n:04}")
    return ids


def later(world: World, seconds: float) -> None:
    world.rt.ahead += timedelta(seconds=seconds)
    world.run("UPDATE ready SET due_at = now()")


@pytest.mark.usefixtures("second")
def test_an_account_that_is_down_is_not_asked(world: World) -> None:
    lost = outage(world)
    assert {world.status(i) for i in lost} == {"sent"}
    to_strangers(world, 50)
    world.send()
    assert asked(world) == {SECOND: 50}


@pytest.mark.usefixtures("second")
def test_a_handful_of_failures_takes_nobody_down(world: World) -> None:
    outage(world, LIMITS.minimum - 1)
    world.carrier.answer = lambda _: accepted()
    to_strangers(world, 10)
    world.send()
    assert asked(world) == {FIRST: 10}


@pytest.mark.usefixtures("second")
def test_a_route_comes_back_through_one_then_five_then_twenty_five_probes(world: World) -> None:
    outage(world)
    world.carrier.answer = lambda _: accepted()
    later(world, LIMITS.open_for)
    for probes in (1, 5, 25):
        world.carrier.requests.clear()
        to_strangers(world, 60)
        world.send()
        assert asked(world) == {FIRST: probes, SECOND: 60 - probes}
        later(world, 0.3)
    world.carrier.requests.clear()
    to_strangers(world, 60)
    world.send()
    assert asked(world) == {FIRST: 60}


@pytest.mark.usefixtures("second")
def test_a_bad_probe_opens_it_for_twice_as_long(world: World) -> None:
    outage(world)
    later(world, LIMITS.open_for)
    to_strangers(world, 60)
    world.send()
    assert asked(world)[FIRST] == 1
    world.carrier.requests.clear()
    later(world, LIMITS.open_for + 0.1)
    to_strangers(world, 60)
    world.send()
    assert asked(world)[FIRST] == 0
    later(world, LIMITS.open_for)
    to_strangers(world, 60)
    world.send()
    assert asked(world)[FIRST] == 1


def test_with_nobody_else_messages_wait_until_the_provider_is_back(world: World) -> None:
    ids = outage(world, 40)
    assert {world.status(i) for i in ids} == {"queued"}
    world.send()
    assert world.carrier.requests == []  # nobody is asked, nothing is used up
    world.carrier.answer = lambda _: accepted()
    for _ in range(20):
        later(world, 5)
        world.send()
    assert {world.status(i) for i in ids} == {"sent"}


@pytest.mark.usefixtures("second")
def test_a_probe_goes_out_though_redis_went_away_a_moment_ago(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: object) -> None:
        raise redis.ConnectionError

    outage(world)
    later(world, LIMITS.open_for)
    monkeypatch.setattr(world.rt.breakers, "_swap", away)
    world.carrier.answer = lambda _: accepted()
    to_strangers(world, 60)
    world.send()
    assert asked(world) == {FIRST: 1, SECOND: 59}


@pytest.mark.usefixtures("second")
def test_another_country_is_another_route(world: World) -> None:
    outage(world)
    world.carrier.answer = lambda _: accepted()
    canada = world.put_one(recipient="+14165550123")
    world.send()
    assert world.status(canada) == "sent"
    assert asked(world) == {FIRST: 1}


def test_repeats_have_a_budget(world: World) -> None:
    """An account that refuses everything for now is asked again by a few of many."""
    world.carrier.answer = first_answers(refused(429, 20429))
    world.put(200)
    world.send()
    world.carrier.requests.clear()
    later(world, 0)
    world.send()
    assert 0 < len(world.carrier.requests) <= 50
