"""`/v1/dnc`: which numbers do-not-call registries list, as the tenant last checked them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import dnc
from messaging.api import reading, schema
from messaging.api.native import Desks, Tenants
from messaging.dnc import MAX_NUMBERS, Freshness
from messaging.domain.consent_request import Moment
from messaging.domain.errors import FieldProblem, InvalidRequestError

router = APIRouter(prefix="/v1/dnc", tags=["do-not-call"])

_FILE_LIMIT = 32 * reading.MIB
_DAY = 86_400


class ScrubBody(BaseModel):
    """What an upload came to."""

    registry: str
    listed: int
    skipped: Annotated[int, Field(description="numbers that are in use nowhere")]
    scrubbed_at: datetime


class RegistryBody(BaseModel):
    """A registry and how fresh the last scrub against it is."""

    registry: str
    numbers: int
    scrubbed_at: Annotated[datetime | None, Field(description="null: never")]
    required: Annotated[bool, Field(description="whether your policy asks for it")]
    fresh_until: Annotated[
        datetime | None, Field(description="then marketing stops; null if never or not required")
    ]
    days_left: Annotated[
        float | None, Field(description="until it is stale: 0 if it is; null if not required")
    ]


class Registries(BaseModel):
    """Every registry that was scrubbed against or is required."""

    data: list[RegistryBody]


RegistryName = Annotated[
    str, Path(description="as your policy's dnc_registries names it: by country", examples=["US"])
]
InQuery = Annotated[
    Moment | None,
    Query(alias="scrubbed_at", description="when the registry was read; with a UTC offset"),
]
InHeader = Annotated[
    Moment | None,
    Header(alias="X-Scrubbed-At", description="the same, for those who cannot set a query"),
]


@router.put(
    "/{registry}",
    response_model=ScrubBody,
    openapi_extra=reading.CSV_BODY,
    description=(
        f"The whole result of a scrub, up to {MAX_NUMBERS:,} numbers, one a line; it replaces the one "
        "before. Of several cells the first is the number; a heading is skipped. A line that holds no "
        "number refuses the file (422, `#/12`); an older scrub than the one on record is refused (409)."
    ),
)
async def replace_dnc_list(
    request: Request,
    desk: Desks,
    tenant: Tenants,
    registry: RegistryName,
    in_query: InQuery = None,
    in_header: InHeader = None,
) -> Response:
    """Replace what a registry lists."""
    at = _one_of(in_query, in_header)
    content = await reading.body(request, _FILE_LIMIT)
    done = await run_in_threadpool(dnc.import_scrub, desk.rt, tenant, registry, content, at)
    return schema.answer(
        {
            "registry": registry,
            "listed": done.listed,
            "skipped": done.skipped,
            "scrubbed_at": at.astimezone(UTC),
        }
    )


def _one_of(in_query: datetime | None, in_header: datetime | None) -> datetime:
    found = in_query or in_header
    if found is None:
        code, detail = "required", "say when the registry was read: ?scrubbed_at= or X-Scrubbed-At"
    elif in_query and in_header and in_query != in_header:
        code, detail = "contradiction", "differs from the X-Scrubbed-At header; send only one"
    else:
        return found
    raise InvalidRequestError([FieldProblem("#/scrubbed_at", code, detail)])


@router.get("", response_model=Registries)
def list_dnc_registries(desk: Desks, tenant: Tenants) -> Response:
    """List the registries, how many numbers each lists, and how long each scrub stays fresh.

    Marketing stops where one that your policy asks for is stale.
    """
    now = desk.rt.now()
    return schema.answer({"data": [shown(r, now) for r in dnc.registries(desk.rt, tenant)]})


def shown(found: Freshness, now: datetime) -> dict[str, Any]:
    """A registry as `RegistryBody` says."""
    left = None
    if found.required:
        seconds = (found.fresh_until - now).total_seconds() if found.fresh_until else 0.0
        left = round(max(seconds, 0.0) / _DAY, 2)
    return {
        "registry": found.registry,
        "numbers": found.numbers,
        "scrubbed_at": found.scrubbed_at.astimezone(UTC) if found.scrubbed_at else None,
        "required": found.required,
        "fresh_until": found.fresh_until.astimezone(UTC) if found.fresh_until else None,
        "days_left": left,
    }
