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

    campaign_id: Annotated[UUID, Field(description="what it is tracked by")]
    accepted_at: Annotated[datetime, Field(description="when it was kept, UTC")]


class Accepted(BaseModel):
    """The list is kept."""

    message: Annotated[str, Field(description="a sentence for people")]
    data: Annotated[AcceptedData, Field(description="the campaign it has become")]


class Phone(BaseModel):
    """What has become of one number."""

    phone: Annotated[str, Field(description="in E.164; as you wrote it if it is no number")]
    status: Annotated[str, Field(description="of its message; rejected: there is none")]
    reason: Annotated[str | None, Field(description="why, as a stable word; null: all is well")]
    message_id: Annotated[UUID | None, Field(description="its message; null: there is none")]


class CampaignData(BaseModel):
    """A campaign as it stands now."""

    campaign_id: Annotated[UUID, Field(description="what it is tracked by")]
    title: Annotated[str, Field(description="as you named it")]
    group_id: Annotated[str | None, Field(description="yours, as it was handed in")]
    accepted_at: Annotated[datetime, Field(description="when it was kept, UTC")]
    total: Annotated[int, Field(description="how many different numbers it is to")]
    counts: Annotated[dict[str, int], Field(description="numbers by status")]
    phones: Annotated[list[Phone], Field(description="each number once")]


class Campaign(BaseModel):
    """What has become of every number."""

    message: Annotated[str, Field(description="a sentence for people")]
    data: Annotated[CampaignData, Field(description="the campaign")]


class ErrorBody(BaseModel):
    """What is wrong."""

    code: Annotated[str, Field(description="a stable word for it, for programs")]
    details: Annotated[list[str], Field(description="each problem as `field: what to do`")]


class Failure(BaseModel):
    """Any error."""

    message: Annotated[str, Field(description="what is wrong, in a few words")]
    error: Annotated[ErrorBody, Field(description="what is wrong, for programs and in detail")]
