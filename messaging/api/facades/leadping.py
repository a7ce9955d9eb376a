"""Leadping: send an SMS in a conversation, and see it in all of its 39 properties.

There is no recipient in a request: the conversation is with somebody. Numbers are strings, as the document
has them; a property it does not allow to be null, and that is not known yet, is an empty string.

What the document leaves open, and what we do:

- It names no authentication and no errors. A key goes as `Authorization: Bearer` or `X-API-Key`; an error
  is `{status, title, detail, code, errors: [{field, code, detail}]}` with 401, 404 or 422.
- The answer is a 201; `GET /sms/{id}` gives the same later, and `Prefer: wait=N` waits for the provider.
- `smsEventId` makes a repeated request the same SMS. Another text with the same event is a 422.
- A `scheduledFor` that has passed means now, as the document's own example has one.
- `selectionReason` is taken and checked, but it is we who choose, and say why: `fromPhoneNumberId` must
  carry it with `wasManuallyOverridden` (or the reason ManualOverride), and is shown, but only a proposal,
  without.
- `leadId` is the contact with this number, or what the message was handed in with; of somebody who is no
  contact it is the conversation's id.
- `fromPhoneNumberId` is the number that was asked for, and if none was the one that was used, which
  `outboundPhoneNumberId` always is. `telnyxId` is set where Telnyx carried it.
- `complianceAction` is the latest judgement's: allow, reschedule or block; or substitute, of a message
  that stands in for another on its channel.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import threads
from messaging.api import schema
from messaging.api.desk import desk_of
from messaging.api.facades import leadping_body, submitting, waiting
from messaging.api.facades.document import ONCE, SENDING, WAITS, takes
from messaging.api.facades.facade import Trouble, asked, caller
from messaging.api.facades.leadping_body import ASKED_FOR, SmsBody
from messaging.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from messaging.domain.message import SelectionReason
from messaging.domain.request import Instant, Ref, SendRequest
from messaging.runtime import Runtime
from messaging.store.tenants import Tenant

router = APIRouter()
FIELDS = {
    "body": "text",
    "to": "conversationId",
    "conversation_id": "conversationId",
    "from": "fromPhoneNumberId",
    "pool": "fromPhoneNumberId",
    "scheduled_for": "scheduledFor",
    "campaign": "campaignId",
    "source": "sourceId",
    "traffic": "trafficType",
}
_EXAMPLE = {
    "smsEventId": "evt_4711",
    "conversationId": "0197e2a4-6e1c-7d52-9c5b-0d6f0a7c1e11",
    "text": "See you tomorrow at ten",
}
CODES = {"send_sms": (*SENDING, *ONCE, "not_found")}
CODE = ("code",)


class SmsRequest(BaseModel):
    """An SMS in a conversation."""

    model_config = ConfigDict(alias_generator=to_camel)

    sms_event_id: Annotated[
        Ref | None, Field(description="the event behind it; the same event is the same SMS")
    ] = None
    scheduled_for: Annotated[
        Instant | None, Field(description="when to send it; a time that has passed means now")
    ] = None
    conversation_id: Annotated[
        Ref, Field(description="with whom: a conversation's id, or a contact's ref or id")
    ]
    from_phone_number_id: Annotated[
        Ref | None, Field(description="a number of yours, by its id, or the id of a pool")
    ] = None
    selection_reason: Annotated[
        SelectionReason | None,
        Field(description="ManualOverride: it must leave from fromPhoneNumberId; others: noted"),
    ] = None
    was_manually_overridden: Annotated[
        bool, Field(description="whether it must leave from fromPhoneNumberId")
    ] = False
    campaign_id: Annotated[
        Ref | None, Field(description="yours; decides the number if it is bound to some")
    ] = None
    source_id: Annotated[
        Ref | None, Field(description="where the lead came from; as campaignId")
    ] = None
    traffic_type: Annotated[
        Literal["RealLead", "Warmup", "Test", "SystemInternal"] | None,
        Field(description="not in the document's request; RealLead if left out"),
    ] = None
    text: Annotated[str, Field(min_length=1, description="1 to 1600 characters")]


class ErrorItem(BaseModel):
    """What is wrong with one field."""

    field: Annotated[str, Field(description="which one, as it is called here")]
    code: Annotated[str, Field(description="a stable word for it, for programs")]
    detail: Annotated[str, Field(description="what is wrong and what to do, in a sentence")]


class Failure(BaseModel):
    """What is wrong."""

    status: Annotated[int, Field(description="the HTTP status")]
    title: Annotated[str, Field(description="the headline of its code")]
    detail: Annotated[str, Field(description="what is wrong and what to do, in a sentence")]
    code: Annotated[str, Field(description="a stable word for it, for programs")]
    errors: Annotated[list[ErrorItem], Field(description="each field that is wrong; may be none")]


_ERRORS: Any = {"default": {"model": Failure, "description": "It was not taken, or is not there."}}


def shape(trouble: Trouble) -> Response:
    """An error in a shape of our own: the document has none."""
    content = {
        "status": trouble.status,
        "title": trouble.title,
        "detail": trouble.detail,
        "code": trouble.code,
        "errors": [
            {"field": p.pointer.removeprefix("#/"), "code": p.code, "detail": p.detail}
            for p in trouble.problems
        ],
    }
    headers = dict(trouble.headers)
    return Response(orjson.dumps(content), trouble.status, headers, "application/json")


@router.post(
    "/sms/send",
    status_code=201,
    response_model=SmsBody,
    responses=_ERRORS,
    openapi_extra=takes(SmsRequest, {"reminder": _EXAMPLE}, wait=True),
)
async def send_sms(request: Request) -> Response:
    """Send an SMS in a conversation.

    Answers once it is kept, or with `Prefer: wait=N` once a provider has it. The same `smsEventId` is
    the same SMS.
    """
    tenant = await caller(request)
    sms = await asked(request, SmsRequest)
    rt = desk_of(request).rt
    message = await run_in_threadpool(_resolved, rt, tenant, sms)
    key = f"leadping:{sms.sms_event_id}" if sms.sms_event_id is not None else None
    taken, receipt = await submitting.submitted(request, tenant, message, "leadping", key)
    headers = waiting.applied(waiting.wanted(request))
    if receipt.replayed:
        headers["Idempotent-Replayed"] = "true"
    return await _answer(request, tenant, taken.id, 201, headers)


@router.get("/sms/{sms_id}", response_model=SmsBody, responses=_ERRORS, openapi_extra=WAITS)
async def get_sms(
    request: Request, sms_id: Annotated[str, Path(description="the id of an SMS, a UUID")]
) -> Response:
    """Get an SMS as it is now.

    With `Prefer: wait=N` it is given once it is no longer under way.
    """
    tenant = await caller(request)
    try:
        known = UUID(sms_id)
    except ValueError:
        raise NotFoundError("no message of yours has this id") from None
    return await _answer(request, tenant, known, 200, waiting.applied(waiting.wanted(request)))


async def _answer(
    request: Request, tenant: Tenant, sms_id: UUID, status: int, headers: dict[str, str]
) -> Response:
    view = await submitting.seen(request, tenant, sms_id)
    rt = desk_of(request).rt
    body = await run_in_threadpool(leadping_body.shown, rt, tenant, view)
    return schema.answer(body, status, headers)


def _resolved(rt: Runtime, tenant: Tenant, sms: SmsRequest) -> SendRequest:
    """The message that is meant."""
    behind = threads.behind(rt, tenant, sms.conversation_id)
    fields: dict[str, Any] = (
        {} if behind.contact is None else threads.about(behind.contact, behind.to)
    )
    said = {"campaign": sms.campaign_id, "source": sms.source_id}
    fields |= {name: value for name, value in said.items() if value is not None}
    fields |= {
        "to": behind.to,
        "body": sms.text,
        "conversation_id": behind.conversation_id,
        "scheduled_for": _later(sms.scheduled_for, rt.now()),
        "traffic": sms.traffic_type,
    }
    fields |= _number(rt, tenant, sms)
    return submitting.parsed(fields)


def _later(asked_for: datetime | None, now: datetime) -> datetime | None:
    return asked_for if asked_for is not None and asked_for > now else None


def _number(rt: Runtime, tenant: Tenant, sms: SmsRequest) -> dict[str, Any]:
    """The number that must carry it, if one must; else what is remembered of the one proposed."""
    named = sms.from_phone_number_id
    must = sms.was_manually_overridden or sms.selection_reason is SelectionReason.MANUAL_OVERRIDE
    if named is None and must:
        detail = "say which number it must leave from"
        raise InvalidRequestError([FieldProblem("#/from", "required", detail)])
    if named is None:
        return {}
    found = rt.senders_of(tenant.id).names.get(named)
    if found is None:
        detail = "no number of yours has this id"
        raise InvalidRequestError([FieldProblem("#/from", "unknown_sender", detail)])
    return {"from": str(found)} if must else {"metadata": {ASKED_FOR: str(found)}}
