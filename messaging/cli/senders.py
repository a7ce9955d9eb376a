"""`posthorn senders`: what a tenant sends from, how it stands, and what of it changes."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from messaging import fleet, onboarding, sender_changes, sender_files
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.importing import File, content_of, progress
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain import sender_load
from messaging.domain.errors import InvalidRequestError
from messaging.domain.message import DEVELOPMENT, Capability, Channel
from messaging.domain.registration import ReplyOwner, Verification
from messaging.domain.request import problems_of
from messaging.domain.sender_health import SenderState
from messaging.domain.sender_request import SenderPatch, SenderRequest
from messaging.store.fleet_views import SenderView

senders = typer.Typer(help="What is sent from.", rich_markup_mode=None)

_COLUMNS = ["address", "state", "health", "headroom", "today", "pools", "standing", "reason"]

_Model = TypeVar("_Model", bound=BaseModel)
Address = Annotated[str, typer.Argument(help="A sender of yours: its address or its id.")]
Mps = Annotated[float | None, typer.Option(help="Message segments a second it may send.")]
Able = Annotated[
    list[Capability] | None, typer.Option("--capability", help="What it can carry; repeat it.")
]
Country = Annotated[str | None, typer.Option(help="Where it is from, as US.")]
Owner = Annotated[str | None, typer.Option(help="The agent or user it belongs to; '' for none.")]
People = Annotated[
    int | None,
    typer.Option("--daily-recipients", min=0, help="Different people a day; 0 is no limit."),
]
Ramp = Annotated[
    str | None,
    typer.Option(help="The same while it warms up: 'default', or a limit per level as 100,250."),
]
Campaign = Annotated[
    str | None, typer.Option(help="The 10DLC campaign it is on, by name; '' for none.")
]
Verified = Annotated[
    Verification | None, typer.Option(help="Its own state, as of a toll-free number.")
]
ProviderId = Annotated[
    str | None,
    typer.Option(help="Its verification's id at the provider, which is asked hourly; '' for none."),
]
Replies = Annotated[
    ReplyOwner | None, typer.Option(help="Who answers STOP and HELP; only one party may.")
]


@senders.callback(invoke_without_command=True)
def overview(
    context: typer.Context, *, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE
) -> None:
    """Show what a tenant sends from: states, health, what is left of the day, and reasons."""
    if context.invoked_subcommand is None:
        list_senders(tenant=tenant, output=output)


@senders.command("list")
def list_senders(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show the same as `posthorn senders` alone."""
    with runtime() as rt:
        found = sender_changes.views(rt, onboarding.find_tenant(rt, tenant))
    show_rows(list(map(_row, found)), _COLUMNS, output)


def _row(view: SenderView) -> dict[str, Any]:
    people = "" if view.allowance is None else f", {view.people_today} of {view.allowance} people"
    return {
        "id": str(view.id),
        "address": view.address,
        "channel": view.channel,
        "kind": view.kind,
        "account": view.account,
        "state": view.state,
        "health": sender_load.health(view.day),
        "headroom": f"{view.headroom:.0%}",
        "today": f"{view.segments_today:g} segments{people}",
        "pools": view.pools,
        "reason": view.state_reason,
        "since": view.state_since,
        "mps": view.mps,
        "capabilities": view.capabilities,
        "owner": view.owner,
        "warming": view.warming,
        "default": view.is_default,
        "campaign": view.campaign,
        "verification": view.verification,
        "standing": view.standing,
        "reply_owner": view.reply_owner,
    }


def _steps(ramp: str) -> str | list[str] | None:
    return ramp if ramp == "default" else ramp.split(",") if ramp else None


def _read(model: type[_Model], fields: dict[str, Any]) -> _Model:
    """A model of what was said; what was not said is left out, and what is '' or 0 is none."""
    said = {name: value for name, value in fields.items() if value is not None}
    if "ramp" in said:
        said["ramp"] = _steps(said["ramp"])
    for name in ("campaign", "provider_verification_id", "owner", "daily_recipients"):
        if name in said:
            said[name] = said[name] or None
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error)) from None


@senders.command("add")
def add_senders(
    addresses: Annotated[
        list[str],
        typer.Argument(help="Numbers in E.164, short codes, names, e-mail addresses, accounts."),
    ],
    *,
    account: Annotated[
        str | None, typer.Option(help="The account they belong to, by name.")
    ] = None,
    channel: Annotated[Channel | None, typer.Option(help="Needed for Instagram ids.")] = None,
    pool: Annotated[
        list[str] | None, typer.Option(help="A pool to add them to; made if new; repeat it.")
    ] = None,
    mps: Mps = None,
    capability: Able = None,
    country: Country = None,
    owner: Owner = None,
    daily_recipients: People = None,
    ramp: Ramp = None,
    default: Annotated[bool, typer.Option("--default", help="For what nobody else fits.")] = False,
    campaign: Campaign = None,
    reply_owner: Replies = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Add something to send from; all of it or, if one address is wrong, nothing."""
    said = {
        "account": account,
        "channel": channel,
        "pools": pool or [],
        "mps": mps,
        "capabilities": capability or None,
        "country": country,
        "owner": owner,
        "daily_recipients": daily_recipients,
        "ramp": ramp,
        "is_default": default,
        "campaign": campaign,
        "reply_owner": reply_owner,
    }
    asked = [_read(SenderRequest, {"address": address, **said}) for address in addresses]
    with runtime() as rt:
        made = fleet.add(rt, onboarding.find_tenant(rt, tenant), asked)
    note(f"added {len(made)}")


@senders.command("import")
def import_senders(file: File, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Add every sender of a CSV file, or none; its first line names the columns.

    posthorn senders import fleet.csv
    """
    content = content_of(file)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        with progress(content, "senders") as tick:
            added = sender_files.import_file(rt, owner, content, tick)
    note(f"added {added:,}")


@senders.command("change")
def change_sender(
    address: Address,
    *,
    state: Annotated[
        SenderState | None, typer.Option(help="cordoned: not chosen unasked; active; retired.")
    ] = None,
    campaign: Campaign = None,
    verification: Verified = None,
    provider_id: ProviderId = None,
    reply_owner: Replies = None,
    mps: Mps = None,
    capability: Able = None,
    country: Country = None,
    owner: Owner = None,
    daily_recipients: People = None,
    ramp: Ramp = None,
    ramp_level: Annotated[int | None, typer.Option(help="Where on its ramp it is now.")] = None,
    pool: Annotated[
        list[str] | None, typer.Option(help="The pools it is in, and no others; repeat it.")
    ] = None,
    default: Annotated[bool | None, typer.Option(help="For what nobody else fits.")] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Change what is named of a sender; the rest stays as it is."""
    said = {
        "state": state,
        "campaign": campaign,
        "verification": verification,
        "provider_verification_id": provider_id,
        "reply_owner": reply_owner,
        "mps": mps,
        "capabilities": capability or None,
        "country": country,
        "owner": owner,
        "daily_recipients": daily_recipients,
        "ramp": ramp,
        "ramp_level": ramp_level,
        "pools": pool or None,
        "is_default": default,
    }
    if all(value is None for value in said.values()):
        raise typer.BadParameter("name at least one thing to change")
    patch = _read(SenderPatch, said)
    with runtime() as rt:
        tenant_ = onboarding.find_tenant(rt, tenant)
        found = sender_changes.named(rt, tenant_, address)
        changed = sender_changes.change(rt, tenant_, found, patch)
    note(f"state: {changed.state.value}, standing: {changed.standing.value}")


@senders.command("retire")
def retire_sender(address: Address, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Take a sender out of use for ever; what it sent keeps naming it."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        sender_changes.retire(rt, owner, sender_changes.named(rt, owner, address))
    note("retired")
