"""How does a campaign do?"""

from __future__ import annotations

from messaging.runtime import Runtime
from messaging.store import statistics
from messaging.store.statistics import CampaignStatistics
from messaging.store.tenants import Tenant


def of_campaign(rt: Runtime, tenant: Tenant, campaign: str) -> CampaignStatistics:
    """A campaign's messages, counted as they stand now; a campaign is whatever messages named."""
    with rt.engine.connect() as db:
        return statistics.of_campaign(db, tenant.id, campaign)
