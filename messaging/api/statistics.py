"""`/v1/campaigns/{campaign}/statistics`: what has become of a campaign's messages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from messaging import statistics
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.domain.lifecycle import Status
from messaging.domain.traffic import NO_BUSINESS

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])


class StatisticsBody(BaseModel):
    """A campaign's messages as they stand now, each counted once."""

    campaign: str
    total: Annotated[int, Field(description="messages of the traffic RealLead")]
    by_status: Annotated[dict[Status, int], Field(description="those, by status; none is left out")]
    excluded: Annotated[
        dict[str, int],
        Field(
            description="what is no business: other traffic, what failed before a carrier took it "
            "(FailedAttempt), and what left from a number that was warming up (is_warmup)"
        ),
    ]


@router.get("/{campaign:path}/statistics", response_model=StatisticsBody)
def campaign_statistics(
    desk: Desks,
    tenant: Tenants,
    campaign: Annotated[str, Path(max_length=128, description="as messages name it")],
) -> Response:
    """Count a campaign's messages by status; tests, warm-up and our own answers stand apart."""
    found = statistics.of_campaign(desk.rt, tenant, campaign)
    return schema.answer(
        {
            "campaign": campaign,
            "total": found.total,
            "by_status": {status.value: found.by_status.get(status, 0) for status in Status},
            "excluded": {kind: found.excluded.get(kind, 0) for kind in NO_BUSINESS},
        }
    )
