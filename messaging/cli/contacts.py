"""`posthorn contacts`: the people a tenant knows, one by one and in files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from messaging import contact_files, onboarding
from messaging import contacts as use
from messaging.api.contact_bodies import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.importing import File, content_of, progress
from messaging.cli.output import Form, Output, Reveal, note, show, show_rows
from messaging.contacts import Listing
from messaging.domain import addresses, contact_csv
from messaging.domain.contact import ADDRESSED, Contact, ContactPatch, ContactRequest
from messaging.domain.errors import InvalidRequestError
from messaging.domain.message import DEVELOPMENT
from messaging.domain.request import problems_of

contacts = typer.Typer(
    help="The people messages go to.", no_args_is_help=True, rich_markup_mode=None
)

_COLUMNS = ["lead", "name", "company", "phones", "emails", "tags", "assignee"]

_Model = TypeVar("_Model", bound=BaseModel)
Who = Annotated[str, typer.Argument(help="The contact's ref, or its id.")]
Named = Annotated[str | None, typer.Option(help="First and last name; '' for none.")]
Phone = Annotated[
    list[str] | None, typer.Option(help="The first is written to; repeat it; '' for none.")
]
Email = Annotated[list[str] | None, typer.Option(help="The same of e-mail addresses.")]
Instagram = Annotated[list[str] | None, typer.Option(help="The same of Instagram ids.")]
Company = Annotated[str | None, typer.Option(help="'' for none, as everywhere below.")]
Tag = Annotated[list[str] | None, typer.Option(help="All it has; repeat it.")]
Attribute = Annotated[
    list[str] | None, typer.Option(help="Something else you know, as plan=pro; repeat it.")
]
Assignee = Annotated[str | None, typer.Option(help="Whose contact it is.")]
Campaign = Annotated[str | None, typer.Option(help="What its messages belong to.")]
Agent = Annotated[str | None, typer.Option(help="Who writes to it.")]
Source = Annotated[str | None, typer.Option(help="Where it came from.")]
Zone = Annotated[str | None, typer.Option("--time-zone", help="As America/New_York.")]
Postal = Annotated[str | None, typer.Option("--postal-code", help="ZIP code or the like.")]

_LISTS = frozenset({*ADDRESSED, "tags"})


def _read(model: type[_Model], said: dict[str, Any]) -> _Model:
    """A model of what was said; what was not said is left out, and what is '' is none."""
    fields: dict[str, Any] = {}
    for name, value in said.items():
        if name in _LISTS and value:
            fields[name] = [one for one in value if one]
        elif name == "attributes" and value:
            fields[name] = dict(map(_attribute, value))
        elif name not in _LISTS and name != "attributes" and value is not None:
            fields[name] = value or None
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error)) from None


def _attribute(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter("an attribute is written as plan=pro")
    return name, contact_csv.value_of(value) if value else None


@contacts.command("add")
def add_contact(
    *,
    ref: Annotated[str | None, typer.Option(help="Your own id; one that is there changes.")] = None,
    name: Named = None,
    phone: Phone = None,
    email: Email = None,
    instagram: Instagram = None,
    company: Company = None,
    tag: Tag = None,
    attribute: Attribute = None,
    assignee: Assignee = None,
    campaign: Campaign = None,
    agent: Agent = None,
    source: Source = None,
    time_zone: Zone = None,
    postal_code: Postal = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Add a contact, or change the one with this ref.

    posthorn contacts add --ref lead_1 --name "Ana Lima" --phone +12025550123 --tag vip
    """
    said = {
        "ref": ref,
        "name": name,
        "phones": phone,
        "emails": email,
        "instagram_ids": instagram,
        "company": company,
        "tags": tag,
        "attributes": attribute,
        "assignee": assignee,
        "campaign": campaign,
        "agent": agent,
        "source": source,
        "time_zone": time_zone,
        "postal_code": postal_code,
    }
    asked = _read(ContactRequest, said)
    with runtime() as rt:
        put = use.put_one(rt, onboarding.find_tenant(rt, tenant), asked)
    note(f"{'added' if put.new else 'changed'} {put.contact.lead}")


@contacts.command("list")
def list_contacts(
    *,
    search: Annotated[
        str | None, typer.Option(help="Somewhere in name, company, addresses.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="With this tag only.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Of this one only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    reveal: Reveal = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show contacts, newest first."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        found = use.page(rt, owner, Listing(search, tag, assignee), None, limit)
    show_rows([_row(one, reveal=reveal) for one in found], _COLUMNS, output)


def _row(contact: Contact, *, reveal: bool) -> dict[str, Any]:
    row = shown(contact)
    return (
        row if reveal else row | {name: list(map(addresses.mask, row[name])) for name in ADDRESSED}
    )


@contacts.command("show")
def show_contact(
    who: Who,
    *,
    reveal: Reveal = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show a contact."""
    with runtime() as rt:
        found = use.get(rt, onboarding.find_tenant(rt, tenant), who)
    show(_row(found, reveal=reveal), output)


@contacts.command("change")
def change_contact(
    who: Who,
    *,
    name: Named = None,
    phone: Phone = None,
    email: Email = None,
    instagram: Instagram = None,
    company: Company = None,
    tag: Tag = None,
    attribute: Attribute = None,
    assignee: Assignee = None,
    campaign: Campaign = None,
    agent: Agent = None,
    source: Source = None,
    time_zone: Zone = None,
    postal_code: Postal = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Change what is named of a contact; the rest stays as it is."""
    said = {
        "name": name,
        "phones": phone,
        "emails": email,
        "instagram_ids": instagram,
        "company": company,
        "tags": tag,
        "attributes": attribute,
        "assignee": assignee,
        "campaign": campaign,
        "agent": agent,
        "source": source,
        "time_zone": time_zone,
        "postal_code": postal_code,
    }
    patch = _read(ContactPatch, said)
    with runtime() as rt:
        use.change(rt, onboarding.find_tenant(rt, tenant), who, patch)
    note("changed")


@contacts.command("remove")
def remove_contact(who: Who, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Forget a contact; what was sent stays, unless `posthorn erase` empties it."""
    with runtime() as rt:
        use.delete(rt, onboarding.find_tenant(rt, tenant), who)
    note("removed")


@contacts.command("import")
def import_contacts(
    file: File,
    *,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Keep the good rows, and name the others.")
    ] = False,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Add or change every contact of a CSV file, or none; its first line names the columns.

    posthorn contacts import people.csv
    """
    content = content_of(file)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        with progress(content, "contacts") as tick:
            done = contact_files.import_file(rt, owner, content, tick, skip_invalid=skip_invalid)
    for problem in done.errors:
        note(f"{problem.pointer}: {problem.detail}")
    skipped = f", {done.skipped:,} skipped" if done.skipped else ""
    note(f"added {done.new:,}, changed {done.changed:,}{skipped}")


@contacts.command("export")
def export_contacts(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write; standard output, if left out.")
    ] = None,
    *,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Write all contacts as CSV, addresses included; it can be imported again."""
    with runtime() as rt:
        parts = contact_files.export(rt, onboarding.find_tenant(rt, tenant))
        if file is None:
            sys.stdout.writelines(parts)
            return
        try:
            with file.open("w", newline="") as out:
                out.writelines(parts)
        except OSError as problem:
            raise typer.BadParameter(f"{file} cannot be written: {problem.strerror}") from None
