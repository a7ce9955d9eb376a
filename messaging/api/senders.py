"""`/v1/senders`: what a message's `from` may name, how it stands, and what it did today."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import fleet, sender_changes, sender_files
from messaging.api import reading, schema
from messaging.api.native import Desks, Tenants
from messaging.domain import sender_load
from messaging.domain.errors import NotFoundError
from messaging.domain.message import Capability, Channel
from messaging.domain.registration import ReplyOwner, SenderKind, Standing, Verification
from messaging.domain.sender_csv import COLUMNS, MAX_ROWS
from messaging.domain.sender_health import SenderState
from messaging.domain.sender_request import SenderPatch, SenderRequest
from messaging.store.fleet_views import SenderView
from messaging.store.sender_states import Entered

router = APIRouter(prefix="/v1/senders", tags=["senders"])

_FILE_LIMIT = 8 * reading.MIB


class DayBody(BaseModel):
    """What became of messages in the last 24 hours: counts, and shares of what ended or was sent."""

    sent: int
    delivered: int
    undelivered: int
    filtered: Annotated[int, Field(description="taken for spam by a carrier")]
    landline: int
    opted_out: int
    replies: int
    ratios: Annotated[
        dict[str, float | None],
        Field(description="of what ended; `opted_out` and `replies` of what was sent; null: none"),
    ]


class TodayBody(BaseModel):
    """What a sender did since midnight in California."""

    segments: float
    share: Annotated[float, Field(description="of a day's segments at its rate")]
    recipients: Annotated[
        int, Field(description="different people; counted where there is an `allowance`")
    ]


class SenderBody(BaseModel):
    """Something messages can be sent from."""

    id: UUID
    address: str
    channel: Channel
    kind: SenderKind
    account: str
    pools: list[str]
    capabilities: list[Capability]
    country: str | None
    owner: str | None
    mps: Annotated[float, Field(description="message segments a second")]
    is_default: bool
    state: Annotated[SenderState, Field(description="`cordoned` is not chosen unasked")]
    state_reason: str | None
    state_since: datetime
    cordoned_until: datetime | None
    daily_recipients: int | None
    ramp: Annotated[list[int] | None, Field(description="different recipients a day, per level")]
    ramp_level: int
    warming: Annotated[bool, Field(description="it is new and on its ramp")]
    allowance: Annotated[
        int | None, Field(description="how many different people it may write to today")
    ]
    campaign: Annotated[str | None, Field(description="its 10DLC campaign, by name")]
    verification: Annotated[
        Verification,
        Field(description="a toll-free number's own, or `suspended`: a long code taken off"),
    ]
    provider_verification_id: str | None
    standing: Annotated[
        Standing, Field(description="what its registrations come to where they are asked for")
    ]
    reply_owner: Annotated[ReplyOwner, Field(description="who answers STOP, START and HELP")]
    health: Annotated[str, Field(description="the worst ratio of the last 24 hours, in words")]
    headroom: Annotated[float, Field(description="what is left of its day, 0 to 1")]
    today: TodayBody
    day: DayBody


class StateBody(BaseModel):
    """A state a sender entered."""

    state: SenderState
    reason: str | None
    at: datetime


class SenderHistory(SenderBody):
    """A sender and its latest states, newest first."""

    history: list[StateBody]


class Senders(BaseModel):
    """A tenant's senders."""

    data: list[SenderBody]


class ImportedSenders(BaseModel):
    """What an import came to."""

    added: int


def _sender_id(sender_id: Annotated[str, Path(description="the id of a sender")]) -> UUID:
    try:
        return UUID(sender_id)
    except ValueError:
        raise NotFoundError("no sender of yours has this id") from None


SenderId = Annotated[UUID, Depends(_sender_id)]
_NEW: Any = {
    "number": {
        "summary": "A long code on its 10DLC campaign",
        "value": {"address": "+12025550150", "pools": ["main"], "campaign": "main"},
    },
    "warming": {
        "summary": "One that is warmed up, for MMS too",
        "value": {"address": "+12025550151", "capabilities": ["sms", "mms"], "ramp": "default"},
    },
    "short_code": {"value": {"address": "72345", "owner": "support", "daily_recipients": 5000}},
    "email": {"value": {"address": "news@example.com"}},
    "instagram": {"value": {"address": "17841400000000000", "channel": "instagram_dm"}},
}
_PATCH: Any = {
    "registered": {"value": {"campaign": "main"}},
    "cordoned": {"summary": "Not chosen unasked", "value": {"state": "cordoned"}},
    "back": {"value": {"state": "active", "mps": 2.5}},
}


@router.get("", response_model=Senders)
def list_senders(desk: Desks, tenant: Tenants) -> Response:
    """List what a message's `from` may name, with what each did today.

    Health, headroom and what its registrations come to stand with each.
    """
    found = sender_changes.views(desk.rt, tenant)
    return schema.answer({"data": [shown(view) for view in found]})


@router.post("", response_model=SenderBody, status_code=201)
def add_sender(
    desk: Desks, tenant: Tenants, asked: Annotated[SenderRequest, Body(openapi_examples=_NEW)]
) -> Response:
    """Add a sender; a pool that is new is made. Held messages that it can carry are sent."""
    (made,) = fleet.add(desk.rt, tenant, [asked], ["#"])
    view, _ = sender_changes.view(desk.rt, tenant, made.id)
    return schema.answer(shown(view), 201, {"Location": f"/v1/senders/{made.id}"})


@router.post(
    "/import",
    response_model=ImportedSenders,
    status_code=201,
    openapi_extra=reading.CSV_BODY,
    description=(
        f"A CSV file of up to {MAX_ROWS:,} senders with columns of `{','.join(COLUMNS)}`; only "
        "`address` is needed, and a cell of several things parts them with semicolons. It is taken "
        "whole or, if any line is wrong, not at all (422, `#/12/address`)."
    ),
)
async def import_senders(request: Request, desk: Desks, tenant: Tenants) -> Response:
    """Add every sender of a file."""
    content = await reading.body(request, _FILE_LIMIT)
    added = await run_in_threadpool(sender_files.import_file, desk.rt, tenant, content)
    return schema.answer({"added": added}, 201)


@router.get("/{sender_id}", response_model=SenderHistory)
def get_sender(desk: Desks, tenant: Tenants, sender_id: SenderId) -> Response:
    """Get a sender, retired or not, and the states it was in.

    The latest state comes first, each with its reason.
    """
    view, history = sender_changes.view(desk.rt, tenant, sender_id)
    return schema.answer({**shown(view), "history": list(map(_entered, history))})


@router.patch("/{sender_id}", response_model=SenderBody)
def change_sender(
    desk: Desks,
    tenant: Tenants,
    sender_id: SenderId,
    patch: Annotated[SenderPatch, Body(openapi_examples=_PATCH)],
) -> Response:
    """Change a sender; what is left out stays. `pools` are all it is in from then on.

    Once it is registered, messages that were held for want of it are sent.
    """
    return schema.answer(shown(sender_changes.change(desk.rt, tenant, sender_id, patch)))


@router.delete("/{sender_id}", status_code=204)
def retire_sender(desk: Desks, tenant: Tenants, sender_id: SenderId) -> Response:
    """Take a sender out of use for ever; what it sent keeps naming it."""
    sender_changes.retire(desk.rt, tenant, sender_id)
    return Response(status_code=204)


def _entered(entered: Entered) -> dict[str, Any]:
    return {**asdict(entered), "at": entered.at.astimezone(UTC)}


def shown(view: SenderView) -> dict[str, Any]:
    """A sender as `SenderBody` says."""
    fields = asdict(view)
    segments, people = fields.pop("segments_today"), fields.pop("people_today")
    for name in ("state_since", "cordoned_until"):
        if fields[name] is not None:
            fields[name] = fields[name].astimezone(UTC)
    return fields | {
        "health": sender_load.health(view.day),
        "headroom": round(view.headroom, 6),
        "today": {"segments": segments, "share": round(view.used, 6), "recipients": people},
        "day": fields["day"] | {"ratios": sender_load.ratios(view.day)},
    }
