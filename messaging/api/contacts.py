"""`/v1/contacts`: the people a tenant knows, and how many of them an audience is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import ValidationError, WrapValidator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from messaging import contact_files, contacts
from messaging.api import reading, schema
from messaging.api.contact_bodies import (
    AudienceSearch,
    ContactBody,
    ContactPage,
    ContactQuery,
    ContactsKept,
    FoundContacts,
    ImportedContacts,
    ImportQuery,
    Threads,
    shown,
)
from messaging.api.native import Desks, Tenants
from messaging.api.paging import cursor_after, next_link, read_cursor
from messaging.contacts import Listing, Put
from messaging.domain.contact import MAX_LIST, ContactPatch, ContactRequest
from messaging.domain.contact_csv import MAX_ROWS
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.request import problems_of

router = APIRouter(prefix="/v1/contacts", tags=["contacts"])

_FILE_LIMIT = 64 * reading.MIB


_NEW: Any = {
    "one": {
        "value": {
            "ref": "lead_abc123",
            "name": "Ana Lima",
            "phones": ["+12025550123"],
            "emails": ["ana@example.com"],
            "tags": ["vip"],
            "attributes": {"plan": "pro"},
        }
    },
    "list": {
        "summary": "Several at once; each is answered on its own",
        "value": [
            {"ref": "lead_1", "first_name": "Bo", "phones": ["+12025550124"]},
            {"ref": "lead_2", "first_name": "Cy", "emails": ["cy@example.com"]},
        ],
    },
}
_PATCH: Any = {"moved": {"value": {"assignee": "user-2", "attributes": {"plan": None}}}}
_SEARCH: Any = {
    "keyword": {"value": {"audience": {"search_keyword": "lima"}}},
    "filters": {
        "summary": "Of ann's contacts, those with a tag and a longer name",
        "value": {
            "audience": {
                "assignees": ["ann"],
                "filters": {
                    "conditions": [
                        {
                            "id": "group-1",
                            "conditions": [
                                {"field": "first_name", "operator": "contains", "value": "an"},
                                {"field": "tags", "operator": "contains", "value": ["vip"]},
                            ],
                        }
                    ]
                },
            },
            "channel": "email",
        },
    },
}

# Each entry of a list is read by itself, so what is here only describes.
Given = Annotated[ContactRequest | list[ContactRequest], WrapValidator(lambda given, _read: given)]
ContactName = Annotated[str, Path(description="a contact: its ref, or its id")]


@router.post(
    "",
    status_code=201,
    response_model=ContactBody,
    responses={200: {"model": ContactBody | ContactsKept, "description": "changed; or a list"}},
)
def keep_contacts(
    desk: Desks, tenant: Tenants, asked: Annotated[Given, Body(openapi_examples=_NEW)]
) -> Response:
    """Keep a contact, or a list of up to 1,000; one with a `ref` that is there changes that contact.

    What is left out of a change stays as it was. A list is refused (422) only if every entry is.
    """
    if isinstance(asked, list):
        return _keep_list(desk, tenant, asked)
    read = _read(asked)
    if isinstance(read, list):
        raise InvalidRequestError(read)
    put = contacts.put_one(desk.rt, tenant, read)
    where = {"Location": f"/v1/contacts/{put.contact.id}"}
    return schema.answer(shown(put.contact), 201 if put.new else 200, where)


def _keep_list(desk: Desks, tenant: Tenants, given: list[Any]) -> Response:
    if not 1 <= len(given) <= MAX_LIST:
        detail = f"a list takes 1 to {MAX_LIST:,} contacts; import a file of more"
        raise InvalidRequestError([FieldProblem("#", "too_long", detail)])
    done = contacts.put(desk.rt, tenant, list(map(_read, given)))
    wrong = [_pointed(i, one) if isinstance(one, list) else [] for i, one in enumerate(done)]
    if all(wrong):
        raise InvalidRequestError([problem for problems in wrong for problem in problems])
    data = [
        {"id": one.contact.id, "ref": one.contact.ref, "new": one.new}
        if isinstance(one, Put)
        else {"errors": problems}
        for one, problems in zip(done, wrong, strict=True)
    ]
    refused = sum(map(bool, wrong))
    return schema.answer({"data": data, "accepted": len(data) - refused, "refused": refused})


def _read(value: Any) -> ContactRequest | list[FieldProblem]:
    try:
        return ContactRequest.model_validate(value)
    except ValidationError as error:
        return problems_of(error)


def _pointed(index: int, problems: list[FieldProblem]) -> list[FieldProblem]:
    return [FieldProblem(f"#/{index}{p.pointer[1:]}", p.code, p.detail) for p in problems]


@router.get("", response_model=ContactPage)
def list_contacts(
    request: Request, desk: Desks, tenant: Tenants, query: Annotated[ContactQuery, Query()]
) -> Response:
    """List contacts, newest first.

    `q` looks into names, companies and addresses; to keep addresses out of URLs, search by
    POST.
    """
    listing = Listing(query.q, query.tag, query.assignee)
    before = read_cursor(query.cursor)
    found = contacts.page(desk.rt, tenant, listing, before, query.limit + 1)
    cursor = cursor_after(found, query.limit)
    data = list(map(shown, found[: query.limit]))
    return schema.answer({"data": data, "next_cursor": cursor}, headers=next_link(request, cursor))


@router.post("/search", response_model=FoundContacts)
def search_contacts(
    desk: Desks, tenant: Tenants, asked: Annotated[AudienceSearch, Body(openapi_examples=_SEARCH)]
) -> Response:
    """Ask how many people an audience is, and who; what a campaign would write to.

    Whatever is given must fit. Groups and conditions all must hold unless their `logic` is OR.
    """
    who = contacts.audience_of(asked.audience)
    before = read_cursor(asked.cursor)
    reach, found = contacts.search(desk.rt, tenant, who, asked.channel, before, asked.limit + 1)
    cursor = cursor_after(found, asked.limit)
    data = list(map(shown, found[: asked.limit]))
    return schema.answer({**asdict(reach), "data": data, "next_cursor": cursor})


@router.post(
    "/import",
    response_model=ImportedContacts,
    status_code=201,
    openapi_extra=reading.CSV_BODY,
    description=(
        f"A CSV file of up to {MAX_ROWS:,} contacts with columns named as the fields are; "
        "`attributes.<name>` is an attribute, and a cell of several things parts them with "
        "semicolons. It is taken whole or, if any line is wrong, not at all (422, `#/12/phones/0`), "
        "unless `skip_invalid` says that the good lines are."
    ),
)
async def import_contacts(
    request: Request, desk: Desks, tenant: Tenants, query: Annotated[ImportQuery, Query()]
) -> Response:
    """Keep every contact of a file."""
    content = await reading.body(request, _FILE_LIMIT)
    done = await run_in_threadpool(
        contact_files.import_file, desk.rt, tenant, content, skip_invalid=query.skip_invalid
    )
    return schema.answer(asdict(done), 201)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export_contacts(desk: Desks, tenant: Tenants) -> Response:
    """Get all contacts as a CSV file, which can be imported again.

    Each attribute has a column of its own.
    """
    return StreamingResponse(contact_files.export(desk.rt, tenant), media_type="text/csv")


@router.get("/{contact}", response_model=ContactBody)
def get_contact(desk: Desks, tenant: Tenants, contact: ContactName) -> Response:
    """Get a contact.

    It is named by your `ref`, or by its id.
    """
    return schema.answer(shown(contacts.get(desk.rt, tenant, contact)))


@router.patch("/{contact}", response_model=ContactBody)
def change_contact(
    desk: Desks,
    tenant: Tenants,
    contact: ContactName,
    patch: Annotated[ContactPatch, Body(openapi_examples=_PATCH)],
) -> Response:
    """Change a contact; what is left out stays. Lists are all there is from then on."""
    return schema.answer(shown(contacts.change(desk.rt, tenant, contact, patch)))


@router.delete("/{contact}", status_code=204)
def delete_contact(desk: Desks, tenant: Tenants, contact: ContactName) -> Response:
    """Forget a contact. What was sent to it stays; to empty that, too, POST /v1/erasures."""
    contacts.delete(desk.rt, tenant, contact)
    return Response(status_code=204)


@router.get("/{contact}/conversations", response_model=Threads)
def list_contact_conversations(desk: Desks, tenant: Tenants, contact: ContactName) -> Response:
    """List the conversations with a contact, on any of its addresses.

    Each says which sender goes on with it.
    """
    found = [asdict(thread) for thread in contacts.threads(desk.rt, tenant, contact)]
    data = [one | {"created_at": one["created_at"].astimezone(UTC)} for one in found]
    return schema.answer({"data": data})
