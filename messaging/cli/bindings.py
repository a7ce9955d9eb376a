"""`posthorn bindings`: what a campaign, a source, a use case, a lead or a tenant sends from."""

from __future__ import annotations

from typing import Annotated

import typer

from messaging import bindings as use
from messaging import onboarding
from messaging.api.bindings import shown
from messaging.bindings import Target
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.bindings import BindingKind
from messaging.domain.message import DEVELOPMENT

bindings = typer.Typer(help="What is sent from where.", no_args_is_help=True, rich_markup_mode=None)

Kind = Annotated[BindingKind, typer.Argument(help="What is bound.")]
Ref = Annotated[str, typer.Argument(help="Which one, as you name it; none for the tenant.")]
Sender = Annotated[str | None, typer.Option(help="A sender: its address or its id.")]
Pool = Annotated[str | None, typer.Option(help="A pool, by name.")]
Account = Annotated[str | None, typer.Option(help="A provider account, by name.")]
_MOST = 1_000


@bindings.command("set")
def set_binding(
    kind: Kind,
    ref: Ref = "",
    *,
    sender: Sender = None,
    pool: Pool = None,
    account: Account = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Bind something to a sender, a pool or an account, beside what it is bound to already."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        use.bind(rt, owner, kind, ref, Target(sender, pool, account))
    note("bound")


@bindings.command("list")
def list_bindings(
    *,
    kind: Annotated[BindingKind | None, typer.Option(help="Of this kind only.")] = None,
    ref: Annotated[str | None, typer.Option(help="Of this one only, as you name it.")] = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show the first thousand bindings, in the order they were made."""
    with runtime() as rt:
        found = use.page(rt, onboarding.find_tenant(rt, tenant), kind, ref, limit=_MOST)
    columns = ["kind", "ref", "sender", "pool", "account"]
    show_rows(list(map(shown, found)), columns, output)


@bindings.command("remove")
def remove_binding(
    kind: Kind,
    ref: Ref = "",
    *,
    sender: Sender = None,
    pool: Pool = None,
    account: Account = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Undo one binding or, with no sender, pool or account, all of something."""
    target = Target(sender, pool, account)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        count = use.unbind(rt, owner, kind, ref, None if target == Target() else target)
    note(f"removed {count}")
