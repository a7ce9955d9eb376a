"""A 10DLC campaign, and the brand of the same name behind it, as most tests need them: in order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging.domain.message import Campaign
from messaging.domain.registration import BrandStatus, CampaignStatus
from messaging.runtime import Runtime
from messaging.store import registrations
from messaging.store.registrations import Brand, TendlcCampaign


def campaign(
    rt: Runtime,
    db: Connection,
    tenant_id: UUID,
    name: str = "main",
    status: CampaignStatus = CampaignStatus.VERIFIED,
    brand_status: BrandStatus = BrandStatus.ACTIVE,
    **changes: Any,
) -> Campaign:
    registrations.put_brand(db, tenant_id, rt.new_id(), Brand(name, brand_status))
    made = TendlcCampaign(name, name, status, **changes)
    registrations.put_campaign(db, tenant_id, rt.new_id(), made)
    found = registrations.campaign_id(db, tenant_id, name)
    assert found is not None
    changes.pop("use_case", None)
    return Campaign(found, name, status, name, brand_status, **changes)
