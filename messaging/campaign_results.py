"""What has a campaign come to, and how near to its plan is that?"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from messaging.campaign_drafts import found
from messaging.domain.campaign_states import CampaignState
from messaging.domain.comparison import Compared, Outcome, compared
from messaging.runtime import Runtime
from messaging.store import campaign_results, campaigns
from messaging.store.campaigns import Campaign, Counts
from messaging.store.tenants import Tenant


class Result(NamedTuple):
    """A campaign, and what has become of its recipients, as of one moment."""

    campaign: Campaign
    counts: Counts
    outcome: Outcome | None
    """What it came to; None before it has started."""
    comparison: list[Compared] | None
    """Its plan beside that; None without a plan, and before it is finished."""


def get(rt: Runtime, tenant: Tenant, campaign_id: UUID) -> Result:
    """One of the tenant's campaigns, and what it has come to.

    Raises:
        NotFoundError: no such campaign of this tenant.
    """
    with rt.engine.connect().execution_options(isolation_level="REPEATABLE READ") as db:
        campaign = found(campaigns.find(db, tenant.id, campaign_id))
        counts = campaigns.counts(db, campaign)
        if campaign.started_at is None:
            return Result(campaign, counts, None, None)
        outcome = campaign_results.outcome(db, campaign, counts)
    finished = campaign.state is CampaignState.FINISHED
    told = compared(campaign.plan, outcome) if finished and campaign.plan is not None else None
    return Result(campaign, counts, outcome, told)
