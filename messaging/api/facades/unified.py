"""Unified messaging: one endpoint for e-mail, text messages and Instagram, to one person or to many.

`bulk_settings` makes a request bulk, also when it is empty, which is then an empty audience and refused.
Whoever fits all of its criteria is meant, each address once, a million at most; `message_data.recipient` is
a placeholder then, and gets nothing, whosever it is. Where the document says two things, or nothing:

- `status` is SENT once a provider has the message: `Prefer: wait=N` waits for that, up to N seconds (30
  at most). Without it, or before it, `status` is the word that is true (QUEUED, SCHEDULED, SENDING) and
  what is not known yet is null. `success` is false for what has failed by then.
- Some examples have no `sender_type`: then the named sender's channel decides, and else the recipient's
  form. Digits alone, fewer than 16, may be a number or an Instagram id, and are refused as ambiguous.
- `sender_identifier` in the body, `send_identifier` in the query and `message_data.sender` all name a
  sender, by id or address; the first that is there counts, in this order. The examples name one id for a
  text message and for Instagram; a sender of ours has one channel of these, so one of the two is refused.
- `+1234567890`, its example of a number, is none (it has nine digits after the country code), so that
  example is refused; as a placeholder it only says that text messages are meant.
- `priority` is a name, and "3" in one example: 1 is HIGH, 2 is NORMAL, 3 is LOW.
- `media_urls` make a text message an MMS (`channel_used` says so). On Instagram a text and a picture are
  two messages; `message_id` is the text's, `image_message_id` the picture's.
- `cost` is a number as in the document, null until it is known.
- A bulk answer counts what is known when it is given: `messages_sent` are accepted, `messages_failed`
  will not be sent, for want of an address or because a rule says no, and an id in `lead_ids` that no
  contact has is one of them. `campaign_id` leads to what has become of them since. More than 10,000
  contacts are only counted: their messages are made within seconds, and the rules are asked as each goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import contacts, intake
from messaging.api import reading
from messaging.api.desk import desk_of
from messaging.api.facades import unified_bulk, waiting
from messaging.api.facades.document import ONCE, SENDING, takes
from messaging.api.facades.facade import Trouble, asked, caller
from messaging.api.facades.submitting import parsed, seen, submitted
from messaging.api.facades.unified_body import (
    EXAMPLES,
    BulkResponse,
    Failure,
    MessageResponse,
    ValidationErrors,
    seen_body,
    taken_body,
)
from messaging.api.facades.unified_request import (
    AMBIGUOUS,
    From,
    Unified,
    blamed,
    channel_of,
    channel_of_sender,
    sender_of,
    shared,
    texts,
)
from messaging.domain.errors import (
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
    PosthornError,
    RefusedError,
)
from messaging.domain.request import SendRequest
from messaging.runtime import Runtime
from messaging.store.tenants import Tenant
from messaging.submission import Taken

router = APIRouter()

CODES = {"send_message": (*SENDING, *ONCE, "not_found")}
SAID = (FieldProblem("#/message_data/recipient", "ambiguous", AMBIGUOUS),)


def shape(trouble: Trouble) -> Response:
    """An error as FastAPI, which this document comes from, writes one."""
    status, detail = trouble.status, trouble.detail
    body: dict[str, Any] = {"detail": detail}
    if trouble.code == "malformed_json":
        status = 422
        body = {"detail": [{"loc": ["body"], "msg": detail, "type": "json_invalid"}]}
    elif trouble.problems:
        body = {"detail": [_item(problem) for problem in trouble.problems]}
    elif status == 422:
        body = {"detail": [{"loc": ["body"], "msg": detail, "type": trouble.code}]}
    return Response(orjson.dumps(body), status, dict(trouble.headers), "application/json")


def _item(problem: FieldProblem) -> dict[str, Any]:
    parts = problem.pointer.removeprefix("#").strip("/").split("/")
    path = [int(part) if part.isdigit() else part for part in parts if part]
    place = path if path[:1] == ["query"] else ["body", *path]
    kind = "missing" if problem.code == "required" else problem.code
    return {"loc": place, "msg": problem.detail, "type": kind}


_SENDER = {
    "name": "send_identifier",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "a sender of yours: its address or its id",
}


@router.post(
    "/api/messaging/send",
    response_model=MessageResponse | BulkResponse,
    responses={
        422: {"model": ValidationErrors, "description": "Validation Error"},
        "default": {"model": Failure, "description": "It was not done; see the detail"},
    },
    openapi_extra=takes(Unified, EXAMPLES, wait=True, key=True, more=(_SENDER,)),
)
async def send_message(request: Request) -> Response:
    """Send a message to one person, or with `bulk_settings` to everybody who fits them.

    Answers once it is kept, or with `Prefer: wait=N` once a provider has it; one to many at once.
    """
    tenant = await caller(request)
    wanted = await asked(request, Unified, "bulk_settings")
    sender = sender_of(wanted, request.query_params.get("send_identifier"))
    key = reading.idempotency_key(request.headers.get("idempotency-key"), None)
    rt = desk_of(request).rt
    try:
        if wanted.bulk_settings is not None:
            counts = await run_in_threadpool(unified_bulk.submit, rt, tenant, wanted, sender, key)
            return _answer(counts, {})
        return await _to_one(request, tenant, wanted, sender, key)
    except RefusedError as error:
        (problem,) = blamed(error.problems, wanted, sender)
        raise RefusedError(error.code, problem) from None
    except InvalidRequestError as error:
        raise InvalidRequestError(blamed(error.problems, wanted, sender)) from None


async def _to_one(
    request: Request, tenant: Tenant, wanted: Unified, sender: From, key: str | None
) -> Response:
    first, *others = await run_in_threadpool(_messages, desk_of(request).rt, tenant, wanted, sender)
    taken, receipt = await submitted(request, tenant, first, "unified", key)
    pictures = await _others(request, tenant, taken, others, key)
    seconds = waiting.wanted(request)
    if seconds or receipt.replayed:
        body = seen_body(await seen(request, tenant, taken.id))
    else:
        body = taken_body(taken, first.channel)
    if pictures:
        body["image_message_id"] = str(pictures[0].id)
    data = wanted.message_data
    echoed = {"contact_id": data.contact_id, "metadata": data.metadata}
    body |= {name: value for name, value in echoed.items() if value is not None}
    headers = waiting.applied(seconds)
    if receipt.replayed:
        headers["Idempotent-Replayed"] = "true"
    return _answer(body, headers)


async def _others(
    request: Request, tenant: Tenant, first: Taken, others: list[SendRequest], key: str | None
) -> list[Taken]:
    """Keep what goes beside a message; if that is refused, the message is called off as well."""
    kept = []
    for n, other in enumerate(others, 1):
        own_key = f"{key[:250]}#{n}" if key is not None else None
        try:
            kept.append((await submitted(request, tenant, other, "unified", own_key))[0])
        except PosthornError:
            await run_in_threadpool(_call_off, desk_of(request).rt, tenant, first)
            raise
    return kept


def _call_off(rt: Runtime, tenant: Tenant, taken: Taken) -> None:
    try:
        intake.cancel(rt, tenant, taken.id)
    except PosthornError:
        return  # it has left, or nobody can be asked: the caller hears what went wrong before


def _messages(rt: Runtime, tenant: Tenant, wanted: Unified, sender: From) -> list[SendRequest]:
    """The messages to one person: one, or on Instagram a text and a picture.

    Raises:
        InvalidRequestError: what is wrong, with our names of the fields.
    """
    channel = channel_of(wanted, channel_of_sender(rt, tenant, sender))
    data = wanted.message_data
    if not data.recipient:
        raise InvalidRequestError([FieldProblem("#/to", "required", "is required")])
    fields = {**shared(wanted, channel, sender), **_contact(rt, tenant, data.contact_id)}
    fields["to"] = data.recipient
    return [parsed({**fields, **text}) for text in texts(wanted, channel)]


def _contact(rt: Runtime, tenant: Tenant, name: str | None) -> Mapping[str, Any]:
    """What is known of the contact that was named, or the name, which may be one we do not know."""
    if name is None:
        return {}
    try:
        found = contacts.get(rt, tenant, name)
    except NotFoundError:
        return {"lead": name}
    said = {"lead": found.lead, "agent": found.agent, "source": found.source}
    return said | {"campaign": found.campaign}


def _answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    return Response(orjson.dumps(body), 200, dict(headers), "application/json")
