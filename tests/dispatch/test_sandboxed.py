"""What is sent with a test key leaves through a sandbox, or not at all."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from messaging import fallbacks, intake
from messaging.domain.lifecycle import Status
from messaging.domain.message import Capability, Channel, ProviderAccount, Sender
from messaging.domain.request import SendRequest
from messaging.submission import Entry, Refused, Submission, Taken
from tests.carrier import accepted, refused
from tests.world import RECIPIENT, World

REAL = "api.twilio.com"


@pytest.fixture
def real(world: World) -> ProviderAccount:
    """An account that reaches people, and is bound to be asked first; the first is a sandbox."""
    account = world.add_account(name="real", base_url=f"https://{REAL}")
    world.change("provider_accounts", world.account.id, options={"sandbox": "true"})
    world.run(
        "INSERT INTO bindings (id, tenant_id, kind, ref, account_id)"
        f" VALUES ('{world.rt.new_id()}', '{world.tenant.id}', 'tenant', '', '{account.id}')"
    )
    world.carrier.answer = lambda _: accepted()
    return account


@pytest.fixture
def sender(world: World, real: ProviderAccount) -> Sender:
    return world.add_sender("+12025550188", account_id=real.id)


def hosts(world: World) -> Counter[str]:
    return Counter(request.url.host for request in world.carrier.requests)


def submit(world: World, test: bool = True, **fields: Any) -> Entry:
    asked = SendRequest.model_validate({"to": RECIPIENT, "body": "Hi"} | fields)
    tenant = replace(world.tenant, sandboxed=test)
    (entry,) = intake.submit(world.rt, Submission(tenant, [asked], None, b"", "test")).entries
    return entry


def sent(world: World, **fields: Any) -> UUID:
    entry = submit(world, **fields)
    assert isinstance(entry, Taken), entry
    return entry.id


@pytest.mark.usefixtures("sender")
def test_a_test_never_takes_the_account_that_comes_first(world: World) -> None:
    for _ in range(3):
        sent(world)
    world.send()
    assert hosts(world) == {"127.0.0.1": 3}
    sent(world, test=False)
    world.send()
    assert hosts(world) == {"127.0.0.1": 3, REAL: 1}


@pytest.mark.usefixtures("sender")
def test_a_conversation_with_a_real_number_is_not_kept(world: World) -> None:
    sent(world, test=False)
    world.send()
    assert hosts(world) == {REAL: 1}
    sent(world)
    world.send()
    assert hosts(world) == {REAL: 1, "127.0.0.1": 1}


@pytest.mark.usefixtures("sender")
def test_where_the_sandbox_refuses_nobody_else_is_asked(world: World) -> None:
    world.carrier.answer = lambda request: (
        refused(401, 20003) if request.url.host == "127.0.0.1" else accepted()
    )
    id_ = sent(world)
    for _ in range(4):
        world.send()
        world.run("UPDATE ready SET due_at = now()")
    assert hosts(world).keys() == {"127.0.0.1"}
    assert world.status(id_) is not Status.SENT


def test_a_real_sender_cannot_be_named(world: World, sender: Sender) -> None:
    entry = submit(world, True, **{"from": sender.address})
    assert isinstance(entry, Refused)
    assert [(p.pointer, p.code) for p in entry.problems] == [("#/from", "no_sandbox")]
    assert world.rows("SELECT id FROM messages") == []


def test_a_live_key_sends_nothing_from_what_is_kept_for_tests(world: World, sender: Sender) -> None:
    entry = submit(world, False, **{"from": world.sender.address})
    assert isinstance(entry, Refused)
    assert [(p.pointer, p.code) for p in entry.problems] == [("#/from", "sandbox_only")]
    for _ in range(3):
        sent(world, test=False)
    world.send()
    assert hosts(world) == {REAL: 3}
    world.change("senders", sender.id, state="retired")
    waits = submit(world, test=False)
    world.send()
    assert hosts(world) == {REAL: 3}
    assert isinstance(waits, Refused)


def test_where_every_account_is_a_sandbox_a_live_key_sends_through_it(world: World) -> None:
    world.carrier.answer = lambda _: accepted()
    world.change("provider_accounts", world.account.id, options={"sandbox": "true"})
    sent(world, test=False)
    world.send()
    assert hosts(world) == {"127.0.0.1": 1}


def test_an_account_that_stops_being_a_sandbox_gets_nothing_more(
    world: World, sender: Sender
) -> None:
    id_ = sent(world, **{"from": world.sender.address})
    world.change("provider_accounts", world.account.id, options={"sandbox": "false"})
    world.send()
    assert hosts(world) == {}
    assert world.status(id_) == Status.FAILED
    assert isinstance(submit(world), Refused)
    world.carrier.requests.clear()
    world.change("provider_accounts", sender.account_id, options={"sandbox": "true"})
    sent(world)
    world.send()
    assert hosts(world) == {REAL: 1}


@pytest.mark.usefixtures("real")
def test_a_channel_without_a_sandbox_sends_nothing(world: World, real: ProviderAccount) -> None:
    world.add_sender(
        "news@example.com",
        channel=Channel.EMAIL,
        capabilities=frozenset({Capability.EMAIL}),
        account_id=real.id,
    )
    assert isinstance(submit(world, channel="email", to="ana@example.com", subject="Hi"), Refused)


def test_what_stands_in_for_a_test_is_a_test(world: World, real: ProviderAccount) -> None:
    world.add_sender(
        "news@example.com",
        channel=Channel.EMAIL,
        capabilities=frozenset({Capability.EMAIL}),
        account_id=real.id,
    )
    world.carrier.answer = lambda _: refused(400, 21614)
    id_ = sent(world, fallback={"channel": "email", "to": "ana@example.com", "subject": "About it"})
    world.send()
    assert world.status(id_) in {Status.FAILED, Status.UNDELIVERABLE}
    world.run("UPDATE fallbacks SET due_at = now()")
    fallbacks.run(world.rt)
    rows = world.rows("SELECT sandboxed, traffic FROM messages WHERE stands_in_for IS NOT NULL")
    assert [(row["sandboxed"], row["traffic"]) for row in rows] == [(True, "Test")]
    world.send()
    assert REAL not in hosts(world)


def test_a_list_and_a_copy_of_many_are_tests_too(world: World) -> None:
    asked: list[Any] = [SendRequest.model_validate({"to": RECIPIENT, "body": "Hi"})] * 150
    tenant = replace(world.tenant, sandboxed=True)
    intake.submit(world.rt, Submission(tenant, asked, None, b"", "test", bulk=True))
    rows = world.rows("SELECT DISTINCT sandboxed, traffic FROM messages")
    assert [(row["sandboxed"], row["traffic"]) for row in rows] == [(True, "Test")]
