"""Which provider is asked about a registration, how often, and what happens without an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from messaging import registration, registration_refresh, sender_changes, telemetry
from messaging.domain.failures import Failure, Kind
from messaging.domain.registration import BrandStatus, Verification
from messaging.domain.sender_request import SenderPatch
from messaging.store.registrations import Brand
from tests.carrier import Carrier, Reply, refused
from tests.dispatch.registry import (
    BRAND,
    CAMPAIGN,
    TOLL_FREE,
    ask,
    brand,
    campaign,
    later,
    say,
    stands,
    state,
    wait,
)
from tests.world import World, at_once

TIMEOUT = Failure(Kind.AMBIGUOUS, "timeout", "The provider did not answer in time.")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    telemetry.configure("critical", json=True)


@pytest.mark.parametrize(
    "reply", [TIMEOUT, refused(404, 20404), httpx.Response(503), refused(429, 20429)]
)
def test_without_an_answer_it_waits_ever_longer_and_changes_nothing(
    world: World, reply: Reply
) -> None:
    say(world, campaign())
    for minutes in (5, 10, 20, 40, 80, 160, 320, 360, 360):
        assert ask(world, reply) == ("1 failed", [CAMPAIGN])
        due = timedelta(minutes=minutes)
        assert due - timedelta(seconds=5) < wait(world) <= due
        assert ask(world, reply) == ("nothing to ask about", [])
        later(world, due.total_seconds())
    assert state(world) == "verified"
    assert ask(world, stands("VERIFIED")) == ("1 unchanged", [CAMPAIGN])
    later(world)
    ask(world, reply)
    assert wait(world) <= timedelta(minutes=5)
    say(world, campaign())
    assert ask(world, stands("FAILED")) == ("1 changed", [CAMPAIGN])


def test_no_connection_is_held_while_the_provider_thinks(world: World) -> None:
    say(world, brand())
    say(world, campaign())

    def answer(_: httpx.Request) -> Reply:
        assert world.rt.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        return stands("SUSPENDED")

    assert ask(world, answer)[0] == "2 changed"


def test_workers_at_once_ask_about_each_once(world: World) -> None:
    numbers = [f"BN{n:032}" for n in range(50)]
    for number in numbers:
        registration.put_brand(
            world.rt, world.tenant, Brand(number, BrandStatus.ACTIVE, provider_brand_id=number)
        )
    asked = at_once(*[lambda: ask(world, stands("APPROVED"))[1]] * 3)
    assert sorted(n for part in asked for n in part) == numbers  # type: ignore[attr-defined]


def test_with_several_accounts_the_one_that_is_named_is_asked(world: World) -> None:
    say(world, brand())
    say(world, campaign())
    other = world.add_account(name="other", username="AC" + "7" * 32)
    assert ask(world, stands("SUSPENDED")) == ("2 unasked", [])
    assert (state(world, "brands"), state(world)) == ("active", "verified")
    say(world, brand(account="other"))
    later(world)
    desk = Carrier(lambda _: stands("SUSPENDED"))
    assert registration_refresh.run(world.rt, desk) == "2 changed"
    own = httpx.BasicAuth(other.username, other.secret)
    expected = next(own.auth_flow(httpx.Request("GET", "https://x"))).headers["authorization"]
    assert {r.headers["authorization"] for r in desk.requests} == {expected}


def test_an_account_of_a_provider_that_cannot_be_asked_is_none_of_several(world: World) -> None:
    say(world, brand())
    unable = world.add_account(name="elsewhere")
    world.change("provider_accounts", unable.id, provider="semaphore")
    assert ask(world, stands("APPROVED")) == ("1 unchanged", [BRAND])
    say(world, brand(account="elsewhere"))
    assert ask(world, stands("APPROVED")) == ("1 unasked", [])


@pytest.mark.parametrize(
    "fields",
    [{"provider_campaign_id": "CABCDEF"}, {"provider_service_id": None}],
)
def test_a_name_the_provider_has_nothing_by_is_not_asked_about(
    world: World, fields: dict[str, Any]
) -> None:
    say(world, campaign(**fields))
    assert ask(world, stands("SUSPENDED")) == ("1 unasked", [])
    assert ask(world, stands("SUSPENDED")) == ("nothing to ask about", [])


def test_what_has_no_name_there_or_is_no_toll_free_number_is_not_asked_about(world: World) -> None:
    say(world, brand(provider_brand_id=None))
    retired = world.add_sender("+18885550151", provider_verification_id=TOLL_FREE)
    world.run("UPDATE senders SET retired_at = now() WHERE id = :id", id=retired.id)
    world.change("senders", world.sender.id, provider_verification_id=TOLL_FREE)
    assert ask(world, stands("TWILIO_APPROVED")) == ("nothing to ask about", [])


def test_an_account_that_cannot_be_read_stops_no_other(world: World) -> None:
    say(world, brand())
    broken = World(world.rt)
    say(broken, brand())
    broken.change("provider_accounts", broken.account.id, secret_sealed=b"not sealed by us")
    assert ask(world, stands("SUSPENDED")) == ("1 changed, 1 failed", [BRAND])


def test_asking_now_asks_about_one_tenants_alone(world: World) -> None:
    say(world, brand())
    stranger = World(world.rt)
    say(stranger, brand())
    ask(world, stands("APPROVED"))
    desk = Carrier(lambda _: stands("SUSPENDED"))
    assert registration_refresh.run_now(world.rt, desk, world.tenant) == "1 changed"
    rows = world.rows("SELECT tenant_id FROM brands WHERE status = 'suspended'")
    assert [row["tenant_id"] for row in rows] == [world.tenant.id]
    assert ask(world, stands("SUSPENDED")) == ("nothing to ask about", [])


def test_a_verification_said_by_hand_is_followed_by_the_providers(world: World) -> None:
    number = world.add_sender("+18885550150", provider_verification_id=TOLL_FREE)
    ask(world, stands("TWILIO_APPROVED"))
    said = SenderPatch(verification=Verification.REJECTED)
    changed = sender_changes.change(world.rt, world.tenant, number.id, said)
    assert changed.standing == "toll_free_not_verified"
    assert ask(world, stands("TWILIO_APPROVED")) == ("1 changed", [TOLL_FREE])
    known = world.rt.senders_of(world.tenant.id).candidates.by_id[number.id]
    assert known.standing == "clear"
