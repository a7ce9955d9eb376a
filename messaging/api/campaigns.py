"""`/v1/campaigns`: one text to many people, followed until there is nothing left to do for any of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Body, Depends, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from messaging import campaign_drafts, campaign_plans, campaign_results, campaigns
from messaging.api import schema
from messaging.api.campaign_bodies import (
    Added,
    CampaignBody,
    CampaignPage,
    CampaignQuery,
    MoreRecipients,
    PlanBody,
    RecipientPage,
    RecipientQuery,
    Retried,
    RetryRequest,
    shown,
)
from messaging.api.native import Desks, Tenants
from messaging.api.paging import cursor_after, next_link, read_cursor
from messaging.domain.campaign import CampaignRequest, Recipient
from messaging.domain.campaign_states import WORKING
from messaging.domain.errors import NotFoundError
from messaging.store.campaigns import Campaign, Counts

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

_LOOK_SECONDS = 1.0
_FOLLOWED_SECONDS = 600.0
_RECIPIENT: dict[str, Any] = {"to": "+12025550123", "fields": {"first_name": "Ana"}}
_NEW = Body(
    openapi_examples={
        "contacts": {
            "value": {
                "name": "spring-sale",
                "body": "Hi {{first_name|there}}, our sale begins today. Reply STOP to opt out. Acme",
                "audience": {
                    "filters": {
                        "conditions": [{"field": "tags", "operator": "in", "value": ["customer"]}]
                    }
                },
                "per_minute": 600,
                "canary": {"size": 100, "then": "go"},
                "pause_on_error_share": 0.1,
            }
        },
        "recipients": {
            "value": {
                "name": "reminder",
                "category": "NOTIFICATION",
                "body": "Hi {{first_name}}, see you tomorrow.",
                "recipients": [_RECIPIENT],
            }
        },
    }
)


def _campaign_id(campaign_id: Annotated[str, Path(description="the id of a campaign")]) -> UUID:
    try:
        return UUID(campaign_id)
    except ValueError:
        raise NotFoundError("no campaign of yours has this id") from None


CampaignId = Annotated[UUID, Depends(_campaign_id)]


@router.post("", response_model=CampaignBody, status_code=201)
def create_campaign(
    desk: Desks, tenant: Tenants, asked: Annotated[CampaignRequest, _NEW]
) -> Response:
    """Make a campaign: a draft, to an audience of your contacts or to recipients you name.

    `{{first_name}}` in its texts is filled in for each; whoever lacks a field that has no default is
    skipped with that reason. Nothing is sent before it is started.
    """
    made = campaign_drafts.create(desk.rt, tenant, asked)
    where = {"Location": f"/v1/campaigns/{made.id}"}
    return schema.answer(shown(*campaigns.get(desk.rt, tenant, made.id)), 201, where)


@router.post("/plan", response_model=PlanBody)
def plan_unmade(desk: Desks, tenant: Tenants, asked: Annotated[CampaignRequest, _NEW]) -> Response:
    """Say what a campaign would come to that nobody has made; nothing of it is kept.

    Up to 10,000 recipients are asked about by the rules; a larger audience is reckoned up from those.
    """
    return schema.answer(campaign_plans.foretell(desk.rt, tenant, asked))


@router.get("", response_model=CampaignPage)
def list_campaigns(
    request: Request, desk: Desks, tenant: Tenants, query: Annotated[CampaignQuery, Query()]
) -> Response:
    """List your campaigns, newest first.

    Counts, plans and results stand with each one alone.
    """
    before = read_cursor(query.cursor)
    found = campaigns.page(desk.rt, tenant, before, query.limit + 1)
    cursor = cursor_after(found, query.limit)
    data = [shown(campaign, None) for campaign in found[: query.limit]]
    return schema.answer({"data": data, "next_cursor": cursor}, headers=next_link(request, cursor))


@router.get("/{campaign_id}", response_model=CampaignBody)
def get_campaign(desk: Desks, tenant: Tenants, campaign_id: CampaignId) -> Response:
    """Get a campaign, and what has become of its recipients; once it is finished, beside its plan."""
    return schema.answer(shown(*campaign_results.get(desk.rt, tenant, campaign_id)))


@router.get("/{campaign_id}/recipients", response_model=RecipientPage)
def list_recipients(
    desk: Desks,
    tenant: Tenants,
    campaign_id: CampaignId,
    query: Annotated[RecipientQuery, Query()],
) -> Response:
    """List a campaign's recipients in order, all or those in one state.

    `after` continues the list; a place in it is the order of sending.
    """
    found = campaigns.recipients(
        desk.rt, tenant, campaign_id, query.state, query.after, query.limit + 1
    )
    page = found[: query.limit]
    after = page[-1].n if len(found) > query.limit else None
    return schema.answer({"data": page, "next_after": after})


@router.post("/{campaign_id}/recipients", response_model=Added)
def add_recipients(
    desk: Desks,
    tenant: Tenants,
    campaign_id: CampaignId,
    asked: Annotated[
        MoreRecipients, Body(openapi_examples={"one": {"value": {"recipients": [_RECIPIENT]}}})
    ],
) -> Response:
    """Add recipients to a draft, each address once.

    Only a draft that is to no audience takes them.
    """
    people: list[Recipient] = asked.recipients
    found, added = campaign_drafts.add_recipients(desk.rt, tenant, campaign_id, people)
    return schema.answer({"added": added, "targets": found.targets})


@router.post("/{campaign_id}/plan", response_model=PlanBody)
def plan_campaign(desk: Desks, tenant: Tenants, campaign_id: CampaignId) -> Response:
    """Say what a campaign would come to, before anything is sent: texts, rules, cost, senders, time.

    Up to 10,000 recipients are asked about by the rules; a larger campaign is reckoned up from those.
    """
    return schema.answer(campaign_plans.plan(desk.rt, tenant, campaign_id))


@router.post("/{campaign_id}/start", response_model=CampaignBody)
def start_campaign(desk: Desks, tenant: Tenants, campaign_id: CampaignId) -> Response:
    """Start a campaign now, or at its `scheduled_for`; who it is to is written down then."""
    campaigns.start(desk.rt, tenant, campaign_id)
    return schema.answer(shown(*campaigns.get(desk.rt, tenant, campaign_id)))


@router.post("/{campaign_id}/pause", response_model=CampaignBody)
def pause_campaign(desk: Desks, tenant: Tenants, campaign_id: CampaignId) -> Response:
    """Pause a campaign: within two seconds nothing more of it leaves until it is resumed."""
    campaigns.pause(desk.rt, tenant, campaign_id)
    return schema.answer(shown(*campaigns.get(desk.rt, tenant, campaign_id)))


@router.post("/{campaign_id}/resume", response_model=CampaignBody)
def resume_campaign(desk: Desks, tenant: Tenants, campaign_id: CampaignId) -> Response:
    """Let a paused campaign go on, also one that waits after its canary.

    What was held back leaves at its pace again.
    """
    campaigns.resume(desk.rt, tenant, campaign_id)
    return schema.answer(shown(*campaigns.get(desk.rt, tenant, campaign_id)))


@router.post("/{campaign_id}/cancel", response_model=CampaignBody)
def cancel_campaign(desk: Desks, tenant: Tenants, campaign_id: CampaignId) -> Response:
    """Call a campaign off: what waits is canceled, what is on its way ends by itself."""
    campaigns.cancel(desk.rt, tenant, campaign_id)
    return schema.answer(shown(*campaigns.get(desk.rt, tenant, campaign_id)))


@router.post("/{campaign_id}/retry", response_model=Retried)
def retry_campaign(
    desk: Desks,
    tenant: Tenants,
    campaign_id: CampaignId,
    asked: Annotated[
        RetryRequest | None, Body(openapi_examples={"all": {"value": {"failed": "all"}}})
    ] = None,
) -> Response:
    """Write again to those of a finished campaign whose message failed, as new messages.

    Never to somebody who may have got it after all (`unknown_outcome`).
    """
    which = (asked or RetryRequest()).failed
    found, count = campaigns.retry(desk.rt, tenant, campaign_id, which)
    return schema.answer({"retried": count, "state": found.state})


@router.get(
    "/{campaign_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def follow_campaign(desk: Desks, tenant: Tenants, campaign_id: CampaignId) -> Response:
    """Follow a campaign as server-sent events: `progress` with it, whenever something has changed.

    The stream ends when nothing is going on (it is a draft, paused, finished or canceled), and after
    ten minutes; connect again to go on.
    """

    def look() -> tuple[Campaign, Counts]:
        return campaigns.get(desk.rt, tenant, campaign_id)

    first = await run_in_threadpool(look)

    async def told() -> AsyncIterator[bytes]:
        began, found, said = monotonic(), first, b""
        while True:
            data = orjson.dumps(shown(*found), option=orjson.OPT_UTC_Z)
            yield b": still there\n\n" if data == said else b"event: progress\ndata: %b\n\n" % data
            said = data
            if found[0].state not in WORKING or monotonic() - began > _FOLLOWED_SECONDS:
                return
            asked = monotonic()
            await asyncio.sleep(_LOOK_SECONDS)
            found = await run_in_threadpool(look)
            await asyncio.sleep(
                4 * max(0.0, monotonic() - asked - _LOOK_SECONDS)
            )  # large ones cost

    return StreamingResponse(told(), media_type="text/event-stream")
