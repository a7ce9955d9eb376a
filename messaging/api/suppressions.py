"""`/v1/suppressions`: who of a tenant's recipients must not be written to, and how that is known."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from messaging import suppression, suppression_files
from messaging.api import reading, schema
from messaging.api.native import Addressee, Desks, Tenants
from messaging.api.paging import next_link
from messaging.domain.compliance.facts import SuppressionKind
from messaging.domain.errors import FieldProblem, InvalidRequestError, NotFoundError
from messaging.domain.message import Channel
from messaging.domain.suppression_csv import COLUMNS, MAX_ROWS
from messaging.domain.suppression_request import Evidence, StopRequest
from messaging.store.suppression_reads import Held, Place

router = APIRouter(prefix="/v1/suppressions", tags=["suppressions"])

_FILE_LIMIT = 32 * reading.MIB
_BAD_CURSOR = FieldProblem("#/cursor", "not_valid", "this is no cursor of ours; leave it out")
_EXAMPLES: Any = {
    "telephone": {
        "summary": "Somebody who called",
        "value": {"to": "+12025550123", "evidence": "ticket 4711"},
    },
    "marketing": {
        "summary": "Somebody who wants no advertising",
        "value": {"to": "+12025550123", "scope": "MARKETING"},
    },
    "complaint": {
        "summary": "Somebody who complained: START does not lift it",
        "value": {
            "to": "+12025550123",
            "source": "complaint",
            "at": "2026-03-01T12:00:00-05:00",
        },
    },
}


class Lifted(Addressee):
    """Who may be written to again, and what for."""

    kind: SuppressionKind = SuppressionKind.OPT_OUT
    evidence: Evidence = None


class PageQuery(BaseModel):
    """Which part of the list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class HeldBody(BaseModel):
    """One suppression that holds."""

    kind: SuppressionKind
    scope: str
    source: str
    since: datetime


class SuppressionState(BaseModel):
    """Whether somebody must not be written to on this channel, and since when."""

    suppressed: bool
    suppressions: list[HeldBody]


class Stopped(SuppressionState):
    """The state after a request, and what it did."""

    canceled: Annotated[int, Field(description="messages that will not leave because of it")]


class SuppressionBody(HeldBody):
    """One suppression of somebody whose address is not kept."""

    key: Annotated[str, Field(description="stands for the address; only this installation can")]
    channel: Channel


class SuppressionPage(BaseModel):
    """Suppressions in the order of channel and key, and where to go on."""

    data: list[SuppressionBody]
    next_cursor: str | None


class EntryBody(BaseModel):
    """One line of the ledger."""

    action: Annotated[str, Field(examples=["suppress", "lift"])]
    kind: SuppressionKind
    scope: str
    source: str
    evidence: str | None
    at: Annotated[datetime, Field(description="when it was said")]
    recorded_at: datetime


class SuppressionHistory(BaseModel):
    """The newest thousand lines, oldest first."""

    data: list[EntryBody]


class ImportedSuppressions(BaseModel):
    """What a file came to."""

    rows: int
    new: Annotated[int, Field(description="suppressions that did not hold before")]
    canceled: Annotated[int, Field(description="messages that will not leave because of it")]


Stop = Annotated[StopRequest, Body(openapi_examples=_EXAMPLES)]
Somebody = Annotated[
    Addressee, Body(openapi_examples={"recipient": {"value": {"to": "+12025550123"}}})
]
Again = Annotated[Lifted, Body(openapi_examples={"recipient": {"value": {"to": "+12025550123"}}})]


@router.post("", response_model=Stopped, status_code=201, responses={200: {"model": Stopped}})
def suppress(desk: Desks, tenant: Tenants, asked: Stop) -> Response:
    """Stop writing to somebody, and cancel whatever waits for them; 200 if they were suppressed.

    When it is answered, nothing more begins. What was handed to a provider before cannot be called
    back.
    """
    done = suppression.stop(desk.rt, tenant, asked)
    who = suppression.person(desk.rt, tenant, asked.channel, asked.to)
    state = _state(suppression.holding(desk.rt, who))
    return schema.answer({**state, "canceled": done.canceled}, 201 if done.new else 200)


@router.delete("", status_code=204, response_class=Response)
def lift_suppression(desk: Desks, tenant: Tenants, asked: Again) -> Response:
    """Write to somebody again; 404 if they were not suppressed.

    Lifts opt-outs, in every scope, unless another kind is named. The ledger keeps both.
    """
    who = suppression.person(desk.rt, tenant, asked.channel, asked.to)
    if not suppression.start(desk.rt, who, source="api", kind=asked.kind, evidence=asked.evidence):
        raise NotFoundError(
            "nobody with this address is suppressed in this way; nothing needs to be lifted"
        )
    return Response(status_code=204)


@router.get("", response_model=SuppressionPage)
def list_suppressions(
    request: Request, desk: Desks, tenant: Tenants, query: Annotated[PageQuery, Query()]
) -> Response:
    """List who must not be written to. Addresses are not kept: each is shown as the key that stands for it."""
    found = suppression.page(desk.rt, tenant, _place(query.cursor), query.limit + 1)
    shown, more = found[: query.limit], len(found) > query.limit
    cursor = _cursor(shown[-1].place) if more else None
    data = [
        {"key": h.recipient_key.hex(), "channel": h.channel, **body}
        for h, body in zip(shown, map(_held, shown), strict=True)
    ]
    return schema.answer({"data": data, "next_cursor": cursor}, headers=next_link(request, cursor))


@router.post("/check", response_model=SuppressionState)
def check_suppression(desk: Desks, tenant: Tenants, somebody: Somebody) -> Response:
    """Ask whether somebody is suppressed, since when, for what, and how it is known.

    What holds for SMS holds for MMS, too.
    """
    who = suppression.person(desk.rt, tenant, somebody.channel, somebody.to)
    return schema.answer(_state(suppression.holding(desk.rt, who)))


@router.post("/history", response_model=SuppressionHistory)
def suppression_history(desk: Desks, tenant: Tenants, somebody: Somebody) -> Response:
    """Get what the ledger says about somebody. It only grows, and outlives the address."""
    who = suppression.person(desk.rt, tenant, somebody.channel, somebody.to)
    entries = suppression.history(desk.rt, who)
    return schema.answer({"data": [_utc(asdict(entry)) for entry in entries]})


@router.post(
    "/import",
    response_model=ImportedSuppressions,
    status_code=201,
    openapi_extra=reading.CSV_BODY,
    description=(
        f"Suppress up to {MAX_ROWS:,} people from a CSV file in UTF-8. The first line names the "
        f"columns, of `{','.join(COLUMNS)}`; only `to` (or `key`, from an export) is needed. The whole "
        "file is checked first: if a line is wrong nobody is suppressed, and each error points at a line "
        "and a field, as `#/12/at`; a file that is sent again changes nothing."
    ),
)
async def import_suppressions(request: Request, desk: Desks, tenant: Tenants) -> Response:
    """Suppress everybody in a file."""
    content = await reading.body(request, _FILE_LIMIT)
    done = await run_in_threadpool(suppression_files.import_file, desk.rt, tenant, content)
    return schema.answer(asdict(done), 201)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export_suppressions(desk: Desks, tenant: Tenants) -> Response:
    """Get whatever holds as a CSV file, by key; this installation can import it again."""
    return StreamingResponse(suppression_files.export(desk.rt, tenant), media_type="text/csv")


def _state(found: Sequence[Held]) -> dict[str, Any]:
    return {"suppressed": bool(found), "suppressions": list(map(_held, found))}


def _held(held: Held) -> dict[str, Any]:
    since = held.since.astimezone(UTC)
    return {"kind": held.kind, "scope": held.scope, "source": held.source, "since": since}


def _utc(fields: dict[str, Any]) -> dict[str, Any]:
    # The database may answer in any zone; we answer in one.
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value
        for name, value in fields.items()
    }


def _cursor(place: Place) -> str:
    channel, key, *rest = place
    encoded = orjson.dumps([channel, key.hex(), *rest])
    return urlsafe_b64encode(encoded).rstrip(b"=").decode()


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    try:
        channel, key, kind, scope = orjson.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=="))
        return (Channel(channel).value, bytes.fromhex(key), str(kind), str(scope))
    except (ValueError, TypeError, binascii.Error):
        raise InvalidRequestError([_BAD_CURSOR]) from None
