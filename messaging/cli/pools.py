"""`posthorn pools`: senders that may stand in for each other."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from messaging import onboarding, sender_changes
from messaging import pools as use
from messaging.api.pools import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.message import DEVELOPMENT

pools = typer.Typer(help="Groups of senders.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="What you call it.")]
Region = Annotated[
    list[str] | None, typer.Option(help="A country it may write to, as US; repeat it.")
]
Sticky = Annotated[bool | None, typer.Option(help="A conversation keeps its sender.")]
Local = Annotated[bool | None, typer.Option(help="Numbers near the recipient come first.")]
Within = Annotated[int | None, typer.Option(min=0, max=20_000, help="How far that may be.")]
Rate = Annotated[
    float | None, typer.Option(min=0, help="What all its senders may send; 0 lifts the limit.")
]


def _values(
    region: list[str] | None,
    sticky: bool | None,
    local: bool | None,
    local_km: int | None,
    segments_per_second: float | None,
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "regions": frozenset(region) if region else None,
        "sticky": sticky,
        "local": local,
        "local_km": local_km,
        "segments_per_second": segments_per_second,
    }
    values = {name: value for name, value in values.items() if value is not None}
    if "segments_per_second" in values:
        values["segments_per_second"] = segments_per_second or None
    return values


@pools.command("list")
def list_pools(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show a tenant's pools."""
    with runtime() as rt:
        found = use.pools(rt, onboarding.find_tenant(rt, tenant))
    columns = ["name", "senders", "regions", "sticky", "local", "local_km", "segments_per_second"]
    show_rows(list(map(shown, found)), columns, output)


@pools.command("add")
def add_pool(
    name: Name,
    *,
    region: Region = None,
    sticky: Sticky = None,
    local: Local = None,
    local_km: Within = None,
    segments_per_second: Rate = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Make an empty pool."""
    values = _values(region, sticky, local, local_km, segments_per_second)
    with runtime() as rt:
        use.make(rt, onboarding.find_tenant(rt, tenant), name, values)
    note(f"made {name}")


@pools.command("change")
def change_pool(
    name: Name,
    *,
    region: Region = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Lift the limit.")] = False,
    sticky: Sticky = None,
    local: Local = None,
    local_km: Within = None,
    segments_per_second: Rate = None,
    add: Annotated[
        list[str] | None, typer.Option(help="A sender to add: its address or id; repeat it.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="A sender to take out; repeat it.")
    ] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Change which senders a pool has, where it may write to, and how one of them is chosen."""
    values = _values(region, sticky, local, local_km, segments_per_second)
    if everywhere:
        if region:
            raise typer.BadParameter("give --region, or --everywhere")
        values["regions"] = None
    if not values and not add and not remove:
        raise typer.BadParameter("name at least one thing to change, such as --region")
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        if values:
            use.change(rt, owner, name, values)
        for address in add or ():
            use.join(rt, owner, name, sender_changes.named(rt, owner, address))
        for address in remove or ():
            use.leave(rt, owner, name, sender_changes.named(rt, owner, address))
        found = shown(use.find(rt, owner, name))
    where = ", ".join(found["regions"]) if found["regions"] else "wherever policy allows"
    note(f"{name} has {found['senders']} senders and writes to {where}")


@pools.command("remove")
def remove_pool(name: Name, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Delete a pool that has no senders, and that nothing is bound to."""
    with runtime() as rt:
        use.delete(rt, onboarding.find_tenant(rt, tenant), name)
    note(f"removed {name}")
