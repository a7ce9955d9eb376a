"""`posthorn registration`: what US carriers want to know before a number may send."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from messaging import onboarding, registration, registration_refresh
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.errors import NotFoundError
from messaging.domain.message import DEVELOPMENT
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    ReplyOwner,
    Verification,
)
from messaging.providers.transport import Transport
from messaging.registration import SenderChange
from messaging.store.registrations import Brand, TendlcCampaign

registration_ = typer.Typer(
    help="Brands, 10DLC campaigns and verifications.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(help="What you call it.")]
_THERE = "With the provider's id for it, the provider is asked hourly."


@registration_.command("brand")
def put_brand(
    name: Name,
    *,
    status: Annotated[BrandStatus, typer.Option(help="Where it stands at the provider.")],
    provider_id: Annotated[str | None, typer.Option(help=_THERE)] = None,
    account: Annotated[
        str | None, typer.Option(help="Where it is registered, by name, if you have several.")
    ] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Make a brand, or say where its registration stands."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        registration.put_brand(rt, owner, Brand(name, status, provider_id, account))
    note(f"{name} is {status.value}")


@registration_.command("campaign")
def put_campaign(
    name: Name,
    *,
    brand: Annotated[str, typer.Option(help="The brand behind it, by name.")],
    status: Annotated[CampaignStatus, typer.Option(help="Where it stands at the provider.")],
    use_case: Annotated[str | None, typer.Option(help="As registered, such as MIXED.")] = None,
    provider_id: Annotated[str | None, typer.Option(help=_THERE)] = None,
    service_id: Annotated[
        str | None, typer.Option(help="What it is kept under there: Twilio's messaging service.")
    ] = None,
    links: Annotated[bool, typer.Option(help="Whether it declared links.")] = True,
    phone_numbers: Annotated[bool, typer.Option(help="Whether it declared numbers.")] = True,
    age_gated: Annotated[bool, typer.Option(help="Whether only adults get it.")] = False,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Make a 10DLC campaign, or say what it is and where its registration stands."""
    campaign = TendlcCampaign(
        name, brand, status, use_case, provider_id, service_id, links, phone_numbers, age_gated
    )
    with runtime() as rt:
        registration.put_campaign(rt, onboarding.find_tenant(rt, tenant), campaign)
    note(f"{name} is {status.value}")


@registration_.command("sender")
def change_sender(
    address: Annotated[str, typer.Argument(help="A sender of yours: its number or its id.")],
    *,
    campaign: Annotated[
        str | None, typer.Option(help="The 10DLC campaign it is on, by name; '' for none.")
    ] = None,
    verification: Annotated[
        Verification | None, typer.Option(help="Its own state, as of a toll-free number.")
    ] = None,
    provider_id: Annotated[
        str | None, typer.Option(help=f"Its verification's id there; '' for none. {_THERE}")
    ] = None,
    reply_owner: Annotated[
        ReplyOwner | None, typer.Option(help="Who answers STOP and HELP; only one party may.")
    ] = None,
    healthy: Annotated[bool | None, typer.Option(help="Whether it is chosen unasked.")] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Say what a number is registered for, and who answers on it."""
    change: SenderChange = {}
    if campaign is not None:
        change["campaign"] = campaign or None
    if verification is not None:
        change["verification"] = verification
    if provider_id is not None:
        change["provider_verification_id"] = provider_id or None
    if reply_owner is not None:
        change["reply_owner"] = reply_owner
    if healthy is not None:
        change["healthy"] = healthy
    if not change:
        raise typer.BadParameter("name at least one thing to change")
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        sender_id = rt.senders_of(owner.id).names.get(address)
        if sender_id is None:
            raise NotFoundError("no sender of this tenant has this number or id")
        changed = registration.change_sender(rt, owner, sender_id, change)
    note(f"standing: {changed.standing.value}")


@registration_.command("pool")
def limit_pool(
    name: Name,
    *,
    region: Annotated[
        list[str] | None,
        typer.Option(help="A country it may write to, as US; give it more than once."),
    ] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Lift the limit.")] = False,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Say which countries a pool of senders may write to."""
    if bool(region) == everywhere:
        raise typer.BadParameter("give --region, or --everywhere")
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        registration.limit_pool(rt, owner, name, frozenset(region) if region else None)
    note(f"{name} writes to {', '.join(sorted(region)) if region else 'wherever policy allows'}")


@registration_.command("refresh")
def refresh(*, tenant: TenantName = DEVELOPMENT) -> None:
    """Ask the providers now where a tenant's registrations stand; otherwise that is done hourly."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        transport = Transport(
            timeout=timedelta(seconds=rt.settings.provider_timeout_seconds),
            ca_file=rt.settings.provider_ca_file or None,
        )
        try:
            note(registration_refresh.run_now(rt, transport, owner))
        finally:
            transport.close()


@registration_.command("brands")
def list_brands(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show a tenant's brands."""
    with runtime() as rt:
        found = registration.brands(rt, onboarding.find_tenant(rt, tenant))
    show_rows([asdict(b) for b in found], ["name", "status", "provider_brand_id"], output)


@registration_.command("campaigns")
def list_campaigns(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show a tenant's 10DLC campaigns."""
    with runtime() as rt:
        found = registration.campaigns(rt, onboarding.find_tenant(rt, tenant))
    show_rows([asdict(c) for c in found], ["name", "brand", "status", "use_case"], output)


@registration_.command("pools")
def list_pools(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show where a tenant's pools of senders may write to."""
    with runtime() as rt:
        found = registration.pools(rt, onboarding.find_tenant(rt, tenant))
    rows = [{"name": name, "regions": regions} for name, regions in found.items()]
    show_rows(rows, ["name", "regions"], output)
