"""`posthorn policy`: see and change what a tenant decided about compliance."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from messaging import onboarding, policies
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import write_json
from messaging.domain.message import DEVELOPMENT

policy = typer.Typer(help="What a tenant decided about compliance.", no_args_is_help=True)


def _patch(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter('must be a JSON object, such as {"brand": "Acme"}')
    return found


@policy.command("show")
def show_(tenant: TenantName = DEVELOPMENT) -> None:
    """Show the whole policy as JSON, defaults included."""
    with runtime() as rt:
        found = policies.read(rt, onboarding.find_tenant(rt, tenant))
    write_json(found.model_dump(mode="json"))


@policy.command("set")
def set_(
    patch: Annotated[
        Any, typer.Argument(parser=_patch, metavar="JSON", help="The parts to change; null resets.")
    ],
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Change the named parts, and show the whole afterwards.

    posthorn policy set '{"brand": "Acme", "quiet_hours": {"preset": "us_strict"}}'
    """
    with runtime() as rt:
        changed = policies.change(rt, onboarding.find_tenant(rt, tenant), patch)
    write_json(changed.model_dump(mode="json"))
