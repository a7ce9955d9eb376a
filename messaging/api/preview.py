"""`POST /v1/messages/preview`: what a text would become and cost, before it is sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.message import Category
from messaging.domain.preview import preview
from messaging.domain.request import MAX_BODY, storable

router = APIRouter(prefix="/v1", tags=["messages"])

_YOURS = "; left out: as your policy says"


class PreviewRequest(BaseModel):
    """A text, and how it would be sent."""

    model_config = ConfigDict(extra="forbid")

    body: Annotated[str, Field(min_length=1, max_length=10 * MAX_BODY)]
    smart_encoding: Annotated[
        bool | None,
        Field(description="replace typographic characters that would force UCS-2" + _YOURS),
    ] = None
    fold_accents: Annotated[
        bool | None,
        Field(description="take accents off letters that would force UCS-2" + _YOURS),
    ] = None
    flash: Annotated[bool, Field(description="as a message that is shown at once")] = False
    category: Category = Category.TRANSACTIONAL


class BlockerBody(BaseModel):
    """A character that makes the whole text UCS-2."""

    character: str
    codepoint: Annotated[str, Field(examples=["U+00E7"])]
    name: Annotated[str, Field(examples=["LATIN SMALL LETTER C WITH CEDILLA"])]
    count: int
    position: Annotated[int, Field(description="of the first one, in characters from 0")]


class WarningBody(BaseModel):
    """Something to know before it is sent."""

    code: Annotated[str, Field(examples=["public_shortener"])]
    detail: str


class PreviewBody(BaseModel):
    """A text as it would be sent; nothing was kept."""

    body: str
    encoding: Literal["GSM-7", "UCS-2"]
    units: Annotated[int, Field(description="septets (GSM-7) or UTF-16 units (UCS-2)")]
    segments: int
    units_per_segment: list[int]
    forces_ucs2: list[BlockerBody]
    warnings: list[WarningBody]


_EXAMPLES = {
    "typography": {"value": {"body": "“See you at 10” — Ana", "smart_encoding": True}},
    "accents": {"value": {"body": "Promoção válida até amanhã", "fold_accents": True}},
    "marketing": {"value": {"body": "20% off: https://bit.ly/x", "category": "MARKETING"}},
}
Asked = Annotated[PreviewRequest, Body(openapi_examples=_EXAMPLES)]


@router.post("/messages/preview", response_model=PreviewBody)
def preview_message(desk: Desks, tenant: Tenants, asked: Asked) -> Response:
    """See what a text would become and cost; nothing is kept or sent.

    Lengths, limits and warnings are of the text after its characters were replaced.
    """
    if not storable(asked.body):
        detail = "must not hold NUL or unpaired surrogate characters"
        raise InvalidRequestError([FieldProblem("#/body", "not_text", detail)])
    usual = desk.rt.senders_of(tenant.id).policy.content
    found = preview(
        asked.body,
        smart_encoding=_or(asked.smart_encoding, usual.smart_encoding),
        fold_accents=_or(asked.fold_accents, usual.fold_accents),
        flash=asked.flash,
        category=asked.category,
    )
    blockers = [{"codepoint": b.codepoint, **asdict(b)} for b in found.forces_ucs2]
    return schema.answer(asdict(found) | {"forces_ucs2": blockers})


def _or(said: bool | None, usual: bool) -> bool:
    return usual if said is None else said
