"""`posthorn use-cases`: what is sent for one purpose from one pool."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from messaging import onboarding
from messaging import use_cases as use
from messaging.api.use_cases import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show, show_rows
from messaging.domain.message import DEVELOPMENT

use_cases = typer.Typer(
    help="What is sent for one purpose.", no_args_is_help=True, rich_markup_mode=None
)

Id = Annotated[UUID, typer.Argument(help="Its id, as 'list' shows it.")]


@use_cases.command("list")
def list_use_cases(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show a tenant's use cases."""
    with runtime() as rt:
        found = use.use_cases(rt, onboarding.find_tenant(rt, tenant))
    show_rows(list(map(shown, found)), ["id", "name", "pool", "active", "created_at"], output)


@use_cases.command("add")
def add_use_case(
    name: Annotated[str, typer.Argument(help="What you call it.")],
    *,
    pool: Annotated[str, typer.Option(help="The pool it is sent from.")] = "main",
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Make a use case."""
    with runtime() as rt:
        made = use.make(rt, onboarding.find_tenant(rt, tenant), name, pool)
    show(shown(made), output)


@use_cases.command("change")
def change_use_case(
    id_: Id,
    *,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether it may be sent for.")
    ] = None,
    pool: Annotated[str | None, typer.Option(help="Send it from this pool.")] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Switch a use case on or off, or send it from another pool."""
    if active is None and pool is None:
        raise typer.BadParameter("name at least one thing to change, such as --inactive")
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        found = use.change(rt, owner, id_, active=active, pool=pool)
    note(f"{found.name} is {'active' if found.active else 'off'}, sent from {found.pool}")


@use_cases.command("remove")
def remove_use_case(id_: Id, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Remove a use case; its messages stay."""
    with runtime() as rt:
        use.remove(rt, onboarding.find_tenant(rt, tenant), id_)
    note("removed")
