"""Texts that come in pieces: in any order, repeated, at once, incomplete, and never twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging import erasure, fragments, hearing, inbound, maintenance
from messaging.domain.message import Channel
from messaging.providers.base import Fragment, InboundMessage, Webhook
from tests.dispatch.handset import Handset, kept, purposes, suppressed
from tests.remains import remains
from tests.world import RECIPIENT, World, at_once

OTHER = "+12025550124"
TEXT = ("I would like to know ", "when you open, ", "please")


def piece(
    world: World, number: int, body: str, total: int = 3, reference: str = "7", **changes: Any
) -> InboundMessage:
    fields: dict[str, Any] = {
        "provider_message_id": f"{reference}-{total}-{number}",
        "from_": RECIPIENT,
        "to": world.sender.address,
        "body": body,
        "provider_keyword": None,
        "at": None,
        "fragment": Fragment(reference, number, total),
    }
    return InboundMessage(**(fields | changes))


def text(world: World, *bodies: str, **changes: Any) -> list[InboundMessage]:
    """A long text as its pieces, in their order."""
    return [piece(world, n, body, len(bodies), **changes) for n, body in enumerate(bodies, 1)]


def comes(world: World, message: InboundMessage) -> None:
    with patch("messaging.inbound.providers.get") as get:
        get.return_value.inbound.return_value = [message]
        inbound.receive(world.rt, world.account, Webhook("", {}, b""))


def bodies(world: World) -> list[str]:
    return [row["body"] for row in kept(world)]


def waiting(world: World) -> int:
    return len(world.rows("SELECT 1 FROM inbound_fragments WHERE NOT joined"))


def test_a_text_is_one_message_in_any_order(world: World) -> None:
    for n, order in enumerate(permutations(range(3))):
        pieces = text(world, *TEXT, reference=str(n))
        for i in order:
            assert len(kept(world)) == n
            comes(world, pieces[i])
    assert bodies(world) == ["".join(TEXT)] * 6
    assert {row["provider_message_id"] for row in kept(world)} == {f"{n}-3-1" for n in range(6)}
    assert waiting(world) == 0


def test_a_keyword_is_read_in_the_whole_text_only(world: World) -> None:
    Handset(world)
    first, second = text(world, "St", "op")
    comes(world, second)
    assert not suppressed(world)
    comes(world, first)
    assert suppressed(world)
    assert purposes(world) == ["opt_out_confirmation"]


@pytest.mark.parametrize("cut", [("STOP", " by the shop when you can"), ("Do not ", "stop")])
def test_a_piece_that_is_a_keyword_is_none(world: World, cut: Sequence[str]) -> None:
    for each in text(world, *cut):
        comes(world, each)
    assert bodies(world) == ["".join(cut)]


def test_pieces_that_come_at_once_are_one_message(world: World) -> None:
    for n in range(8):
        pieces = text(world, *map(str, range(6)), reference=str(n)) * 2
        jobs = [lambda each=each: hears(world, each) for each in pieces]
        at_once(*jobs)
    assert bodies(world) == ["012345"] * 8
    assert waiting(world) == 0
    assert len(world.rows("SELECT 1 FROM conversations")) == 1


def hears(world: World, message: InboundMessage) -> None:
    fragments.receive(world.rt, world.rt.senders_of(world.tenant.id), world.account, message)


def test_a_piece_that_is_repeated_long_after_changes_nothing(world: World) -> None:
    pieces = text(world, *TEXT)
    for each in [*pieces, *pieces, pieces[1]]:
        comes(world, each)
    world.rt.ahead += timedelta(hours=1)
    maintenance.sweep(world.rt)
    assert bodies(world) == ["".join(TEXT)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_order_and_any_repetition_is_each_text_once(world: World, data: st.DataObject) -> None:
    world.run("DELETE FROM inbound_messages")
    world.run("DELETE FROM inbound_fragments")
    texts = [text(world, *TEXT[:n], reference=str(n)) for n in (2, 3)]
    pieces = [each for pieces in texts for each in pieces]
    repeated = data.draw(st.lists(st.sampled_from(pieces), max_size=6))
    for each in data.draw(st.permutations([*pieces, *repeated])):
        comes(world, each)
    assert sorted(bodies(world)) == sorted(["".join(TEXT[:2]), "".join(TEXT)])
    assert waiting(world) == 0


def test_texts_of_two_people_under_one_number_are_two(world: World) -> None:
    mine = text(world, "a", "b")
    theirs = [
        piece(world, n, body, 2, from_=OTHER, provider_message_id=f"x{n}")
        for n, body in enumerate("cd", 1)
    ]
    for each in (mine[0], theirs[1], theirs[0], mine[1]):
        comes(world, each)
    assert sorted(bodies(world)) == ["ab", "cd"]


def test_two_tenants_pieces_are_never_joined(world: World) -> None:
    other = World(world.rt)
    first, second = text(world, "a", "b")
    comes(world, first)
    comes(other, second)
    comes(other, first)
    assert [(row["tenant_id"], row["body"]) for row in kept(world)] == [(other.tenant.id, "ab")]
    comes(world, second)
    assert [row["body"] for row in kept(world)] == ["ab", "ab"]


def test_a_number_that_is_used_again_is_another_text(world: World) -> None:
    for name in ("a", "b"):
        for n in (1, 2):
            comes(world, piece(world, n, f"{name}{n}", 2, provider_message_id=f"{name}{n}"))
    assert bodies(world) == ["a1a2", "b1b2"]


def test_another_text_begins_while_one_is_not_whole(world: World) -> None:
    comes(world, piece(world, 1, "lost", 2, provider_message_id="a1"))
    comes(world, piece(world, 1, "new ", 2, provider_message_id="b1"))
    assert bodies(world) == ["lost"]
    comes(world, piece(world, 2, "text", 2, provider_message_id="b2"))
    assert bodies(world) == ["lost", "new text"]
    assert waiting(world) == 0


def test_what_stays_incomplete_is_taken_as_it_is_after_five_minutes(world: World) -> None:
    first, _, last = text(world, *TEXT)
    comes(world, last)
    comes(world, first)
    world.rt.ahead += timedelta(minutes=4, seconds=50)
    maintenance.sweep(world.rt)
    assert bodies(world) == []
    world.rt.ahead += timedelta(seconds=15)
    maintenance.sweep(world.rt)
    maintenance.sweep(world.rt)
    (row,) = kept(world)
    assert (row["body"], row["keyword"]) == (TEXT[0] + TEXT[2], "OTHER")
    assert row["received_at"] - row["at"] > timedelta(minutes=4)
    assert waiting(world) == 0


@pytest.mark.parametrize(
    ("word", "keyword"), [("STOP", "STOP"), ("START", "OTHER"), ("HELP", "OTHER")]
)
def test_of_what_is_incomplete_only_a_stop_counts(world: World, word: str, keyword: str) -> None:
    Handset(world)
    comes(world, piece(world, 2, word))
    world.rt.ahead += timedelta(minutes=6)
    maintenance.sweep(world.rt)
    assert [row["keyword"] for row in kept(world)] == [keyword]
    assert suppressed(world) is (keyword == "STOP")


def test_sweeps_that_race_with_the_last_piece_make_one_message(world: World) -> None:
    for n in range(6):
        *early, last = text(world, *TEXT, reference=str(n))
        for each in early:
            comes(world, each)
        world.rt.ahead += timedelta(minutes=6)
        at_once(
            lambda: fragments.give_up(world.rt),
            lambda last=last: hears(world, last),  # type: ignore[misc]
            lambda: fragments.give_up(world.rt),
        )
    world.rt.ahead += timedelta(minutes=6)
    fragments.give_up(world.rt)
    said = "".join(bodies(world))
    assert all(said.count(part) == 6 for part in TEXT)


def test_one_text_that_breaks_us_holds_up_no_other(world: World) -> None:
    for reference in ("1", "2"):
        comes(world, piece(world, 1, reference, reference=reference))
    world.rt.ahead += timedelta(minutes=6)
    keep = hearing.keep

    def breaks(*arguments: Any) -> Any:
        if arguments[2].row.body == "1":
            raise RuntimeError("broken")
        return keep(*arguments)

    with patch("messaging.hearing.keep", side_effect=breaks):
        assert fragments.give_up(world.rt) == 1
    assert bodies(world) == ["2"]
    assert fragments.give_up(world.rt) == 1


@pytest.mark.parametrize(("number", "total"), [(0, 2), (3, 2), (1, 1), (1, 256), (-1, 2), (1, 0)])
def test_impossible_numbers_are_whole_messages(world: World, number: int, total: int) -> None:
    comes(world, piece(world, number, "hello", total))
    assert bodies(world) == ["hello"]


@pytest.mark.parametrize("hostile", ["\0", "\ud800", "x" * 50_000, "'; --"])
def test_hostile_pieces_are_joined(world: World, hostile: str) -> None:
    for n in (1, 2):
        fragment = Fragment(hostile, n, 2)
        comes(world, piece(world, n, hostile, provider_message_id=f"{n}{hostile}", fragment=fragment))  # fmt: skip
    assert len(bodies(world)) == 1
    assert waiting(world) == 0


def test_a_text_of_255_pieces_is_one(world: World) -> None:
    pieces = text(world, *(f"{n:03}" for n in range(255)))
    for each in reversed(pieces):
        hears(world, each)
    assert bodies(world) == ["".join(f"{n:03}" for n in range(255))]


def test_nothing_of_a_person_waits_in_pieces_after_an_erasure(world: World) -> None:
    for each in text(world, "a-canary-1", "a-canary-2", reference="whole"):
        comes(world, each)
    comes(world, piece(world, 1, "a-canary-3", media=("https://a-canary/",)))
    comes(world, piece(world, 1, "kept", from_=OTHER, provider_message_id="o"))
    with patch("messaging.inbound.providers.get") as get:
        picture = InboundMessage(
            "p", RECIPIENT, world.sender.address, "", None, None, media=("https://a-canary/",)
        )
        get.return_value.inbound.return_value = [picture]
        inbound.receive(world.rt, world.account, Webhook("", {}, b""))
    assert remains(world.rt.engine, "a-canary", RECIPIENT[1:])
    erasure.erase(world.rt, world.tenant, Channel.SMS, RECIPIENT)
    assert remains(world.rt.engine, "a-canary", RECIPIENT[1:]) == set()
    assert waiting(world) == 1


def test_what_tells_a_repeated_piece_is_forgotten_in_the_end(world: World) -> None:
    for each in text(world, *TEXT):
        comes(world, each)
    comes(world, piece(world, 1, "waits", reference="8"))
    assert remains(world.rt.engine, "when you open") == {"inbound_messages.body"}
    world.rt.ahead += timedelta(days=1)
    assert fragments.prune(world.rt) == 0
    world.rt.ahead += timedelta(days=1, minutes=1)
    maintenance.prune(world.rt)
    assert [row["joined"] for row in world.rows("SELECT joined FROM inbound_fragments")] == [False]


def test_the_reference_of_a_text_gives_no_number_away(world: World) -> None:
    comes(world, piece(world, 1, "x"))
    (row,) = world.rows("SELECT reference FROM inbound_fragments")
    assert len(row["reference"]) == 16
    other = World(world.rt)
    comes(other, piece(other, 1, "x"))
    assert len({bytes(r["reference"]) for r in world.rows("SELECT * FROM inbound_fragments")}) == 2
