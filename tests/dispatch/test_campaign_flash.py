"""A campaign of flash messages is one to the end, also when it is tried again."""

from __future__ import annotations

import pytest

from messaging import campaigns, telemetry
from messaging.campaigns import Failed
from messaging.domain.errors import InvalidRequestError
from tests.carrier import accepted
from tests.dispatch.campaigning import later, made, send_all, started, tick
from tests.world import World


@pytest.fixture(autouse=True)
def _offered(world: World) -> None:
    telemetry.configure("critical", json=True)
    world.carrier.answer = lambda _: accepted()
    world.change("provider_accounts", world.account.id, provider="vonage_sms")


def test_its_messages_are_flash_messages_again_when_they_are_tried_again(world: World) -> None:
    id_ = started(world, 2, flash=True)
    tick(world)
    flash = world.rows("SELECT flash FROM messages")
    assert [row["flash"] for row in flash] == [True, True]
    world.run("UPDATE senders SET capabilities = '{sms}'")
    send_all(world)  # nobody can carry it
    world.run("UPDATE messages SET status = 'failed', status_reason = 'not_sent'")
    world.run("DELETE FROM held")
    later(world)
    tick(world)
    assert campaigns.retry(world.rt, world.tenant, id_, Failed.ALL)[1] == 2
    tick(world)
    assert [row["flash"] for row in world.rows("SELECT flash FROM messages")] == [True] * 4


@pytest.mark.parametrize(("fallback", "flash"), [(False, True), (True, False)])
def test_without_a_provider_that_offers_it_it_is_what_was_asked_for(
    world: World, *, fallback: bool, flash: bool
) -> None:
    world.change("provider_accounts", world.account.id, provider="twilio")
    started(world, 1, flash=True, flash_fallback=fallback)
    tick(world)
    (row,) = world.rows("SELECT flash FROM messages")
    assert row["flash"] is flash


def test_only_a_text_can_be_a_flash_message(world: World) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        made(world, 1, channel="mms", flash=True)
    assert refused.value.problems[0].pointer == "#/flash"
