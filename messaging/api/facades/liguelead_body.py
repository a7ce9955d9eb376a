"""What LigueLead's document and ours say of its bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from messaging.domain.message import Category
from messaging.domain.request import Ref


class Sms(BaseModel):
    """One text to a list of numbers."""

    title: Annotated[str, Field(min_length=1, max_length=200, description="names the campaign")]
    message: Annotated[str, Field(min_length=1, description="at most 160 characters")]
    phones: Annotated[
        list[str | int], Field(description="Brazilian numbers: national, +55 or 55 before them")
    ]
    group_id: Annotated[Ref | None, Field(description="yours; the `source` of the messages")] = None
    is_flash: Annotated[bool, Field(description="show it at once, keep nothing; no links")] = False
    message_type: Annotated[
        Category, Field(description="what it is for; MARKETING needs a consent on record")
    ] = Category.TRANSACTIONAL


class AcceptedData(BaseModel):
    """The campaign that a request has become."""

    campaign_id: UUID
    accepted_at: datetime


class Accepted(BaseModel):
    """The list is kept."""

    message: str
    data: AcceptedData


class Phone(BaseModel):
    """What has become of one number."""

    phone: str
    status: Annotated[str, Field(description="of its message; rejected: there is none")]
    reason: str | None
    message_id: UUID | None


class CampaignData(BaseModel):
    """A campaign as it stands now."""

    campaign_id: UUID
    title: str
    group_id: str | None
    accepted_at: datetime
    total: int
    counts: Annotated[dict[str, int], Field(description="numbers by status")]
    phones: list[Phone]


class Campaign(BaseModel):
    """What has become of every number."""

    message: str
    data: CampaignData


class ErrorBody(BaseModel):
    """What is wrong."""

    code: str
    details: list[str]


class Failure(BaseModel):
    """Any error."""

    message: str
    error: ErrorBody
