"""Does a campaign write to everybody once, while every kind of process is killed every three seconds?

POSTHORN_TEST_CAMPAIGN says to how many, if not to 3,000.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from messaging import campaign_drafts, campaigns
from messaging.domain.campaign import CampaignRequest, Recipient
from messaging.domain.campaign_states import CampaignState
from messaging.domain.lifecycle import Status
from tests.faults.caller import Caller
from tests.faults.nemesis import Nemesis
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare

PEOPLE = int(os.environ.get("POSTHORN_TEST_CAMPAIGN", "3000"))
RATE = max(150, PEOPLE // 200)
"""Messages a second the campaign goes at; its numbers carry 1.6 times as many."""
EVERY_SECONDS = 3.0
NAMELESS = 50
"""One in so many has no name, and is skipped."""
LOT = 10_000
SEED = 61
FAULTS: dict[str, Any] = {
    "latency": 0.05,
    "rate_500": 0.03,
    "rate_drop": 0.01,
    "rate_undelivered": 0.02,
}
PLAN = ("parent", "child", "api", "parent", "beat", "postgres", "child", "parent", "flushall")
_AREAS = (
    202, 205, 206, 212, 213, 214, 215, 216, 301, 303, 305, 310, 312, 313, 314, 315, 404, 405, 408,
    412, 413, 414, 415, 501, 502, 503, 504, 512, 513, 602, 603, 605, 606, 607, 608, 609,
)  # fmt: skip

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240 + PEOPLE // 20)]


def people() -> Iterator[Recipient]:
    """Everybody, at a number of their own."""
    for n in range(PEOPLE):
        exchange, rest = divmod(n // len(_AREAS), 90)
        number = f"+1{_AREAS[n % len(_AREAS)]}{555 + exchange % 40}0{100 + rest}"
        fields = {} if n % NAMELESS == 0 else {"first_name": f"P{n}"}
        yield Recipient(to=number, fields=fields)


def made(rig: Rig, caller: Caller) -> UUID:
    """A draft to everybody."""
    everybody = list(people())
    request = CampaignRequest.model_validate(
        {
            "name": "under fire",
            "body": "Hi {{first_name}}",
            "category": "NOTIFICATION",
            "recipients": everybody[:LOT],
            "per_minute": 60 * RATE,
        }
    )
    id_ = campaign_drafts.create(rig.rt, caller.tenant, request).id
    for start in range(LOT, PEOPLE, LOT):
        lot = everybody[start : start + LOT]
        campaign_drafts.add_recipients(rig.rt, caller.tenant, id_, lot)
    return id_


def test_a_campaign_writes_to_everybody_once_whatever_is_killed(rig: Rig) -> None:
    caller = rig.caller(senders=4, mps=RATE * 2 // 5)
    rig.faults(caller.accounts[0], **FAULTS)
    id_ = made(rig, caller)
    campaigns.start(rig.rt, caller.tenant, id_)
    nemesis = Nemesis(rig, random.Random(SEED))
    ends = time.monotonic() + PEOPLE / 100

    def state() -> CampaignState:
        return campaigns.get(rig.rt, caller.tenant, id_)[0].state

    while state() is not CampaignState.FINISHED and time.monotonic() < ends:
        for what in PLAN:
            nemesis.act((what,), pause=(EVERY_SECONDS, EVERY_SECONDS))
    until(lambda: state() is CampaignState.FINISHED, 120, "it is finished")
    _, counts = campaigns.get(rig.rt, caller.tenant, id_)
    rows = rig.query("SELECT id, recipient FROM messages WHERE tenant_id = :t", t=caller.tenant.id)
    caller.ids = [row.id for row in rows]
    verdict = compare(rig, caller)
    figures = f"seed {SEED}: {nemesis.struck}\n{nemesis.kills} kills, {counts}; {verdict}"
    print(figures)
    assert nemesis.kills >= 7, figures
    assert counts.skipped == -(-PEOPLE // NAMELESS), figures
    assert counts.total == PEOPLE, figures
    assert counts.waiting == 0, figures
    ended = {Status.SENT, Status.DELIVERED, Status.FAILED, Status.UNDELIVERABLE}
    assert counts.by_status.keys() <= ended, figures
    assert len(rows) == len({row.recipient for row in rows}) == PEOPLE - counts.skipped, figures
    assert verdict.is_clean, figures
