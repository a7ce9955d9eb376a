"""What people write on every channel: whose it is, which conversation it joins, and who goes on with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from messaging.domain import addresses
from messaging.domain.message import Channel
from messaging.store import conversations
from tests.dispatch.handset import Handset, kept, replies
from tests.dispatch.letterbox import hears, said, suppressed_on, threads
from tests.world import ClockedRuntime, World, at_once, runtime


@pytest.fixture
def second(world: World) -> Iterator[ClockedRuntime]:
    """Another process on the same database."""
    with runtime(world.rt.settings, seed=2) as rt:
        yield rt


def test_what_is_written_first_makes_the_conversation_and_its_sender(world: World) -> None:
    hears(world, said(world, "hello"), said(world, "are you there?"))
    (thread,) = threads(world)
    assert (thread["channel"], thread["recipient_key"]) == ("sms", world.key())
    assert thread["sender_id"] == world.sender.id
    assert [row["conversation_id"] for row in kept(world)] == [thread["id"]] * 2


def test_a_conversation_keeps_the_sender_it_has(world: World) -> None:
    other = world.add_sender("+12025550188")
    world.put_one(sender_id=other.id)
    world.send()
    (before,) = threads(world)
    assert before["sender_id"] == other.id
    hears(world, said(world, "hello"))
    assert threads(world) == [before]
    assert kept(world)[0]["conversation_id"] == before["id"]


def test_who_was_written_to_answers_from_then_on(world: World) -> None:
    other = world.add_sender("+12025550188")
    hears(world, said(world, "hello", to=other.address))
    message_id = world.put_one()
    world.send()
    row = world.row(message_id)
    assert (row["sender_id"], row["selection_reason"]) == (other.id, "StickyConversation")


def test_a_conversation_without_a_sender_gets_one_later(world: World) -> None:
    hears(world, said(world, "hello", to="+12025550177"))
    assert threads(world)[0]["sender_id"] is None
    hears(world, said(world, "hello"))
    (thread,) = threads(world)
    assert thread["sender_id"] == world.sender.id


def test_messages_that_race_are_in_one_conversation(world: World, second: ClockedRuntime) -> None:
    ids: list[object] = []

    def join(rt: ClockedRuntime, n: int) -> None:
        with rt.engine.begin() as db:
            key = addresses.key(rt.settings.pepper, "sms", f"+1202555010{n % 2}")
            tenant_id = world.tenant.id
            ids.append(conversations.join(db, rt.new_id(), tenant_id, Channel.SMS, key, None))

    for _ in range(5):
        at_once(*[lambda n=n: join((world.rt, second)[n // 4], n) for n in range(8)])
    assert len(set(ids)) == len(threads(world)) == 2


def test_inbound_and_outbound_race_for_one_conversation(world: World) -> None:
    telephone = Handset(world)
    other = world.add_sender("+12025550188")
    for n in range(10):
        world.run("DELETE FROM conversations")
        world.put_one(sender_id=other.id)
        at_once(lambda: telephone.says("hello"), lambda: telephone.says("STOP"), world.send)
        (thread,) = threads(world)
        heard = {row["conversation_id"] for row in kept(world)[2 * n :]}
        assert heard == {thread["id"]}
        telephone.says("START", f"SMx{n}")
        world.run("DELETE FROM inbound_messages WHERE provider_message_id = :id", id=f"SMx{n}")


def test_pictures_and_texts_are_one_conversation_with_one_person(world: World) -> None:
    telephone = Handset(world)
    hears(world, said(world, "", Channel.MMS, media=("https://media.example/1",)))
    telephone.says("hello")
    hears(world, said(world, "STOP", Channel.MMS))
    (thread,) = threads(world)
    assert thread["channel"] == "sms"
    first, _, last = kept(world)
    assert (first["body"], first["media"], first["keyword"]) == (
        "",
        ["https://media.example/1"],
        "OTHER",
    )
    assert {row["conversation_id"] for row in kept(world)} == {thread["id"]}
    assert last["media"] is None
    assert suppressed_on(world) == {"sms", "mms"}
    assert replies(world)[0]["channel"] == "sms"


def test_one_tenants_conversations_are_no_others(world: World) -> None:
    other = World(world.rt)
    hears(world, said(world, "hello"))
    hears(other, said(other, "hello"))
    first, second = threads(world)
    assert first["tenant_id"] != second["tenant_id"]
    assert first["recipient_key"] == second["recipient_key"]


def test_the_callers_own_conversation_id_stays_what_it_is(world: World) -> None:
    given = world.rt.new_id()
    message_id = world.put_one(conversation_id=given)
    world.send()
    assert world.row(message_id)["conversation_id"] == given


def test_the_tenant_is_told_of_what_was_written(world: World) -> None:
    world.run(
        """INSERT INTO endpoints (id, tenant_id, url, secret_sealed, events)
        VALUES (:id, :tenant, 'https://hooks.example/', 'x', ARRAY['message.received'])""",
        id=world.rt.new_id(),
        tenant=world.tenant.id,
    )
    message = said(world, "STOP")
    hears(world, message)
    hears(world, message)
    (notice,) = world.rows("SELECT * FROM notices")
    (row,) = kept(world)
    assert notice["data"] == {
        "inbound_id": str(row["id"]),
        "conversation_id": str(row["conversation_id"]),
        "channel": "sms",
        "keyword": "STOP",
    }
