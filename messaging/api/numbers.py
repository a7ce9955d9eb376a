"""`/v1/numbers`: what kind of line a number is, asked and told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from messaging import numbers
from messaging.api import reading, schema
from messaging.api.native import Desks, Tenants
from messaging.domain.compliance.facts import LineType
from messaging.domain.line_csv import COLUMNS, MAX_ROWS
from messaging.domain.number_types import NumberType
from messaging.numbers import Known

router = APIRouter(prefix="/v1/numbers", tags=["numbers"])

_FILE_LIMIT = 32 * reading.MIB


class NumberQuery(BaseModel):
    """A number to be told about."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(description="the number", examples=["+12025550123"])]


class LineBody(BaseModel):
    """What somebody who knows said of a line."""

    type: LineType
    source: Annotated[str, Field(description="`provider` (an error said so), `lookup` or `import`")]
    checked_at: datetime


class NumberBody(BaseModel):
    """What is known of a number."""

    type: Annotated[NumberType, Field(description="by its country's numbering plan")]
    region: Annotated[str | None, Field(description="ISO 3166; null for numbers of no country")]
    refused: Annotated[
        str | None, Field(description="the type for which no message goes there; null if it may")
    ]
    line: Annotated[LineBody | None, Field(description="null: nobody said anything of it")]


class ImportedLines(BaseModel):
    """What an import came to."""

    learned: Annotated[int, Field(description="numbers whose line type was kept")]


Asked = Annotated[NumberQuery, Body(openapi_examples={"number": {"value": {"to": "+12025550123"}}})]


@router.post("/check", response_model=NumberBody)
def check_number(desk: Desks, tenant: Tenants, asked: Asked) -> Response:
    """Ask what is known of a number, and whether messages may go there by its type.

    Nobody is asked anew: it says what the numbering plan, an error of a provider, a look-up or
    an import said.
    """
    return schema.answer(shown(numbers.show(desk.rt, tenant, asked.to)))


@router.post(
    "/import",
    response_model=ImportedLines,
    status_code=201,
    openapi_extra=reading.CSV_BODY,
    description=(
        f"A CSV file of up to {MAX_ROWS:,} numbers with the columns `{','.join(COLUMNS)}`; a line type "
        "is `mobile`, `landline` or `voip`. Messages to landlines are refused. It is taken whole or, if "
        "any line is wrong, not at all (422, `#/12/to`); the newest word about a number holds."
    ),
)
async def import_lines(request: Request, desk: Desks, tenant: Tenants) -> Response:
    """Tell what kinds of lines numbers are."""
    content = await reading.body(request, _FILE_LIMIT)
    learned = await run_in_threadpool(numbers.import_lines, desk.rt, tenant, content)
    return schema.answer({"learned": learned}, 201)


def shown(known: Known) -> dict[str, Any]:
    """A number as `NumberBody` says."""
    line = known.line
    return {
        "type": known.type.value,
        "region": known.region,
        "refused": known.refused,
        "line": {
            "type": line.type.value,
            "source": line.source,
            "checked_at": line.checked_at.astimezone(UTC),
        }
        if line is not None
        else None,
    }
