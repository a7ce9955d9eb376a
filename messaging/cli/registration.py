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
from messaging.domain.message import DEVELOPMENT
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
)
from messaging.providers.transport import Transport
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
    segments_per_day: Annotated[
        int | None, typer.Option(min=1, help="What one carrier lets it send, over all campaigns.")
    ] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Make a brand, or say where its registration stands."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        registration.put_brand(
            rt, owner, Brand(name, status, provider_id, account, segments_per_day)
        )
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
    segments_per_minute: Annotated[
        int | None, typer.Option(min=1, help="What carriers let it send.")
    ] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Make a 10DLC campaign, or say what it is and where its registration stands."""
    campaign = TendlcCampaign(
        name,
        brand,
        status,
        use_case,
        provider_id,
        service_id,
        links,
        phone_numbers,
        age_gated,
        segments_per_minute,
    )
    with runtime() as rt:
        registration.put_campaign(rt, onboarding.find_tenant(rt, tenant), campaign)
    note(f"{name} is {status.value}")


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
    show_rows(
        [asdict(b) for b in found],
        ["name", "status", "provider_brand_id", "segments_per_day"],
        output,
    )


@registration_.command("campaigns")
def list_campaigns(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show a tenant's 10DLC campaigns."""
    with runtime() as rt:
        found = registration.campaigns(rt, onboarding.find_tenant(rt, tenant))
    show_rows(
        [asdict(c) for c in found],
        ["name", "brand", "status", "use_case", "segments_per_minute"],
        output,
    )
