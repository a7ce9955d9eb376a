"""What a provider's refusal says about the person holds beyond the one message."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from messaging import outcomes, suppression
from messaging.domain.message import Channel
from tests.carrier import accepted, refused
from tests.world import World


def sent(world: World, **fields: Any) -> UUID:
    message_id = world.put_one(**fields)
    sid = f"SM{message_id.hex}"
    world.carrier.answer = lambda _: accepted(sid)
    world.send()
    assert world.status(message_id) == "sent"
    return message_id


def report(world: World, message_id: UUID, status: str, code: int) -> None:
    world.report(f"SM{message_id.hex}", status, code=code)
    world.applied()


def holding(world: World) -> list[tuple[str, str, str]]:
    rows = world.rows("SELECT channel, kind, source FROM suppressions ORDER BY kind, channel")
    return [(r["channel"], r["kind"], r["source"]) for r in rows]


OPTED_OUT = [("sms", "opt_out", "provider"), ("mms", "opt_out", "provider")]


def test_an_opt_out_in_a_reply_cancels_what_else_waits(world: World) -> None:
    first = world.put_one()
    world.carrier.answer = lambda _: refused(400, 21610)
    world.take()
    rest = world.put(3)
    other = world.put_one(recipient="+12025550124")
    world.settle()
    assert world.status(first) == "opted_out"
    assert holding(world) == OPTED_OUT
    found = [world.row(m) for m in rest]
    assert {(r["status"], r["status_reason"]) for r in found} == {("canceled", "opted_out")}
    assert world.status(other) == "queued"


@pytest.mark.parametrize("status", ["undelivered", "failed"])
def test_an_opt_out_in_a_receipt_cancels_what_else_waits_and_is_told_once(
    world: World, status: str
) -> None:
    first = sent(world)
    rest = world.put(2)
    for _ in range(3):
        report(world, first, status, 21610)
    assert world.status(first) == "opted_out"
    assert {world.status(m) for m in rest} == {"canceled"}
    assert holding(world) == OPTED_OUT
    told = world.rows("SELECT evidence FROM suppression_events WHERE channel = 'sms'")
    assert [t["evidence"] for t in told] == [f"twilio 21610 about message {first}"]


def test_an_opt_out_is_kept_though_the_page_after_it_was_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    world.put_one()
    world.carrier.answer = lambda _: refused(400, 21610)
    with monkeypatch.context() as broken:
        broken.setattr(outcomes, "write", fail)
        world.take()
        world.settle()
    assert [a["doubt_since"] for a in world.open_attempts()] == [None]
    assert holding(world) == OPTED_OUT


def test_a_number_that_was_dead_twice_is_not_tried_a_third_time(world: World) -> None:
    one, two = sent(world), sent(world)
    waiting = world.put_one()
    report(world, one, "undelivered", 30005)
    report(world, one, "undelivered", 30005)
    assert holding(world) == []
    report(world, two, "undelivered", 30006)
    assert holding(world) == [("sms", "unreachable", "provider")]
    row = world.row(waiting)
    assert (row["status"], row["status_reason"]) == ("canceled", "unreachable")
    with world.rt.engine.begin() as db:
        assert not suppression.lift(
            db, world.tenant.id, Channel.SMS, world.key(), source="inbound", at=world.rt.now()
        )
    assert holding(world) == [("sms", "unreachable", "provider")]


def test_two_dead_ends_in_one_batch_are_two(world: World) -> None:
    one, two = sent(world), sent(world)
    for message_id in (one, two):
        world.report(f"SM{message_id.hex}", "undelivered", code=30005)
    world.applied()
    assert holding(world) == [("sms", "unreachable", "provider")]


def test_a_number_refused_as_no_mobile_is_not_tried_again(world: World) -> None:
    world.carrier.answer = lambda _: refused(400, 21614)
    world.put_one()
    world.send()
    second = world.put_one()
    assert world.send().blocked == {"landline": 1}
    assert world.status(second) == "undeliverable"
    assert holding(world) == []


@pytest.mark.parametrize("code", [30003, 30007, 30008])
def test_what_may_pass_says_nothing_of_the_number(world: World, code: int) -> None:
    for message_id in (sent(world), sent(world)):
        report(world, message_id, "undelivered", code)
    assert holding(world) == []


def test_dead_ends_of_other_numbers_and_tenants_do_not_add_up(world: World) -> None:
    stranger = World(world.rt)
    for whose, fields in (
        (world, {}),
        (world, {"recipient": "+12025550124"}),
        (stranger, {}),
    ):
        report(whose, sent(whose, **fields), "undelivered", 30005)
    assert holding(world) == []
