"""What a campaign would come to, before it begins, and what it came to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging import campaign_drafts, campaign_plans, campaign_results, campaigns, telemetry
from messaging.domain.campaign_states import CampaignState
from messaging.domain.compliance.facts import SuppressionKind
from messaging.domain.errors import InvalidRequestError
from tests.carrier import accepted
from tests.dispatch.campaigning import later, look, made, numbers, people, send_all, tick
from tests.world import World


@pytest.fixture(autouse=True)
def _quiet(world: World) -> None:
    telemetry.configure("critical", json=True)
    world.carrier.answer = lambda _: accepted()


def suppress(world: World, to: str) -> None:
    world.run(
        """INSERT INTO suppressions (tenant_id, channel, recipient_key, scope, kind, source, since)
           VALUES (:t, 'sms', :key, 'all', :kind, 'test', now())""",
        t=world.tenant.id,
        key=world.key(to),
        kind=SuppressionKind.OPT_OUT.value,
    )


def test_a_plan_says_what_comes_and_it_comes(world: World) -> None:
    suppress(world, numbers(1)[0])
    id_ = made(world, 20, per_minute=60)
    campaign_drafts.add_recipients(world.rt, world.tenant, id_, people(2, 20))
    found = campaign_plans.plan(world.rt, world.tenant, id_)
    assert (found["recipients"], found["asked"], found["to_send"]) == (22, 22, 19)
    assert found["skipped"] == {"no_first_name": 2}
    assert found["blocked"] == {"opted_out": 1}
    assert found["segments"] == 19
    assert found["countries"] == {"US": {"recipients": 19, "segments": 19, "cost": None}}
    assert found["senders"] == {world.sender.address: 19}
    assert (found["seconds"], found["slowest"]) == (22.0, {"limit": "per_minute", "name": None})
    assert world.rows("SELECT * FROM messages") == []
    campaigns.start(world.rt, world.tenant, id_)
    for _ in range(15):
        tick(world)
        send_all(world)
        later(world, 4)
    campaign, counts = look(world, id_)
    assert campaign.state is CampaignState.FINISHED
    assert campaign.plan == found
    assert (counts.handed_over, counts.segments) == (19, 19)
    assert (counts.skipped, counts.reasons["opted_out"]) == (2, 1)
    told = campaign_results.get(world.rt, world.tenant, id_).comparison
    assert told is not None
    errors = {line.what: line.error_percent for line in told}
    assert errors.pop("seconds") is not None
    assert errors.pop("cost") is None  # nobody is billed
    assert errors == dict.fromkeys(
        ["sent", "segments", "skipped: no_first_name", "blocked: opted_out",
         f"senders: {world.sender.address}"], 0.0
    )  # fmt: skip
    world.rt.ahead = timedelta(0)


def test_what_cannot_go_out_has_no_plan(world: World) -> None:
    id_ = made(world, 2, **{"from": world.sender.address})
    world.run("UPDATE senders SET retired_at = now()")
    world.forget_senders()
    with pytest.raises(InvalidRequestError):
        campaign_plans.plan(world.rt, world.tenant, id_)
