"""`/v1/templates/paused`: texts that failed on many numbers, shown and let go on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from messaging import templates
from messaging.api import schema
from messaging.api.native import Desks, Tenants

router = APIRouter(prefix="/v1/templates/paused", tags=["templates"])


class PausedTemplateBody(BaseModel):
    """A template that waits."""

    template: str
    since: datetime
    reason: Annotated[str, Field(examples=["undelivered 41.0 % of 300 on 3 senders"])]


class PausedTemplates(BaseModel):
    """All of yours, by name."""

    data: list[PausedTemplateBody]


@router.get("", response_model=PausedTemplates)
def list_paused_templates(desk: Desks, tenant: Tenants) -> Response:
    """List the templates that are paused: their messages wait until you resume them."""
    return schema.answer({"data": templates.paused(desk.rt, tenant)})


@router.delete("/{template:path}", status_code=204, response_class=Response)
def resume_template(
    desk: Desks,
    tenant: Tenants,
    template: Annotated[str, Path(max_length=128, description="as you name it")],
) -> Response:
    """Resume a template once its text has been changed; what it did until now is forgotten."""
    templates.resume(desk.rt, tenant, template)
    return Response(status_code=204)
