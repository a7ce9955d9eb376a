"""`/v1/bindings`: what a campaign, a source, a use case, a lead or you yourself send from."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from messaging import bindings
from messaging.api import schema
from messaging.api.native import Desks, Tenants
from messaging.api.paging import cursor_after, next_link, read_cursor
from messaging.bindings import Target
from messaging.domain.bindings import BindingKind
from messaging.domain.request import Ref
from messaging.domain.sender_request import PLAIN, Name
from messaging.store.bindings import BindingView

router = APIRouter(prefix="/v1/bindings", tags=["senders"])


class _Bound(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Annotated[BindingKind, Field(description="what is bound")]
    ref: Annotated[
        Ref | None, Field(description="which one, as you name it; left out for `tenant`")
    ] = None
    sender: Annotated[
        str | None,
        Field(min_length=1, max_length=254, pattern=PLAIN, description="its address or its id"),
    ] = None
    pool: Name | None = None
    account: Name | None = None

    def target(self) -> Target | None:
        """What it is bound to; None if nothing is named."""
        found = Target(self.sender, self.pool, self.account)
        return None if found == Target() else found


class BindingRequest(_Bound):
    """Something to bind to a sender, a pool or an account: one of the three."""


class Unbinding(_Bound):
    """A binding to undo; with no sender, pool or account all of what is named."""


class BindingQuery(BaseModel):
    """Which bindings to list."""

    model_config = ConfigDict(extra="forbid")

    kind: BindingKind | None = None
    ref: Ref | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None


class BindingBody(BaseModel):
    """What something is bound to; one of sender, pool and account is set."""

    kind: BindingKind
    ref: str | None
    sender: Annotated[str | None, Field(description="its address")]
    sender_id: UUID | None
    pool: str | None
    account: str | None


class BindingPage(BaseModel):
    """Bindings in the order they were made, and where to go on."""

    data: list[BindingBody]
    next_cursor: str | None


class Unbound(BaseModel):
    """What was undone."""

    removed: int


_BIND: Any = {
    "campaign": {"value": {"kind": "campaign", "ref": "spring", "pool": "main"}},
    "use_case": {"value": {"kind": "use_case", "ref": "reminders", "pool": "main"}},
    "account": {
        "summary": "A source whose messages prefer one provider account",
        "value": {"kind": "source", "ref": "web form", "account": "main"},
    },
    "yourself": {"value": {"kind": "tenant", "pool": "main"}},
}
_UNBIND: Any = {
    "all": {"value": {"kind": "campaign", "ref": "spring"}},
    "one": {"value": {"kind": "use_case", "ref": "reminders", "pool": "main"}},
}


@router.get("", response_model=BindingPage)
def list_bindings(
    request: Request, desk: Desks, tenant: Tenants, query: Annotated[BindingQuery, Query()]
) -> Response:
    """List bindings in the order they were made.

    All of them, or those of one kind, or of one thing.
    """
    after = read_cursor(query.cursor)
    found = bindings.page(desk.rt, tenant, query.kind, query.ref, after, query.limit + 1)
    cursor = cursor_after(found, query.limit)
    answer = {"data": list(map(shown, found[: query.limit])), "next_cursor": cursor}
    return schema.answer(answer, headers=next_link(request, cursor))


@router.put("", response_model=BindingPage)
def bind(
    desk: Desks, tenant: Tenants, asked: Annotated[BindingRequest, Body(openapi_examples=_BIND)]
) -> Response:
    """Bind something, beside what it is bound to already; answers with all of that.

    A use case has one pool and a lead one sender: they are bound anew. What is bound to an account can
    be bound to senders of that account only.
    """
    ref = asked.ref or ""
    bindings.bind(desk.rt, tenant, asked.kind, ref, asked.target() or Target())
    found = bindings.page(desk.rt, tenant, asked.kind, ref)
    return schema.answer({"data": list(map(shown, found)), "next_cursor": None})


@router.delete("", response_model=Unbound)
def unbind(
    desk: Desks, tenant: Tenants, asked: Annotated[Unbinding, Body(openapi_examples=_UNBIND)]
) -> Response:
    """Undo one binding, or all of what is named.

    It is a 404 if there is no such binding.
    """
    count = bindings.unbind(desk.rt, tenant, asked.kind, asked.ref or "", asked.target())
    return schema.answer({"removed": count})


def shown(view: BindingView) -> dict[str, Any]:
    """A binding as `BindingBody` says."""
    return {
        "kind": view.kind,
        "ref": view.ref or None,
        "sender": view.sender,
        "sender_id": view.sender_id,
        "pool": view.pool,
        "account": view.account,
    }
