"""`posthorn prices`: what a segment costs, by provider, channel and country."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from pydantic import ValidationError

from messaging import billing as use
from messaging import onboarding
from messaging.api.billing import price_shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.importing import File, content_of, progress
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.billing_request import PriceRequest
from messaging.domain.message import DEVELOPMENT
from messaging.domain.pricing import ANY

prices = typer.Typer(help="What messages cost.", no_args_is_help=True, rich_markup_mode=None)

Everybody = Annotated[
    bool, typer.Option("--everybody", help="Every tenant's price, not this tenant's own.")
]


@prices.command("list")
def list_prices(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show a tenant's own prices, then everybody's."""
    with runtime() as rt:
        found = use.listed(rt, onboarding.find_tenant(rt, tenant))
    columns = ["own", "country", "provider", "channel", "per_segment", "currency", "since"]
    show_rows(list(map(price_shown, found)), columns, output)


@prices.command("set")
def set_price(
    per_segment: Annotated[str, typer.Argument(help="What one segment costs.")],
    *,
    provider: Annotated[str, typer.Option(help="Of this provider.")] = ANY,
    channel: Annotated[str, typer.Option(help="On this channel.")] = ANY,
    country: Annotated[str, typer.Option(help="To this country, as US.")] = ANY,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "USD",
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="From then on; otherwise now."),
    ] = None,
    everybody: Everybody = False,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Set a price; the closest one holds, a tenant's own before everybody's."""
    try:
        asked = PriceRequest(
            per_segment=per_segment,
            provider=provider,
            channel=channel,
            country=country,
            currency=currency,
        )
    except ValidationError as error:
        wrong = ", ".join(str(problem["loc"][0]) for problem in error.errors())
        raise typer.BadParameter(f"these are not written as they must be: {wrong}") from None
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        use.set_prices(rt, owner, [asked.price(own=not everybody)], since)
    note("kept")


@prices.command("import")
def import_prices(
    file: File, *, everybody: Everybody = False, tenant: TenantName = DEVELOPMENT
) -> None:
    """Set every price of a CSV file, or none.

    The columns are per_segment, currency, provider, channel, country and since; all but the first may
    be left out, and an empty cell is any (a currency: USD, a time: now). A country is written as US, a
    time as 2026-03-01T00:00:00Z.

    posthorn prices import card.csv --everybody
    """
    content = content_of(file)
    with runtime() as rt, progress(content, "prices") as tick:
        owner = onboarding.find_tenant(rt, tenant)
        kept = use.import_prices(rt, owner, content, own=not everybody, tick=tick)
    note(f"kept {kept} prices")
