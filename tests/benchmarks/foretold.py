"""How near is the plan of a campaign to what then happens?

Ten numbers of different rates in five areas, at two providers with different prices; people in four
countries, of whom some said STOP and some have no name. The campaign is planned, then sent by the real
clock and workers to a carrier that answers after a moment:
`python -m tests.benchmarks.foretold --recipients 10000`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from messaging import (
    billing,
    campaign_drafts,
    campaign_plans,
    campaign_results,
    campaigns,
    policies,
    stack,
)
from messaging.campaign_results import Result
from messaging.domain import addresses
from messaging.domain.campaign import CampaignRequest
from messaging.domain.campaign_states import CampaignState
from messaging.domain.message import Channel, Sender
from messaging.domain.pricing import ANY, Price
from messaging.processes import Group, Process
from messaging.runtime import STALE_FOR
from messaging.sandbox import TELNYX_ACCOUNT, TELNYX_PUBLIC_KEY
from messaging.store import accounts as account_store
from messaging.store import senders as sender_store
from messaging.store.tenants import Tenant
from tests import registered
from tests.benchmarks.machine import Machine, machine, recipients
from tests.benchmarks.witness import VoidRunError, wait_until

AREAS = (212, 213, 312, 713, 404)
_RATES = ((3, 2), (4, 2), (5, 2), (3, 3), (4, 4))
"""Of each area's two numbers, one at either provider; to be multiplied by `--rate`."""
_CALM = 0.05
"""Seconds until the carrier answers."""
_WARM_UP = 100
_RUNG = "SELECT EXISTS (SELECT 1 FROM heartbeats WHERE name = 'promote_due')"
_NOTHING_OPEN = "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE status <> 'sent')"
_ABROAD = (
    *(f"+1{area}55501{n:02}" for n in range(90) for area in (416, 604, 514, 876)),
    *(f"+55119555501{n:02}" for n in range(90)),
)
_PRICES = (
    Price(Decimal("0.0079"), "USD", provider="twilio", own=True),
    Price(Decimal("0.0040"), "USD", provider="telnyx", own=True),
    Price(Decimal("0.0412"), "USD", provider="twilio", country="BR", own=True),
    Price(Decimal("0.0525"), "USD", provider=ANY, country="JM", own=True),
)
_LONG = "and there is something for you at the desk, which we have kept since you were here last: "
_SUPPRESS = sa.text("""
INSERT INTO suppressions (tenant_id, channel, recipient_key, scope, kind, source, since)
VALUES (:tenant, 'sms', :key, 'all', 'opt_out', 'bench', now())
""")


def foretell(m: Machine, count: int, rate: float) -> Result:
    """Plan a campaign to so many people, send it, and say what was foretold beside what came.

    Raises:
        VoidRunError: it did not finish, or the carrier's ledger contradicts ours.
    """
    with Group([m.workers("low"), m.workers("intake"), _beat(m)]):
        _warm_up(m)
        return _compared(m, count, rate)


def _warm_up(m: Machine) -> None:
    """Return when everybody is at work."""
    m.reset()
    m.submit(m.requests(_WARM_UP))
    wait_until(lambda: m.carrier.counts()["accepted"] >= _WARM_UP, "the first messages")
    wait_until(lambda: m.scalar(_RUNG), "the first tick of the clock")
    wait_until(lambda: m.scalar(_NOTHING_OPEN), "their results")
    m.reset()


def _compared(m: Machine, count: int, rate: float) -> Result:
    tenant = _tenant(m, rate)
    request = CampaignRequest.model_validate(
        {
            "name": "foretold",
            "body": "Hi {{first_name}}, {{more|}}we look forward to seeing you tomorrow at noon. "
            "Please bring the papers that we sent you.",
            "category": "NOTIFICATION",
            "recipients": list(_people(count)),
        }
    )
    with m.rt.engine.begin() as db:
        for to in _mixed(count)[::40]:
            key = addresses.key(m.rt.settings.pepper, "sms", to)
            db.execute(_SUPPRESS, {"tenant": tenant.id, "key": key})
    m.settle()
    made = campaign_drafts.create(m.rt, tenant, request)
    plan = campaign_plans.plan(m.rt, tenant, made.id)
    m.carrier.answer(latency=_CALM)
    time.sleep(2 * STALE_FOR.total_seconds())  # by then every worker knows senders and prices
    campaigns.start(m.rt, tenant, made.id)
    wait_until(
        lambda: campaigns.get(m.rt, tenant, made.id)[0].state is CampaignState.FINISHED,
        "the end of the campaign",
        seconds=120 + 3 * plan["seconds"],
        pause=0.5,
    )
    found = campaign_results.get(m.rt, tenant, made.id)
    taken = m.carrier.counts()
    if found.counts.total != count or taken["accepted"] != found.counts.handed_over:
        raise VoidRunError(f"{found.counts} of {count} recipients; the carrier took {taken}")
    return found


def _mixed(count: int) -> list[str]:
    """Numbers of many areas and some countries, each once."""
    home = iter(recipients())
    abroad = iter(_ABROAD)
    numbers = (next(abroad, None) if n % 20 == 0 else None for n in range(count))
    return [number or next(home) for number in numbers]


def _people(count: int) -> Iterator[dict[str, Any]]:
    for n, to in enumerate(_mixed(count)):
        fields = {} if n % 50 == 7 else {"first_name": f"P{n}"}
        if n % 8 == 3:
            fields["more"] = _LONG
        yield {"to": to, "fields": fields}


def _tenant(m: Machine, rate: float) -> Tenant:
    """The machine's tenant with ten numbers of its own rates, at two providers, and billed."""
    rt, tenant = m.rt, m.tenant
    second = replace(
        m.account,
        id=rt.new_id(),
        provider="telnyx",
        name="second",
        username=TELNYX_ACCOUNT.sid,
        secret=TELNYX_ACCOUNT.token,
        webhook_secrets=(TELNYX_PUBLIC_KEY,),
    )
    pool = rt.new_id()
    with rt.engine.begin() as db:
        db.execute(sa.text("UPDATE senders SET retired_at = now(), state = 'retired'"))
        account_store.add_account(db, second, (), rt.sealer)
        sender_store.add_pool(db, tenant.id, pool, "foretold")
        verified = registered.campaign(rt, db, tenant.id)
        senders = [
            Sender(
                id=rt.new_id(),
                tenant_id=tenant.id,
                account_id=account.id,
                channel=Channel.SMS,
                address=f"+1{area}55501{99 - place}",
                mps=mps * rate,
                is_default=False,
                pool_ids=frozenset([pool]),
                campaign=verified,
            )
            for area, both in zip(AREAS, _RATES, strict=True)
            for place, (mps, account) in enumerate(zip(both, (m.account, second), strict=True))
        ]
        sender_store.add_senders(db, senders)
    billing.enable(rt, tenant, "USD")
    billing.set_prices(rt, tenant, _PRICES)
    billing.top_up(rt, tenant, Decimal(100_000))
    policies.change(
        rt,
        tenant,
        {"destinations": {"international_per_hour": 100_000, "prefix_per_hour": 100_000}},
    )
    rt.forget(tenant.id)
    return tenant


def _beat(m: Machine) -> Process:
    argv = [sys.executable, "-m", *stack.BEAT]
    return Process("beat", argv, m.env, m.folder / "logs" / "beat.log")


def run(
    recipients: Annotated[int, typer.Option(help="How many people the campaign is to.")] = 10_000,
    rate: Annotated[float, typer.Option(help="What the numbers' rates are multiplied by.")] = 8.0,
) -> None:
    """Compare one campaign's plan with what came of it."""
    with machine() as m:
        found = foretell(m, recipients, rate)
    plan = found.campaign.plan or {}
    print(f"slowest limit: {plan['slowest']}; blocked {plan['blocked']}; skipped {plan['skipped']}")
    for country, told in plan["countries"].items():
        print(f"  {country}: {told}")
    print(f"{'':28}{'plan':>14}{'actual':>14}{'error, %':>10}")
    for line in found.comparison or []:
        error = "" if line.error_percent is None else f"{line.error_percent:.2f}"
        print(f"{line.what:28}{line.plan or 0:>14,}{line.actual or 0:>14,}{error:>10}")
    print("goals: cost within 1 %, seconds within 10 %")


if __name__ == "__main__":
    typer.run(run)
