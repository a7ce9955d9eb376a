"""A test key at every door that is no HTTP: what comes in is a test, and nothing live is touched or asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from messaging import access, lookups, maintenance, policies
from messaging.access import Asked, KnownKeys
from messaging.domain.message import ProviderAccount
from messaging.domain.scopes import KeyKind
from messaging.request_rates import RequestRates
from tests.carrier import Carrier, accepted
from tests.dispatch.campaigning import asked, made
from tests.world import RECIPIENT, World
from workers import doors

REAL = "api.twilio.com"


@pytest.fixture(autouse=True)
def _process(world: World) -> Iterator[None]:
    rt = world.rt
    process = SimpleNamespace(rt=rt, keys=KnownKeys(rt), requests=RequestRates(rt.redis))
    with patch.object(doors, "current", lambda: process):
        yield


@pytest.fixture(autouse=True)
def real(world: World) -> ProviderAccount:
    """An account that reaches people, and that numbers are looked up at; the other is a sandbox."""
    account = world.add_account(name="real", base_url=f"https://{REAL}")
    world.change("provider_accounts", world.account.id, options={"sandbox": "true"})
    world.add_sender("+12025550188", account_id=account.id)
    policies.change(world.rt, world.tenant, {"lookup": {"account": account.name}})
    world.carrier.answer = lambda _: accepted()
    return account


def a_key(world: World, kind: KeyKind) -> str:
    return access.create(world.rt, world.tenant, Asked("door", kind))[0]


def hosts(world: World) -> Counter[str]:
    return Counter(request.url.host for request in world.carrier.requests)


def test_what_is_handed_in_as_a_task_is_a_test(world: World) -> None:
    key, message = a_key(world, KeyKind.TEST), {"to": RECIPIENT, "body": "Hi"}
    assert doors.send(api_key=key, idempotency_key="one", **message).startswith("queued ")
    many = doors.send_many(api_key=key, idempotency_key="many", messages=[message] * 2)
    assert many.startswith("kept 2")
    assert doors.campaign(api_key=key, name=asked().name) == "refused: missing_scope"
    kept = world.rows("SELECT sandboxed, traffic FROM messages")
    assert [(row["sandboxed"], row["traffic"]) for row in kept] == [(True, "Test")] * 3
    world.send()
    assert hosts(world).total() == 3
    assert REAL not in hosts(world)


def test_a_live_campaign_is_started_by_no_test_key(world: World) -> None:
    made(world, 2)
    key = a_key(world, KeyKind.TEST)
    assert doors.campaign(api_key=key, name=asked().name) == "refused: missing_scope"
    assert world.rows("SELECT id FROM messages") == []


def test_a_test_asks_no_real_account_what_a_number_is(world: World) -> None:
    key = a_key(world, KeyKind.TEST)
    doors.send(api_key=key, to=RECIPIENT, body="Hi", idempotency_key="x")
    world.send()
    assert world.rows("SELECT recipient_key FROM pending_lookups") == []
    desk = Carrier(lambda _: accepted())
    lookups.run(world.rt, desk)
    assert desk.requests == []
    assert [row["status"] for row in world.rows("SELECT status FROM messages")] == ["sent"]


def test_a_test_scheduled_for_later_is_one_when_its_time_has_come(world: World) -> None:
    later = world.rt.now() + timedelta(hours=1)
    key = a_key(world, KeyKind.TEST)
    said = doors.send(
        api_key=key, to=RECIPIENT, body="Hi", scheduled_for=later.isoformat(), idempotency_key="x"
    )
    assert said.startswith("scheduled ")
    world.run("UPDATE messages SET scheduled_for = now()")
    world.run("UPDATE scheduled SET due_at = now()")
    maintenance.promote_due(world.rt)
    world.send()
    assert hosts(world).total() == 1
    assert REAL not in hosts(world)


def test_a_test_key_calls_off_tests_only(world: World) -> None:
    live, test = a_key(world, KeyKind.LIVE), a_key(world, KeyKind.TEST)
    ids = {}
    for name, key in (("live", live), ("test", test)):
        said = doors.send(api_key=key, to=RECIPIENT, body="Hi", idempotency_key=name)
        ids[name] = said.removeprefix("queued ")
    assert doors.cancel(api_key=test, id=ids["live"]) == "refused: missing_scope"
    assert doors.cancel(api_key=test, id=ids["test"]) == f"canceled {ids['test']}"
    assert doors.cancel(api_key=live, id=ids["live"]) == f"canceled {ids['live']}"
    assert doors.cancel(api_key=test, id=world.rt.new_id()) == "refused: not_found"


def test_a_live_message_is_not_taken_for_the_repeat_of_a_test(world: World) -> None:
    """Else whoever tried out the key `order-7` would have kept the real order 7 from being told."""
    given = {"to": RECIPIENT, "body": "Hi", "idempotency_key": "order-7"}
    live, test = a_key(world, KeyKind.LIVE), a_key(world, KeyKind.TEST)
    assert doors.send(api_key=test, **given).startswith("queued ")
    assert doors.send(api_key=test, **given).endswith("(replayed)")
    assert doors.send(api_key=live, **given) == "refused: idempotency_key_reused"
