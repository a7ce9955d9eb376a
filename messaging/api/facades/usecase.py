"""SMS by use case: send one, see it, and take the provider's word on it.

A use case (`posthorn use-cases`, `/v1/use-cases`) is a sender pool under an id. The document's checks are
made in its order, and each says the document's own sentence as `detail`; whatever else is wrong says so
in the same place, beside a `code`.

Where the document is silent or cannot hold:

- Numbers of the US need a verified campaign wherever they write to, as it asks of the pool.
- A use case that is switched off is a 422; the document lists no answer for it.
- `message_sid` is the provider's id. Until a provider has the message it is ours, the `id`: follow that.
- `from_number` and `num_segments` are null until the provider has the message; `error_code` is null where
  the provider's code is not a number.
- Every message has a receipt address of its own, so the webhook here need not be configured anywhere. It
  is for whoever has it at Twilio already: the account is found by the `AccountSid` in the form, and
  believed only with the signature of that account.
- Fourteen states become its five: what waits is `pending`, what was refused, blocked or called off
  `failed`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import use_cases
from messaging.api import schema
from messaging.api.desk import desk_of
from messaging.api.facades import submitting, twilio_status, waiting
from messaging.api.facades.document import SENDING, WAITS, takes
from messaging.api.facades.facade import Trouble, asked, caller
from messaging.domain.compliance import Reason
from messaging.domain.errors import FieldProblem, NotFoundError
from messaging.domain.lifecycle import Status
from messaging.domain.request import MAX_BODY, Ref
from messaging.store.views import MessageView

router = APIRouter()
router.include_router(twilio_status.router)
FIELDS = {
    "body": "message",
    "to": "to_phone_number",
    "pool": "use_case_id",
    "use_case": "use_case_id",
}
_NUMBER = "Invalid destination phone number (not a real number or is a landline)"
_SAID: dict[str, str] = {
    Reason.NO_SENDER_IN_POOL: "No phone number assigned to the use case",
    Reason.CAMPAIGN_NOT_VERIFIED: "No verified A2P campaign for a US long-code sender pool",
    Reason.INVALID_RECIPIENT: _NUMBER,
    Reason.NUMBER_TYPE_REFUSED: _NUMBER,
    Reason.LANDLINE: _NUMBER,
    Reason.OPTED_OUT: "Destination phone number has opted out of receiving messages",
    Reason.REGION_NOT_PERMITTED: "Destination region not permitted for the messaging service",
    Reason.BRAND_SUSPENDED: "The brand registration behind the use case is suspended",
    use_cases.INACTIVE: "SMS use case is not active",
}
"""What the document says to each reason of ours."""
_NO_USE_CASE = "SMS use case not found or has been deleted"
_EXAMPLE = {
    "use_case_id": "0197e2a4-6e1c-7d52-9c5b-0d6f0a7c1e11",
    "to_phone_number": "+12025550123",
    "message": "Your code is 123456",
}
PUBLIC: dict[Status, str] = dict.fromkeys(Status, "failed") | {
    Status.DRAFT: "pending",
    Status.SCHEDULED: "pending",
    Status.QUEUED: "pending",
    Status.SENDING: "pending",
    Status.SENT: "sent",
    Status.DELIVERED: "delivered",
    Status.RECEIVED: "delivered",
    Status.UNDELIVERABLE: "undelivered",
}
"""The document's five words for our fourteen."""


class SmsRequest(BaseModel):
    """An SMS to send through a use case."""

    use_case_id: Annotated[UUID, Field(description="the use case it is sent for")]
    to_phone_number: Annotated[Ref, Field(description="destination in E.164")]
    message: Annotated[
        str, Field(min_length=1, max_length=MAX_BODY, description="the text, in characters")
    ]


class SmsBody(BaseModel):
    """An outbound SMS as it is now; times are UTC."""

    id: Annotated[UUID, Field(description="its id")]
    use_case_id: Annotated[UUID, Field(description="the use case it was sent for")]
    message_sid: Annotated[str, Field(description="the provider's id; until there is one, `id`")]
    from_number: Annotated[str | None, Field(description="in E.164; null: none is chosen yet")]
    to_number: Annotated[str, Field(description="in E.164")]
    body: Annotated[str, Field(description="the text as it is sent")]
    num_segments: Annotated[
        int | None, Field(description="SMS segments; null until the provider has it")
    ]
    status: Annotated[
        Literal["pending", "sent", "delivered", "failed", "undelivered"],
        Field(description="pending: it waits; failed: refused, blocked or called off, too"),
    ]
    handed_off_at: Annotated[
        datetime | None, Field(description="when a provider took it; null: none has")
    ]
    delivered_at: Annotated[datetime | None, Field(description="null: not yet, or never")]
    errored_at: Annotated[
        datetime | None, Field(description="when it ended without arriving; null: it did not")
    ]
    error_code: Annotated[
        int | None, Field(description="the provider's own; null: none, or no number")
    ]
    created_at: Annotated[datetime, Field(description="when it was handed in")]
    updated_at: Annotated[datetime, Field(description="when it last changed")]


class Failure(BaseModel):
    """What is wrong."""

    detail: Annotated[str, Field(description="what is wrong, as the document says it")]
    code: Annotated[str, Field(description="a stable word for it, for programs")]


def shape(trouble: Trouble) -> Response:
    """An error as the document names it."""
    code, detail = trouble.code, "; ".join(trouble.sentences)
    if trouble.problems and code == "validation_failed":
        codes = {p.code for p in trouble.problems}
        if [p.pointer for p in trouble.problems] == ["#/to_phone_number"] and codes != {"required"}:
            detail = _NUMBER
        elif codes == {use_cases.INACTIVE}:
            code = use_cases.INACTIVE
    content = orjson.dumps({"detail": _SAID.get(code, detail), "code": code})
    return Response(content, trouble.status, dict(trouble.headers), "application/json")


CODES = {"send_sms": (*SENDING, "not_found")}
CODE = ("code",)
SAID = (
    FieldProblem("#/to_phone_number", "not_a_number", _NUMBER),
    FieldProblem("#/use_case_id", use_cases.INACTIVE, _SAID[use_cases.INACTIVE]),
)
_ERRORS: Any = {"default": {"model": Failure, "description": "It was not taken, or is not there."}}


@router.post(
    "/v1/sms/",
    status_code=201,
    response_model=SmsBody,
    responses=_ERRORS,
    openapi_extra=takes(SmsRequest, {"code": _EXAMPLE}, wait=True),
)
async def send_sms(request: Request) -> Response:
    """Send an SMS through a use case.

    Answers once it is kept, or with `Prefer: wait=N` once a provider has it.
    """
    tenant = await caller(request)
    sms = await asked(request, SmsRequest)
    rt = desk_of(request).rt
    try:
        found = await run_in_threadpool(use_cases.ready, rt, tenant, sms.use_case_id)
    except NotFoundError:
        raise NotFoundError(_NO_USE_CASE) from None
    fields = {"to": sms.to_phone_number, "body": sms.message, "use_case": str(found.id)}
    taken, _ = await submitting.submitted(request, tenant, submitting.parsed(fields), "usecase")
    view = await submitting.seen(request, tenant, taken.id)
    return schema.answer(shown(view), 201, waiting.applied(waiting.wanted(request)))


@router.get("/v1/sms/{sms_id}", response_model=SmsBody, responses=_ERRORS, openapi_extra=WAITS)
async def get_sms(
    request: Request, sms_id: Annotated[str, Path(description="the id of an SMS, a UUID")]
) -> Response:
    """Get an SMS that was sent through a use case, as it is now.

    With `Prefer: wait=N` it is given once it is no longer under way.
    """
    tenant = await caller(request)
    try:
        view = await submitting.seen(request, tenant, UUID(sms_id))
        return schema.answer(shown(view), headers=waiting.applied(waiting.wanted(request)))
    except ValueError:
        raise NotFoundError("SMS not found") from None


def shown(view: MessageView) -> dict[str, Any]:
    """A message as `SmsBody` says.

    Raises:
        ValueError: it was sent through no use case.
    """
    body = schema.message_body(view)
    over = next((body[f"{end}_at"] for end in _ENDS if body[f"{end}_at"] is not None), None)
    code = view.provider_code or ""
    given = view.provider_message_id
    return {
        "id": view.id,
        "use_case_id": UUID(view.use_case or ""),
        "message_sid": given or str(view.id),
        "from_number": view.sender,
        "to_number": view.recipient,
        "body": view.body,
        "num_segments": view.segments if given else None,
        "status": PUBLIC[view.status],
        "handed_off_at": body["sent_at"],
        "delivered_at": body["delivered_at"],
        "errored_at": over if PUBLIC[view.status] in {"failed", "undelivered"} else None,
        "error_code": int(code) if code.isascii() and code.isdigit() and len(code) < 10 else None,
        "created_at": body["created_at"],
        "updated_at": body["modified_at"] or body["created_at"],
    }


_ENDS = ("undeliverable", "failed", "blocked", "canceled")
