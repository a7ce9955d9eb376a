"""Whom a campaign is to: written down in stretches of the contacts, and each of them once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import pytest

from messaging import campaign_drafts, campaigns, contacts, erasure, expansion
from messaging.campaign_ahead import Ahead
from messaging.domain.campaign import CampaignRequest
from messaging.domain.contact import ContactRequest
from messaging.domain.message import Channel
from messaging.store import campaign_recipients
from tests.dispatch.campaigning import look, numbers, started, statuses, tick
from tests.world import World, poll

PEOPLE = numbers(10)
AUDIENCE = {"filters": {"conditions": [{"field": "tags", "operator": "in", "value": ["vip"]}]}}


def knows(world: World, ref: str, to: str, **fields: Any) -> None:
    asked = {"ref": ref, "phones": [to], "tags": ["vip"], **fields}
    contacts.put_one(world.rt, world.tenant, ContactRequest.model_validate(asked))


def to_contacts(world: World, body: str = "Hi {{first_name|you}}") -> Any:
    asked = {"name": "spring", "category": "TRANSACTIONAL", "body": body, "audience": AUDIENCE}
    made = campaign_drafts.create(world.rt, world.tenant, CampaignRequest.model_validate(asked))
    campaigns.start(world.rt, world.tenant, made.id)
    return made.id


def written_down(world: World) -> list[tuple[int, str]]:
    rows = world.rows("SELECT n, about ->> 'lead' AS lead FROM campaign_recipients ORDER BY n")
    return [(row["n"], row["lead"]) for row in rows]


@pytest.mark.parametrize("stretch", [1, 3, 10, 11, 100])
def test_the_length_of_a_stretch_makes_no_difference(world: World, stretch: int) -> None:
    for n, to in enumerate(PEOPLE):
        knows(world, f"lead-{n}", to, tags=["vip"] if n % 3 else ["other"])
    knows(world, "the same person", PEOPLE[1])
    id_ = to_contacts(world)
    with patch.object(expansion, "STRETCH", stretch):
        tick(world)
    assert written_down(world) == [
        (1, "lead-1"), (2, "lead-2"), (3, "lead-4"), (4, "lead-5"), (5, "lead-7"), (6, "lead-8"),
    ]  # fmt: skip
    campaign, counts = look(world, id_)
    assert (campaign.targets, counts.by_status) == (6, {"queued": 6})


def test_a_crash_between_two_stretches_repeats_nobody(world: World) -> None:
    for n, to in enumerate(PEOPLE):
        knows(world, f"lead-{n}", to)
    id_ = to_contacts(world)
    real, calls = campaign_recipients.snapshot, []

    def dies(*args: Any) -> int:
        added = real(*args)
        calls.append(added)
        if len(calls) in {2, 4}:
            raise KeyboardInterrupt
        return added

    with (
        patch.object(expansion, "STRETCH", 3),
        patch.object(campaign_recipients, "snapshot", dies),
    ):
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                tick(world)
        tick(world)
    assert written_down(world) == [(n + 1, f"lead-{n}") for n in range(10)]
    assert statuses(world, id_) == {"queued": 10}


def test_a_campaign_may_be_called_off_between_two_stretches(world: World) -> None:
    for n, to in enumerate(PEOPLE):
        knows(world, f"lead-{n}", to)
    id_ = to_contacts(world)
    with patch.object(expansion, "STRETCH", 4), world.rt.engine.begin() as db:
        expansion.step(world.rt, db)
    campaigns.cancel(world.rt, world.tenant, id_)
    tick(world)
    campaign, counts = look(world, id_)
    assert (campaign.state, campaign.targets, counts.canceled) == ("canceled", 4, 4)


def test_nothing_remains_of_who_is_erased_while_the_snapshot_is_taken(world: World) -> None:
    for n, to in enumerate(PEOPLE[:3]):
        knows(world, f"lead-{n}", to)
    to_contacts(world)
    with ThreadPoolExecutor(1) as threads:
        with world.rt.engine.begin() as db:
            expansion.step(world.rt, db)
            erased = threads.submit(erasure.erase, world.rt, world.tenant, Channel.SMS, PEOPLE[1])
            poll(lambda: len(world.rows("SELECT 1 FROM contacts")) == 2, "their contact to be gone")
        assert erased.result().finished_at is not None
    rows = world.rows("SELECT address, reason FROM campaign_recipients ORDER BY n")
    assert [tuple(row.values()) for row in rows] == [
        (PEOPLE[0], None), ("", "erased"), (PEOPLE[2], None),
    ]  # fmt: skip


def test_who_is_erased_while_their_message_is_made_gets_none(world: World) -> None:
    id_ = started(world, 5)
    gone = PEOPLE[2]
    calls: list[int] = []
    real = campaign_recipients.mark

    def erased_just_before(*args: Any) -> int:
        if not calls:
            calls.append(1)
            erasure.erase(world.rt, world.tenant, Channel.SMS, gone)
        return real(*args)

    with patch.object(campaign_recipients, "mark", erased_just_before):
        tick(world)
    _, counts = look(world, id_)
    assert (counts.by_status, counts.skipped, counts.reasons) == ({"queued": 4}, 1, {"erased": 1})
    assert not world.rows("SELECT 1 FROM messages WHERE recipient = :to", to=gone)


def test_who_is_erased_after_they_were_looked_up_ahead_gets_none(world: World) -> None:
    id_ = started(world, 6)
    gone = PEOPLE[3]  # the first of the next chunk
    real, ahead_of = Ahead.ask, list[str]()

    def erased_behind(ahead: Ahead, *args: Any) -> None:
        real(ahead, *args)
        if not ahead_of:
            assert ahead._found is not None
            ahead_of.extend(one.who.address for one in ahead._found.result())
            erasure.erase(world.rt, world.tenant, Channel.SMS, gone)

    with patch.object(expansion, "CHUNK", 3), patch.object(Ahead, "ask", erased_behind):
        tick(world)
    assert gone in ahead_of
    _, counts = look(world, id_)
    assert (counts.by_status, counts.skipped, counts.reasons) == ({"queued": 5}, 1, {"erased": 1})
    assert not world.rows("SELECT 1 FROM messages WHERE recipient = :to", to=gone)
