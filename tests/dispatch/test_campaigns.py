"""Campaigns: expanded once each, paced, paused, resumed, taken back, tried again, and counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from messaging import campaign_drafts, campaigns, expansion, maintenance, telemetry
from messaging.domain.campaign_states import CampaignState
from messaging.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from messaging.domain.message import Queue
from messaging.store import campaign_recipients
from tests.carrier import accepted
from tests.dispatch.campaigning import (
    ahead,
    asked,
    later,
    look,
    made,
    numbers,
    people,
    send_all,
    started,
    statuses,
    tick,
)
from tests.world import World, at_once

S = CampaignState


@pytest.fixture(autouse=True)
def _policy(world: World) -> Iterator[None]:
    telemetry.configure("critical", json=True)
    world.carrier.answer = lambda _: accepted()
    yield
    world.rt.ahead = timedelta(0)


def test_everybody_gets_their_own_text_once(world: World) -> None:
    id_ = started(world, 3, body="Hi {{first_name}}, {{offer|20 % off}}", template="t")
    tick(world)
    campaign, counts = look(world, id_)
    assert (campaign.state, campaign.targets, counts.by_status) == (S.RUNNING, 3, {"queued": 3})
    send_all(world)
    later(world)
    assert "1 finished" in tick(world)
    campaign, counts = look(world, id_)
    assert (campaign.state, counts.by_status, counts.waiting) == (S.FINISHED, {"sent": 3}, 0)
    rows = world.rows("SELECT * FROM messages ORDER BY recipient")
    assert [r["body"] for r in rows] == [f"Hi P{i}, 20 % off" for i in range(3)]
    assert {(r["campaign"], r["priority"], r["template"]) for r in rows} == {("spring", "LOW", "t")}
    assert tick(world) == "nothing due"


def test_whoever_lacks_a_field_is_skipped_with_the_reason(world: World) -> None:
    request = asked(1).model_copy(
        update={"recipients": [*people(1, 1), *people(1, 2), *(asked(1).recipients or [])]}
    )
    id_ = campaign_drafts.create(world.rt, world.tenant, request).id
    campaigns.start(world.rt, world.tenant, id_)
    tick(world)
    _, counts = look(world, id_)
    assert (counts.skipped, counts.by_status) == (2, {"queued": 1})
    assert counts.reasons == {"no_first_name": 2}
    send_all(world)
    later(world)
    tick(world)
    assert look(world, id_)[0].state is S.FINISHED
    shown = campaigns.recipients(world.rt, world.tenant, id_, None, 0, 10)
    assert [(r.n, r.state, r.reason) for r in shown] == [
        (1, "skipped", "no_first_name"),
        (2, "skipped", "no_first_name"),
        (3, "sent", None),
    ]
    assert [r.n for r in campaigns.recipients(world.rt, world.tenant, id_, "skipped", 1, 10)] == [2]


def test_what_is_wrong_with_a_request_is_said_by_field(world: World) -> None:
    wrong = asked(2, body="Hi {{nick}}", pool="nowhere", audience={})
    with pytest.raises(InvalidRequestError) as caught:
        campaign_drafts.create(world.rt, world.tenant, wrong)
    found = {(p.pointer, p.code) for p in caught.value.problems}
    assert found == {
        ("#/pool", "unknown_pool"),
        ("#/recipients", "not_together"),
        ("#/audience", "empty_audience"),
        ("#/body", "unknown_placeholder"),
    }
    bad = asked(2)
    bad.recipients[1].to = "12"  # type: ignore[index]
    with pytest.raises(InvalidRequestError) as caught:
        campaign_drafts.create(world.rt, world.tenant, bad)
    assert [p.pointer for p in caught.value.problems] == ["#/recipients/1/to"]
    assert world.rows("SELECT * FROM campaigns") == []


def test_a_name_is_given_once_and_nobody_sees_anothers(world: World) -> None:
    id_ = made(world)
    with pytest.raises(ConflictError):
        made(world)
    with pytest.raises(NotFoundError):
        campaigns.get(world.rt, World(world.rt).tenant, id_)


def test_recipients_are_added_to_a_draft_each_once(world: World) -> None:
    id_ = made(world, 2, body="Hello")
    campaign, added = campaign_drafts.add_recipients(world.rt, world.tenant, id_, people(4))
    assert (added, campaign.targets) == (2, 4)
    campaigns.start(world.rt, world.tenant, id_)
    with pytest.raises(ConflictError):
        campaign_drafts.add_recipients(world.rt, world.tenant, id_, people(9))
    tick(world)
    assert statuses(world, id_) == {"queued": 4}
    assert [r["n"] for r in world.rows("SELECT n FROM campaign_recipients ORDER BY n")] == [
        1, 2, 3, 4,
    ]  # fmt: skip


def test_a_crash_between_two_chunks_repeats_nothing_and_loses_nothing(world: World) -> None:
    id_ = started(world, 50)
    real, calls = campaign_recipients.mark, []

    def dies(*args: Any) -> int:
        marked = real(*args)
        calls.append(1)
        if len(calls) in {2, 4}:
            raise KeyboardInterrupt
        return marked

    with patch.object(expansion, "CHUNK", 10), patch.object(campaign_recipients, "mark", dies):
        for expected in (10, 20):
            with pytest.raises(KeyboardInterrupt):
                tick(world)
            assert statuses(world, id_) == {"queued": expected}
        tick(world)
    assert statuses(world, id_) == {"queued": 50}
    assert len(world.rows("SELECT DISTINCT recipient FROM messages")) == 50
    assert len(world.ready()) == 50


def test_two_workers_make_each_message_once(world: World) -> None:
    ids = [started(world, 200, name=f"c{i}") for i in range(3)]
    with patch.object(expansion, "CHUNK", 7):
        at_once(*[lambda: tick(world)] * 3)
    tick(world)
    for id_ in ids:
        assert statuses(world, id_) == {"queued": 200}


def test_pausing_puts_off_what_is_queued_and_resuming_lets_it_go(world: World) -> None:
    id_ = started(world, 30)
    with ahead(world, 10):
        tick(world)
    assert statuses(world, id_) == {"queued": 10}
    campaigns.pause(world.rt, world.tenant, id_)
    send_all(world)
    later(world)
    assert tick(world) == "nothing due"
    _, counts = look(world, id_)
    assert (counts.waiting, counts.by_status) == (20, {"scheduled": 10})
    assert counts.reasons == {"campaign_paused": 10}
    campaigns.resume(world.rt, world.tenant, id_)
    due = world.rows("SELECT count(*) AS n FROM scheduled WHERE due_at <= now()")
    assert due[0]["n"] == 10
    for _ in range(8):
        later(world)
        tick(world)
        world.run("UPDATE scheduled SET due_at = now()")
        maintenance.promote_due(world.rt)
        send_all(world)
    campaign, counts = look(world, id_)
    assert (campaign.state, counts.by_status) == (S.FINISHED, {"sent": 30})


def test_canceling_takes_back_what_waits(world: World) -> None:
    id_ = started(world, 30)
    with ahead(world, 20):
        tick(world)
    world.take(Queue.LOW, 5)  # on their way
    campaigns.cancel(world.rt, world.tenant, id_)
    tick(world)
    campaign, counts = look(world, id_)
    assert campaign.state is S.CANCELING
    assert (counts.canceled, counts.by_status) == (10, {"sending": 5, "canceled": 15})
    world.settle()
    later(world)
    tick(world)
    campaign, counts = look(world, id_)
    assert campaign.state is S.CANCELED
    assert (counts.canceled, counts.by_status) == (10, {"sent": 5, "canceled": 15})
    with pytest.raises(ConflictError):
        campaigns.resume(world.rt, world.tenant, id_)


def test_a_draft_that_is_canceled_writes_to_nobody(world: World) -> None:
    id_ = made(world)
    campaigns.cancel(world.rt, world.tenant, id_)
    tick(world)
    campaign, counts = look(world, id_)
    assert (campaign.state, counts.canceled) == (S.CANCELED, 3)
    assert world.rows("SELECT * FROM messages") == []


def test_a_first_marketing_text_says_who_writes(world: World) -> None:
    world.run(
        """INSERT INTO consent_events (tenant_id, channel, recipient_key, category, action, basis,
             source, at)
           SELECT :t, 'sms', k, 'MARKETING', 'grant', 'express_written', 'test', now()
           FROM unnest(CAST(:keys AS bytea[])) AS k""",
        t=world.tenant.id,
        keys=[world.key(to) for to in numbers(2)],
    )
    id_ = started(world, 2, category="MARKETING", body="Sale")
    tick(world)
    assert sum(statuses(world, id_).values()) == 2
    bodies = {row["body"] for row in world.rows("SELECT body FROM messages")}
    assert len(bodies) == 1
    assert bodies.pop() != "Sale"
    second = started(world, 2, category="MARKETING", body="Sale", name="again")
    tick(world)
    assert statuses(world, second) == {"queued": 2}
    assert {
        r["body"] for r in world.rows("SELECT body FROM messages WHERE campaign = 'again'")
    } == {"Sale"}


def test_a_campaign_whose_sender_is_gone_is_paused_with_the_reason(world: World) -> None:
    id_ = started(world, 2, **{"from": world.sender.address})
    world.run("UPDATE senders SET retired_at = now()")
    world.forget_senders()
    tick(world)
    campaign, _ = look(world, id_)
    assert (campaign.state, campaign.state_reason) == (S.PAUSED, "from: unknown_sender")
