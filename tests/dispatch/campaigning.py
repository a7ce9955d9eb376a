"""Campaigns of a world, and what must hold of them at every moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from messaging import campaign_drafts, campaigns, expansion
from messaging.domain.campaign import CampaignRequest, Recipient
from messaging.domain.lifecycle import Status
from messaging.domain.message import Queue
from messaging.store.campaigns import Campaign, Counts
from tests.world import World


def numbers(count: int, start: int = 0) -> list[str]:
    """Different fictional numbers: those of 01XX in many area codes."""
    areas = (202, 212, 213, 310, 312, 313, 404, 415, 503, 512, 602, 617, 646, 702, 713, 718, 786)
    every = [f"+1{area}55501{n:02}" for area in areas for n in range(90)]
    return every[start : start + count]


def asked(count: int = 3, **fields: Any) -> CampaignRequest:
    """A campaign to so many people, transactional unless it says otherwise."""
    people = [{"to": to, "fields": {"first_name": f"P{i}"}} for i, to in enumerate(numbers(count))]
    given = {"name": "spring", "body": "Hi {{first_name}}", "category": "TRANSACTIONAL"}
    return CampaignRequest.model_validate({**given, "recipients": people, **fields})


def made(world: World, count: int = 3, **fields: Any) -> UUID:
    """A draft."""
    return campaign_drafts.create(world.rt, world.tenant, asked(count, **fields)).id


def started(world: World, count: int = 3, **fields: Any) -> UUID:
    """One that has been started; nobody has worked on it yet."""
    id_ = made(world, count, **fields)
    campaigns.start(world.rt, world.tenant, id_)
    return id_


def later(world: World, seconds: float = 2.5) -> None:
    """Time passes for what the clock does."""
    world.rt.ahead += timedelta(seconds=seconds)


def send_all(world: World) -> None:
    """Everything that is queued goes out, or is put off."""
    world.forget_senders()
    while world.send(Queue.LOW).claimed:
        pass


@contextmanager
def ahead(world: World, count: int) -> Iterator[None]:
    """No more than so many messages of a campaign are under way."""
    before = world.rt.settings
    world.rt.settings = before.model_copy(update={"campaign_ahead": count})
    try:
        yield
    finally:
        world.rt.settings = before


def tick(world: World) -> str:
    """What the clock does."""
    return expansion.run(world.rt)


def look(world: World, campaign_id: UUID) -> tuple[Campaign, Counts]:
    """It and its counts, which are those of the ledger."""
    campaign, counts = campaigns.get(world.rt, world.tenant, campaign_id)
    assert counts.total == campaign.targets or campaign.snapshot_at is None
    rows = world.rows(
        "SELECT message_id, state FROM campaign_recipients WHERE campaign_id = :c", c=campaign_id
    )
    ids = [row["message_id"] for row in rows if row["message_id"]]
    assert len(ids) == len(set(ids))
    return campaign, counts


def statuses(world: World, campaign_id: UUID) -> dict[Status, int]:
    """How many of its messages are where."""
    return look(world, campaign_id)[1].by_status


def people(count: int, start: int = 0) -> list[Recipient]:
    """Recipients without any field."""
    return [Recipient(to=to, fields={}) for to in numbers(count, start)]
