"""`posthorn keys`: who may use the API, how much of it, and until when."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from typing import Annotated

import typer

from messaging import access, onboarding
from messaging.access import Asked
from messaging.api.keys import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.errors import NotFoundError
from messaging.domain.message import DEVELOPMENT
from messaging.domain.scopes import KeyKind, Scope

keys = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,5})([mhd])", text)
    if found is None or not int(found[1]):
        raise typer.BadParameter("must be a number with m, h or d, such as 90d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@keys.command("create")
def create_key(
    *,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may do; may be given again. Else all.")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="It reaches sandboxes only.")] = False,
    expires_in: Annotated[
        timedelta | None,
        typer.Option(parser=_duration, metavar="TIME", help="Until when: 90d, 12h, 30m."),
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=0, max=10_000_000, help="0 is no limit.")
    ] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Make an API key and show it, this once."""
    with runtime() as rt:
        asked = Asked(
            name,
            KeyKind.TEST if test else KeyKind.LIVE,
            scope or None,
            None if expires_in is None else rt.now() + expires_in,
            requests_per_minute,
        )
        made, _ = access.create(rt, onboarding.find_tenant(rt, tenant), asked)
    sys.stdout.write(f"{made}\n")
    note("it is not shown again; 'posthorn keys revoke' ends it")


@keys.command("list")
def list_keys(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show the API keys, and when each was last used."""
    with runtime() as rt:
        found = access.listed(rt, onboarding.find_tenant(rt, tenant))
    columns = ["id", "name", "kind", "scopes", "last_used_at", "expires_at", "revoked_at"]
    show_rows([shown(key) for key in found], columns, output)


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The part between the second and third '_', or all.")],
) -> None:
    """End an API key; every process refuses it within seconds."""
    with runtime() as rt:
        if not access.revoke(rt, access.key_id_of(key) or key):
            raise NotFoundError("no active key has this id")
    note("revoked")
