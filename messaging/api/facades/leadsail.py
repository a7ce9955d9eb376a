"""LeadSail: send an SMS to a lead.

A lead is a contact, by its `ref` or its id. What is not said is found: the recipient is the lead's first
phone; the sender is the conversation's, the campaign's, the lead's agent's, or the first that can carry
it, and its provider is the campaign's, the tenant's or the system's first choice that owns that number.
A `from` is the tenant's own and skips that. `to` is held against its own opt-outs and hours, not the
lead's.

Where the document promises more than a queue knows, or says nothing:

- `status` is `sent` once a provider has the message: `Prefer: wait=N` waits for that up to N seconds (30
  at most). Before that it is the word that is true: `queued`, `scheduled`, `sending`.
- The four bodies carry no status codes; we send 200, 400, 401 and 404. Whatever a rule refuses, such as a
  recipient who has opted out, is a VALIDATION_ERROR with the reason in `details`. What has no body there
  (405, 413, 429, 503) has the same envelope, with a code of its own.
- An `interactionId` of somebody else's conversation, or of another person's, is not found.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import threads
from messaging.api.desk import desk_of
from messaging.api.facades import submitting, waiting
from messaging.api.facades.document import SENDING, takes
from messaging.api.facades.facade import Trouble, asked, caller
from messaging.domain.candidates import carries
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.message import Channel
from messaging.domain.request import MAX_BODY, Ref, SendRequest
from messaging.runtime import DatabaseError, Runtime
from messaging.store.tenants import Tenant

router = APIRouter()
FIELDS = {
    "body": "message",
    "lead": "leadId",
    "campaign": "campaignId",
    "conversation_id": "interactionId",
}
_WORDS = {
    400: ("VALIDATION_ERROR", "Invalid input data"),
    401: ("UNAUTHORIZED", "Authentication required"),
    404: ("NOT_FOUND", "Resource not found"),
}
_EXAMPLE = {"leadId": "lead_abc123", "message": "Hi John, just following up on your inquiry."}
CODES = {"send_sms": (*SENDING, "not_found")}
CODE = ("error", "code")


class SmsRequest(BaseModel):
    """An SMS to a lead."""

    model_config = ConfigDict(alias_generator=to_camel)

    lead_id: Annotated[Ref, Field(description="the lead to send it to")]
    message: Annotated[
        str, Field(min_length=1, max_length=MAX_BODY, description="the text, in characters")
    ]
    to: Annotated[Ref | None, Field(description="instead of the lead's phone; E.164")] = None
    from_: Annotated[
        Ref | None, Field(alias="from", description="a number of yours; else one is chosen")
    ] = None
    campaign_id: Annotated[
        Ref | None, Field(description="instead of the lead's campaign, for the choice of sender")
    ] = None
    interaction_id: Annotated[
        Ref | None, Field(description="the conversation it belongs to; else found, or begun")
    ] = None


class Sent(BaseModel):
    """A message that is kept."""

    model_config = ConfigDict(alias_generator=to_camel)

    message_id: Annotated[str, Field(description="its id, a UUID")]
    status: Annotated[
        str, Field(description="sent once a provider has it; queued, scheduled or sending before")
    ]
    interaction_id: Annotated[str, Field(description="the conversation it belongs to, a UUID")]


class SmsAnswer(BaseModel):
    """The message was taken."""

    success: Annotated[Literal[True], Field(description="it is kept")]
    data: Annotated[Sent, Field(description="the message")]


class ErrorBody(BaseModel):
    """What is wrong."""

    code: Annotated[str, Field(description="a stable word for it, for programs")]
    message: Annotated[str, Field(description="what is wrong, in a sentence")]
    details: Annotated[
        list[str], Field(description="of a 400: each problem as `field: what to do`")
    ] = []


class Failure(BaseModel):
    """The message was not taken."""

    success: Annotated[Literal[False], Field(description="nothing was kept")]
    error: Annotated[ErrorBody, Field(description="what is wrong")]


def shape(trouble: Trouble) -> Response:
    """An error as LeadSail writes one."""
    status = 400 if trouble.status == 422 else trouble.status
    code, message = _WORDS.get(status, (trouble.code.upper(), trouble.detail))
    error: dict[str, Any] = {"code": code, "message": message}
    if status == 400:
        error["details"] = trouble.sentences
    content = orjson.dumps({"success": False, "error": error})
    return Response(content, status, dict(trouble.headers), "application/json")


@router.post(
    "/api/v1/sms/send",
    response_model=SmsAnswer,
    responses={"default": {"model": Failure, "description": "It was not taken."}},
    openapi_extra=takes(SmsRequest, {"follow-up": _EXAMPLE}, wait=True),
)
async def send_sms(request: Request) -> Response:
    """Send an SMS to a lead.

    Answers once it is kept, or with `Prefer: wait=N` once a provider has it.
    """
    tenant = await caller(request)
    sms = await asked(request, SmsRequest)
    message = await run_in_threadpool(_resolved, desk_of(request).rt, tenant, sms)
    taken, _ = await submitting.submitted(request, tenant, message, "leadsail")
    status, seconds = taken.status, waiting.wanted(request)
    if seconds:
        with suppress(DatabaseError):  # it is kept: an error would have it sent again
            status = (await submitting.seen(request, tenant, taken.id)).status
    data = {
        "messageId": str(taken.id),
        "status": status.value,
        "interactionId": str(message.conversation_id),
    }
    content = orjson.dumps({"success": True, "data": data})
    return Response(content, 200, waiting.applied(seconds), "application/json")


def _resolved(rt: Runtime, tenant: Tenant, sms: SmsRequest) -> SendRequest:
    """The message that is meant, with its conversation."""
    lead = threads.lead(rt, tenant, sms.lead_id)
    said = sms.to if sms.to is not None else lead.address(Channel.SMS)
    if said is None:
        detail = "the lead has no phone number; give one here, or to the lead"
        raise InvalidRequestError([FieldProblem("#/to", "required", detail)])
    to = threads.read_number(tenant, said, "#/to")
    fields: dict[str, Any] = threads.about(lead, to)
    if sms.campaign_id is not None:
        fields["campaign"] = sms.campaign_id
    if sms.from_ is not None:
        fields["from"] = _sender(rt, tenant, sms.from_)
    fields |= {"to": to, "body": sms.message}
    checked = submitting.parsed(fields)
    thread = threads.joined(rt, tenant, to, sms.interaction_id)
    return checked.model_copy(update={"conversation_id": thread})


def _sender(rt: Runtime, tenant: Tenant, said: str) -> str:
    """One of the tenant's numbers that can carry a text, as it is written."""
    known = rt.senders_of(tenant.id)
    number = said if said in known.names else threads.read_number(tenant, said, "#/from")
    sender = known.candidates.by_id.get(known.names[number]) if number in known.names else None
    if number not in known.names or (sender is not None and not carries(sender, Channel.SMS)):
        detail = "no number of yours that can send an SMS; leave it out to have one chosen"
        raise InvalidRequestError([FieldProblem("#/from", "unknown_sender", detail)])
    return number
