"""Campaigns that wait for their time, their canary, what is ahead, or somebody who looks at failures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from messaging import campaigns, telemetry
from messaging.campaigns import Failed
from messaging.domain.campaign_states import CampaignState
from messaging.domain.errors import ConflictError
from messaging.domain.message import Queue
from tests.carrier import accepted, refused
from tests.dispatch.campaigning import (
    ahead,
    later,
    look,
    send_all,
    started,
    statuses,
    tick,
)
from tests.world import World

S = CampaignState


@pytest.fixture(autouse=True)
def _policy(world: World) -> Iterator[None]:
    telemetry.configure("critical", json=True)
    world.carrier.answer = lambda _: accepted()
    yield
    world.rt.ahead = timedelta(0)


def test_a_campaign_starts_at_its_time(world: World) -> None:
    id_ = started(world, 3, scheduled_for=world.rt.now() + timedelta(hours=1))
    assert tick(world) == "nothing due"
    assert look(world, id_)[0].state is S.SCHEDULED
    later(world, 3_601)
    tick(world)
    assert statuses(world, id_) == {"queued": 3}


def test_a_canary_goes_first_and_is_waited_for(world: World) -> None:
    id_ = started(world, 30, canary={"size": 5})
    tick(world)
    assert statuses(world, id_) == {"queued": 5}
    send_all(world)
    later(world)
    tick(world)
    campaign, counts = look(world, id_)
    assert (campaign.state, campaign.state_reason, counts.waiting) == (S.PAUSED, "canary", 25)
    campaigns.resume(world.rt, world.tenant, id_)
    tick(world)
    assert statuses(world, id_) == {"sent": 5, "queued": 25}


@pytest.mark.parametrize(("code", "state"), [(0, S.RUNNING), (30005, S.PAUSED)])
def test_a_canary_that_fares_well_is_followed_by_the_rest(
    world: World, code: int, state: S
) -> None:
    if code:
        world.carrier.answer = lambda _: refused(400, 21614)
    id_ = started(world, 30, canary={"size": 5, "then": "go"})
    tick(world)
    send_all(world)
    later(world)
    tick(world)
    campaign, counts = look(world, id_)
    assert campaign.state is state
    assert counts.waiting == (25 if code else 0)


def test_too_many_failures_pause_it(world: World) -> None:
    world.carrier.answer = lambda _: refused(400, 21614)
    id_ = started(world, 60, pause_on_error_share=0.2)
    with ahead(world, 25):
        tick(world)
    assert sum(statuses(world, id_).values()) == 25
    send_all(world)
    later(world)
    tick(world)
    campaign, counts = look(world, id_)
    assert (campaign.state, campaign.state_reason) == (S.PAUSED, "too_many_failed")
    assert counts.waiting == 35


def test_no_more_is_queued_ahead_than_allowed(world: World) -> None:
    id_ = started(world, 50)
    with ahead(world, 20):
        tick(world)
        later(world)
        tick(world)
        assert statuses(world, id_) == {"queued": 20}
        world.send(Queue.LOW)
        later(world)
        tick(world)
    assert statuses(world, id_) == {"sent": 20, "queued": 20}


def failed(world: World, reason: str, count: int) -> list[UUID]:
    rows = world.rows(
        "SELECT id FROM messages WHERE status = 'queued' ORDER BY id LIMIT :n", n=count
    )
    ids = [row["id"] for row in rows]
    world.run(
        "UPDATE messages SET status = 'failed', status_reason = :r WHERE id = ANY(:ids)",
        r=reason,
        ids=ids,
    )
    world.run("DELETE FROM ready WHERE message_id = ANY(:ids)", ids=ids)
    return ids


@pytest.mark.parametrize(("which", "again"), [(Failed.TRANSIENT, 2), (Failed.ALL, 5)])
def test_those_that_failed_are_written_to_again(world: World, which: Failed, again: int) -> None:
    id_ = started(world, 12)
    tick(world)
    failed(world, "attempts_exhausted", 2)
    failed(world, "permanent_recipient", 3)
    failed(world, "unknown_outcome", 4)
    with pytest.raises(ConflictError):
        campaigns.retry(world.rt, world.tenant, id_, which)
    send_all(world)
    later(world)
    tick(world)
    assert look(world, id_)[0].state is S.FINISHED
    campaign, count = campaigns.retry(world.rt, world.tenant, id_, which)
    assert (campaign.state, count) == (S.RUNNING, again)
    assert look(world, id_)[1].waiting == again
    tick(world)
    send_all(world)
    later(world)
    tick(world)
    campaign, counts = look(world, id_)
    assert campaign.state is S.FINISHED
    assert counts.by_status == {"sent": 3 + again, "failed": 9 - again}
    assert len(world.rows("SELECT id FROM messages")) == 12 + again
