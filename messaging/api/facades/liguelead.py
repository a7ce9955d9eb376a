"""LigueLead's `POST /v1/sms`, below `/liguelead`: one text to a list of Brazilian numbers.

`api-token` is an API key of ours; `app-id` is the name or the id of its tenant, and a wrong one is
refused like a wrong key. `title` names the campaign, whose id is what is tracked; `group_id` is the
`source` of its messages. What its document leaves open, or says in two ways:

- It asks for "11 digits, no country code" and also takes `+55` and `55` before them: all three are
  read, and numbers that are the same one get one message.
- `11888888888` of its own example is no Brazilian number: mobile numbers begin with 9 after the area
  code. Numbers that are valid are accepted, and `GET /v1/sms/{campaign_id}`, which is an addition of
  ours, says of every other one what is wrong; only if none is valid is the whole request refused.
- "160 characters per message" is the limit of `message`, counted in characters; letters outside the
  GSM alphabet (ã, õ) may still make two or three segments of it.
- The column that says what is required is empty: `title`, `message` and `phones` are.
- It names four errors and shows no body: every error is `{"message", "error": {"code", "details"}}`.
- It asks for opt-in and has no field for it: `message_type`, an addition of ours, says MARKETING for
  what needs a consent on record; without it a message is TRANSACTIONAL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import batches
from messaging.api import reading
from messaging.api.desk import desk_of
from messaging.api.facades.document import ONCE, takes
from messaging.api.facades.facade import Trouble, asked, caller
from messaging.api.facades.liguelead_body import Accepted, Campaign, Failure, Sms
from messaging.api.facades.submitting import parsed
from messaging.batches import Order, Taking, Target, fingerprint
from messaging.domain import addresses
from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance.links import links
from messaging.domain.errors import (
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
    UnauthorizedError,
)
from messaging.domain.message import Channel
from messaging.domain.request import MAX_LIST, SendRequest, storable
from messaging.judgement import offers_flash
from messaging.runtime import Runtime
from messaging.store.tenants import Tenant

router = APIRouter()
KEYS = ("api-token", "app-id")
FIELDS = {"to": "phones", "body": "message", "source": "group_id", "flash": "is_flash"}
"""What our fields are called there."""

_REGION = "BR"
_LONGEST = 160
_INVALID, _EMPTY, _LONG = "INVALID_PHONE_FORMAT", "EMPTY_PHONES", "MESSAGE_TOO_LONG"
_TITLES = {
    _INVALID: "Invalid phone format",
    _EMPTY: "Empty phones array",
    _LONG: "Message too long",
}
_REMEDY = "Ensure valid Brazilian phone number format (11 digits or with DDI)"
_EXAMPLE = {
    "title": "Welcome Campaign",
    "message": "Welcome to LigueLead! Thank you for joining us.",
    "phones": ["11999999999", "11888888888"],
    "group_id": "optional-group-id",
}
CODES = {"send_sms": (*ONCE, "payload_too_large", "not_found", "intake_unavailable")}
CODE = ("error", "code")
_ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {"model": Failure, "description": "It was not done; see the error"}
}


def shape(trouble: Trouble) -> Response:
    """An error as this facade writes it."""
    codes = [p.code for p in trouble.problems if p.code in _TITLES]
    if trouble.status == 401:
        code, title, details = "AUTHENTICATION_ERROR", "Authentication error", _CREDENTIALS
    elif codes:
        code, title, details = codes[0], _TITLES[codes[0]], trouble.sentences
    else:
        code, title, details = trouble.code.upper(), trouble.title, trouble.sentences
    body = {"message": title, "error": {"code": code, "details": details}}
    return Response(orjson.dumps(body), trouble.status, trouble.headers, "application/json")


_NO_FLASH = FieldProblem(
    "#/is_flash", "flash_not_offered", "none of your providers offers it; leave it out"
)
_NOBODY = FieldProblem("#/phones", _EMPTY, "Include at least one valid phone number")
_TOO_LONG = FieldProblem(
    "#/message", _LONG, f"Keep within SMS character limits: at most {_LONGEST} characters"
)
SAID = (FieldProblem("#/phones/1", _INVALID, _REMEDY), _NOBODY, _TOO_LONG, _NO_FLASH)
_CREDENTIALS = ["Verify api-token and app-id headers"]


async def _tenant(request: Request) -> Tenant:
    tenant = await caller(request, "api-token")
    app = request.headers.get("app-id", "").strip()
    if app not in {tenant.name, str(tenant.id)}:
        raise UnauthorizedError(_CREDENTIALS[0])
    return tenant


@router.post(
    "/v1/sms",
    status_code=202,
    response_model=Accepted,
    openapi_extra=takes(Sms, {"welcome": _EXAMPLE}, key=True),
    responses=_ERRORS,
)
async def send_sms(request: Request) -> Response:
    """Send one text to a list of numbers, as one campaign.

    Answers once the list is kept. What is no number is told of by `GET /v1/sms/{campaign_id}`.
    """
    tenant = await _tenant(request)
    sms = await asked(request, Sms)
    key = reading.idempotency_key(request.headers.get("idempotency-key"), None)
    taking = await run_in_threadpool(_submit, desk_of(request).rt, tenant, sms, key)
    data = {"campaign_id": str(taking.id), "accepted_at": _time(taking.created_at)}
    return _answer({"message": "SMS accepted successfully", "data": data}, 202)


def _submit(rt: Runtime, tenant: Tenant, sms: Sms, key: str | None) -> Taking:
    if sms.is_flash and not offers_flash(rt.senders_of(tenant.id)):
        raise InvalidRequestError([_NO_FLASH])
    return batches.submit(rt, tenant, _order(sms, key))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _order(sms: Sms, key: str | None) -> Order:
    """The list a request asks for.

    Raises:
        InvalidRequestError: the text cannot be sent this way, or no number is valid.
    """
    problems = [*_texts(sms), *_phones(sms)]
    if problems:
        raise InvalidRequestError(problems)
    targets, invalid = _targets(sms)
    if all(target.request is None for target in targets):
        raise InvalidRequestError(invalid)
    shared: dict[str, Any] = {"body": sms.message, "category": sms.message_type}
    shared |= {"priority": "NORMAL", "channel": Channel.SMS, "flash": sms.is_flash}
    if sms.group_id is not None:
        shared["source"] = sms.group_id
    return Order(
        sms.title,
        Channel.SMS,
        shared,
        targets,
        "liguelead",
        key,
        fingerprint(sms.model_dump(mode="json")),
    )


def _texts(sms: Sms) -> list[FieldProblem]:
    problems = []
    if not storable(sms.title):
        problems.append(FieldProblem("#/title", "not_text", "must be plain text"))
    if not storable(sms.message):
        problems.append(FieldProblem("#/message", "not_text", "must be plain text"))
    if len(sms.message) > _LONGEST:
        problems.append(_TOO_LONG)
    if sms.is_flash and links(sms.message):
        detail = "SMS Flash messages do not allow sending links (URLs); leave them out"
        problems.append(FieldProblem("#/message", "flash_url_forbidden", detail))
    return problems


def _phones(sms: Sms) -> list[FieldProblem]:
    if not sms.phones:
        return [_NOBODY]
    if len(sms.phones) > MAX_LIST:
        detail = f"a campaign takes at most {MAX_LIST} numbers here; split it"
        return [FieldProblem("#/phones", "too_long", detail)]
    return []


def _targets(sms: Sms) -> tuple[list[Target], list[FieldProblem]]:
    """Everybody on the list once; and what is wrong with those that are no numbers."""
    found: dict[str, Target] = {}
    problems = []
    for i, phone in enumerate(sms.phones[:MAX_LIST]):
        number = addresses.normalise(str(phone), _REGION)
        if isinstance(number, AddressProblem) or not number.startswith("+55"):
            problems.append(FieldProblem(f"#/phones/{i}", _INVALID, _REMEDY))
            written = str(phone).encode(errors="replace").decode().replace("\0", "")[:64]
            found.setdefault(written, Target(written, None, _INVALID.lower()))
        else:
            found.setdefault(number, Target(number, _request(sms, number)))
    return list(found.values()), problems


def _request(sms: Sms, number: str) -> SendRequest:
    about = {"title": sms.title, "group_id": sms.group_id}
    return parsed(
        {
            "to": number,
            "body": sms.message,
            "category": sms.message_type,
            "source": sms.group_id,
            "metadata": {name: value for name, value in about.items() if value is not None},
            "flash": sms.is_flash,
        }
    )


@router.get("/v1/sms/{campaign_id}", response_model=Campaign, responses=_ERRORS)
async def get_campaign(
    request: Request, campaign_id: Annotated[str, Path(description="the id of a campaign")]
) -> Response:
    """See what has become of every number of a campaign.

    Each number stands here once, with its message's status as it is now.
    """
    tenant = await _tenant(request)
    try:
        wanted = UUID(campaign_id)
    except ValueError:
        raise NotFoundError("no campaign of yours has this id") from None
    batch, fates = await run_in_threadpool(batches.look, desk_of(request).rt, tenant, wanted)
    phones = [
        {
            "phone": fate.address,
            "status": fate.status.value if fate.status is not None else "rejected",
            "reason": fate.reason,
            "message_id": str(fate.message_id) if fate.message_id is not None else None,
        }
        for fate in fates
    ]
    data = {
        "campaign_id": str(batch.id),
        "title": batches.title_of(batch.name),
        "group_id": batch.request.get("source"),
        "accepted_at": _time(batch.created_at),
        "total": len(phones),
        "counts": dict(sorted(Counter(str(phone["status"]) for phone in phones).items())),
        "phones": phones,
    }
    return _answer({"message": "SMS campaign found", "data": data})
