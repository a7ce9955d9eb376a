"""A text that fails on several numbers waits, and the numbers go on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging import telemetry, templates
from messaging.domain.errors import NotFoundError
from messaging.domain.message import Sender
from tests.carrier import accepted
from tests.dispatch.results import BAD, GOOD, happened, settle, state, tick
from tests.world import World


@pytest.fixture(autouse=True)
def _policy(world: World) -> None:
    telemetry.configure("error", json=True)
    settle(world)


@pytest.fixture
def three(world: World) -> list[Sender]:
    numbers = ("+13105550198", "+16465550197")
    return [world.sender, *(world.add_sender(n, is_default=False) for n in numbers)]


def test_a_text_that_fails_on_three_numbers_is_paused_and_they_go_on(
    world: World, three: list[Sender]
) -> None:
    for sender in three:
        happened(world, sender, template="spring", undelivered=BAD)
        happened(world, sender, template="winter", delivered=GOOD)
    assert tick(world).endswith("1 templates paused")
    assert [state(world, sender) for sender in three] == ["active"] * 3
    assert ", 0 changed, 0 templates" in tick(world)
    (paused,) = templates.paused(world.rt, world.tenant)
    assert (paused.template, paused.reason) == ("spring", "undelivered 100.0 % of 120 on 3 senders")
    waits, goes = world.put_one(template="spring"), world.put_one(template="winter")
    world.carrier.answer = lambda _: accepted()
    world.send()
    row = world.row(waits)
    assert (row["status"], world.status(goes)) == ("scheduled", "sent")
    assert row["scheduled_reason"] == f"template_paused: {paused.reason}"
    due = world.rows("SELECT due_at FROM scheduled")[0]["due_at"]
    assert timedelta(minutes=14) < due - world.rt.now() <= timedelta(minutes=15)


def test_a_text_that_is_resumed_begins_at_zero(world: World, three: list[Sender]) -> None:
    for sender in three:
        happened(world, sender, template="spring", undelivered=BAD)
    tick(world)
    templates.resume(world.rt, world.tenant, "spring")
    tick(world)
    assert templates.paused(world.rt, world.tenant) == []
    assert [state(world, sender) for sender in three] == ["active"] * 3
    message_id = world.put_one(template="spring")
    world.send()
    assert world.status(message_id) == "sent"
    with pytest.raises(NotFoundError):
        templates.resume(world.rt, world.tenant, "spring")


def test_a_text_that_fails_on_two_numbers_is_theirs_to_answer_for(
    world: World, three: list[Sender]
) -> None:
    for sender in three[:2]:
        happened(world, sender, template="spring", undelivered=BAD)
    happened(world, three[2], template="spring", delivered=GOOD)
    tick(world)
    assert [state(world, sender) for sender in three] == ["cordoned", "cordoned", "active"]
    assert templates.paused(world.rt, world.tenant) == []
