"""`/v1/audit`: who changed what of your settings, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging import audit
from messaging.api import schema
from messaging.api.endpoints import utc
from messaging.api.native import Desks, Tenants
from messaging.api.paging import next_link, open_cursor, sealed_cursor
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.store.audit import AuditEntry

router = APIRouter(prefix="/v1/audit", tags=["audit"])


class AuditQuery(BaseModel):
    """Which entries to list."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[str | None, Field(description="such as key.created")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class AuditBody(BaseModel):
    """Something that was done; no value and no person is named."""

    at: datetime
    key_id: Annotated[str | None, Field(description="the API key; null is the command line")]
    request_id: str | None
    action: Annotated[str, Field(examples=["key.created"])]
    target: Annotated[str | None, Field(description="an id, or your own name for it")]
    fields: Annotated[list[str], Field(description="what of it was changed")]


class AuditPage(BaseModel):
    """What was done, newest first, and where to go on."""

    data: list[AuditBody]
    next_cursor: str | None


@router.get("", response_model=AuditPage)
def list_audit(
    request: Request, desk: Desks, tenant: Tenants, query: Annotated[AuditQuery, Query()]
) -> Response:
    """List who changed what of your settings, newest first.

    Entries are written with the change itself, and are never altered.
    """
    if query.action is not None and query.action not in audit.ACTIONS:
        known = f"must be one of {', '.join(audit.ACTIONS)}"
        raise InvalidRequestError([FieldProblem("#/action", "not_valid", known)])
    found = audit.page(
        desk.rt,
        tenant,
        action=query.action,
        before=open_cursor(desk.rt, query.cursor),
        limit=query.limit + 1,
    )
    more = len(found) > query.limit
    cursor = sealed_cursor(desk.rt, found[query.limit - 1].id) if more else None
    page = {"data": [shown(e) for e in found[: query.limit]], "next_cursor": cursor}
    return schema.answer(page, headers=next_link(request, cursor))


def shown(entry: AuditEntry) -> dict[str, Any]:
    """An entry as `AuditBody` says."""
    return {
        "at": utc(entry.at),
        "key_id": entry.key_id,
        "request_id": entry.request_id,
        "action": entry.action,
        "target": entry.target,
        "fields": entry.fields,
    }
