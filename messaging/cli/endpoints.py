"""`posthorn endpoints` and `posthorn replay`: URLs that are told what happens, and what they were told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from messaging import endpoints as use
from messaging import onboarding
from messaging.api.endpoints import shown
from messaging.api.notices import notice, replayed
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.messages import moment
from messaging.cli.output import Form, Output, note, show, show_rows
from messaging.domain.message import DEVELOPMENT
from messaging.domain.notices import Kind, State
from messaging.endpoints import Changes
from messaging.store.notices import Chosen

endpoints = typer.Typer(
    help="URLs that are told what happens to messages.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Id = Annotated[UUID, typer.Argument(help="The endpoint's id.")]
Url = Annotated[str, typer.Argument(help="Where to post: https, and a host with public addresses.")]
Event = Annotated[
    list[Kind] | None, typer.Option("--event", help="Something to tell it; may be given again.")
]


@endpoints.command("add")
def add_endpoint(
    url: Url,
    *,
    event: Event = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Add an endpoint and show its secret, which cannot be shown again."""
    with runtime() as rt:
        found, secret = use.add(rt, onboarding.find_tenant(rt, tenant), url, event or tuple(Kind))
        now = rt.now()
    show({**shown(found, now), "secret": secret}, output)


@endpoints.command("list")
def list_endpoints(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show the endpoints, and how they are doing."""
    with runtime() as rt:
        now = rt.now()
        found = use.page(rt, onboarding.find_tenant(rt, tenant))
    columns = ["id", "url", "enabled", "disabled_reason", "failing_since", "events"]
    show_rows([shown(view, now) for view in found], columns, output)


@endpoints.command("change")
def change_endpoint(
    endpoint: Id,
    *,
    url: Annotated[str | None, typer.Option(help="Where to post from now on.")] = None,
    event: Event = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Whether it is told anything.")
    ] = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Change an endpoint; enabling it gives it a clean record."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        found = use.change(rt, owner, endpoint, Changes(url, event or None, enabled))
        now = rt.now()
    show(shown(found, now), output)


@endpoints.command("remove")
def remove_endpoint(endpoint: Id, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Remove an endpoint, and what it was still to be told."""
    with runtime() as rt:
        use.remove(rt, onboarding.find_tenant(rt, tenant), endpoint)
    note("removed")


@endpoints.command("rotate")
def rotate_secret(
    endpoint: Id, *, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE
) -> None:
    """Show a new secret; for 24 hours the old one signs, too."""
    with runtime() as rt:
        found, secret = use.rotate(rt, onboarding.find_tenant(rt, tenant), endpoint)
        now = rt.now()
    show({**shown(found, now), "secret": secret}, output)


@endpoints.command("test")
def send_example(
    endpoint: Id,
    *,
    event: Annotated[Kind, typer.Option(help="What the example tells.")] = Kind.DELIVERED,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Send an example, once; `posthorn endpoints notices` says what came of it."""
    with runtime() as rt:
        use.try_out(rt, onboarding.find_tenant(rt, tenant), endpoint, event)
    note("on its way")


@endpoints.command("notices")
def list_notices(
    endpoint: Id,
    *,
    state: Annotated[State | None, typer.Option(help="In this state only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show what an endpoint was told and is to be told, newest first."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        found = use.told(rt, owner, endpoint, state=state, limit=limit)
        rows = [notice(rt, view) for view in found]
    columns = ["id", "type", "message_id", "state", "at", "tries", "last_status", "last_error"]
    show_rows(rows, columns, output)


def replay(
    endpoint: Id,
    since: Annotated[
        datetime,
        typer.Argument(
            parser=moment, metavar="TIME", help="What happened since: 2026-01-31T09:00:00-05:00."
        ),
    ],
    *,
    until: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="And before then.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was delivered; else what was given up.")
    ] = False,
    message: Annotated[UUID | None, typer.Option(help="Of this message only.")] = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Tell an endpoint again, up to 10,000 notices at a time, oldest first."""
    states = (State.DEAD, State.DELIVERED) if everything else (State.DEAD,)
    chosen = Chosen(since, until, states, message)
    with runtime() as rt:
        found = use.replay(rt, onboarding.find_tenant(rt, tenant), endpoint, chosen)
    show(replayed(found), output)
