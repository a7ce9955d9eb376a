"""`posthorn tenants`: who is there, and how much of the workers is whose when several wait."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from messaging import onboarding
from messaging.cli.beside import runtime
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.fairness import HEAVIEST, LIGHTEST

tenants = typer.Typer(help="Tenants.", no_args_is_help=True, rich_markup_mode=None)


@tenants.command("list")
def list_tenants(*, output: Output = Form.TABLE) -> None:
    """Show the tenants and their weights."""
    with runtime() as rt:
        found = onboarding.list_tenants(rt)
    show_rows([asdict(one) for one in found], ["name", "default_region", "weight"], output)


@tenants.command("weight")
def weigh_tenant(
    name: Annotated[str, typer.Argument(help="Whose.")],
    weight: Annotated[
        float,
        typer.Argument(min=LIGHTEST, max=HEAVIEST, help="1 is usual; 3 is three times as much."),
    ],
) -> None:
    """Say how much of a lane a tenant gets while others wait in it too."""
    with runtime() as rt:
        onboarding.weigh(rt, onboarding.find_tenant(rt, name), weight)
    note(f"{name} weighs {weight:g}, from the next claim on")
