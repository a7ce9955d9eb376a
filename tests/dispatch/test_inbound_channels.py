"""Keywords on every channel, each with its own scope, and texts that mean us no good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from messaging.domain.message import Channel
from messaging.store import conversations
from tests.dispatch.handset import Handset, kept, purposes, replies
from tests.dispatch.letterbox import DESK, desk, hears, page, said, suppressed_on, threads
from tests.world import RECIPIENT, World


def test_a_stop_by_mail_is_for_mail_alone_and_answered_by_mail(world: World) -> None:
    sender = desk(world)
    hears(
        world, said(world, "Unsubscribe\n", Channel.EMAIL, from_="Ana@EXAMPLE.com", to=DESK.title())
    )
    assert suppressed_on(world) == {"email"}
    (answer,) = replies(world)
    assert (answer["channel"], answer["requested_sender_id"]) == ("email", sender.id)
    assert answer["parts"]["subject"] == "You are unsubscribed"
    assert (answer["encoding"], answer["segments"]) == (None, 1)
    assert answer["conversation_id"] == threads(world)[0]["id"]
    hears(world, said(world, "start", Channel.EMAIL))
    assert suppressed_on(world) == set()
    assert purposes(world) == ["opt_out_confirmation", "opt_in_confirmation"]


@pytest.mark.parametrize(
    "body",
    [
        "Thanks!\n\n> Reply STOP to end",
        "please stop sending me the old invoices",
        "On Monday you wrote:\n> STOP",
        "Yes please.\n--\nAna",
        "take me off your list",
    ],
)
def test_what_a_mail_quotes_is_no_keyword(world: World, body: str) -> None:
    desk(world)
    hears(world, said(world, body, Channel.EMAIL))
    (row,) = kept(world)
    assert (row["keyword"], row["inferred"]) == ("OTHER", False)
    assert suppressed_on(world) == set()


def test_instagram_is_answered_by_us_whatever_its_sender_says(world: World) -> None:
    sender = page(world)
    hears(
        world,
        said(world, "help", Channel.INSTAGRAM_DM),
        said(world, "please stop", Channel.INSTAGRAM_DM, provider_keyword="START"),
    )
    assert suppressed_on(world) == {"instagram_dm"}
    assert [row["provider_keyword"] for row in kept(world)] == [None, None]
    assert {row["requested_sender_id"] for row in replies(world)} == {sender.id}
    assert {row["channel"] for row in replies(world)} == {"instagram_dm"}
    assert purposes(world) == ["help", "opt_out_confirmation"]


def test_a_channel_has_its_own_scope(world: World) -> None:
    Handset(world)
    desk(world)
    page(world)
    for channel in (Channel.SMS, Channel.INSTAGRAM_DM, Channel.EMAIL):
        hears(world, said(world, "STOP", channel))
    hears(world, said(world, "START", Channel.INSTAGRAM_DM))
    assert suppressed_on(world) == {"sms", "mms", "email"}
    assert len(threads(world)) == 3


def test_providers_that_leave_the_plus_away_mean_the_same_people(world: World) -> None:
    hears(world, said(world, "STOP", from_=RECIPIENT[1:], to=world.sender.address[1:]))
    (row,) = kept(world)
    assert (row["from_address"], row["to_address"]) == (RECIPIENT, world.sender.address)
    assert row["recipient_key"] == world.key()
    assert threads(world)[0]["sender_id"] == world.sender.id


def test_every_message_of_a_batch_is_kept_once_by_itself(world: World) -> None:
    batch = [said(world, "hello"), said(world, "STOP"), said(world, "bye")]
    hears(world, *batch)
    hears(world, *reversed(batch), batch[0])
    assert [row["body"] for row in kept(world)] == ["hello", "STOP", "bye"]


def test_one_message_that_breaks_us_keeps_no_other_from_being_heard(world: World) -> None:
    bad, stop = said(world, "bad"), said(world, "STOP")
    whole = conversations.join

    def breaks(*arguments: Any) -> UUID:
        if not kept_bodies(arguments[0]) or "bad" in kept_bodies(arguments[0]):
            raise RuntimeError("broken")
        return whole(*arguments)

    with (
        patch("messaging.hearing.conversations.join", side_effect=breaks),
        pytest.raises(RuntimeError, match="broken"),
    ):
        hears(world, bad, stop)
    assert [row["body"] for row in kept(world)] == ["STOP"]
    assert suppressed_on(world) == {"sms", "mms"}
    hears(world, bad, stop)
    assert len(kept(world)) == 2


def kept_bodies(db: Any) -> list[str]:
    return list(db.exec_driver_sql("SELECT body FROM inbound_messages ORDER BY id").scalars())


HOSTILE = ("\0", "\0STOP\0", "\ud800", "x" * 100_000, "'; DROP TABLE messages; --", "\u202e\u0000")


@pytest.mark.parametrize("field", ["body", "from_", "to", "provider_message_id"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_kept_whatever_they_hold(world: World, field: str, text: str) -> None:
    change: dict[str, Any] = {field: text}
    for channel in (Channel.SMS, Channel.EMAIL, Channel.INSTAGRAM_DM):
        message = replace(said(world, "hello", channel), **change)
        hears(world, message)
        hears(world, message)
    expected = 1 if field == "provider_message_id" else 3
    assert len(kept(world)) == expected


def test_media_may_be_anything(world: World) -> None:
    hears(world, said(world, "", media=("\0", "\ud800", "https://x.example/" + "y" * 9000)))
    assert len(kept(world)[0]["media"]) == 3
