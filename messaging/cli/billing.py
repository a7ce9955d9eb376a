"""`posthorn billing`: who is billed, and what they may spend."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from messaging import billing as use
from messaging import onboarding
from messaging.api.billing import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show
from messaging.domain.message import DEVELOPMENT
from messaging.store.budgets import Budget

billing = typer.Typer(
    help="Who is billed, and what they may spend.", no_args_is_help=True, rich_markup_mode=None
)

_MOST = Decimal(10) ** 12


def amount(text: str) -> Decimal:
    """A decimal number of at most six places."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise typer.BadParameter(f"{text!r} is not a decimal number") from None
    exponent = found.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -6 or abs(found) >= _MOST:
        raise typer.BadParameter("give a number of at most twelve digits and six places")
    return found


def _cap(text: str) -> Decimal | None:
    found = None if text == "none" else amount(text)
    if found is not None and found < 0:
        raise typer.BadParameter("a cap is 0 or more, or 'none'")
    return found


def _told(found: Budget) -> None:
    note(f"{found.balance.normalize():f} {found.currency} may be spent")


@billing.command("enable")
def enable(
    *,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "USD",
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Bill a tenant from now on: what has no price or no money is blocked_billing until it has."""
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise typer.BadParameter("a currency has three capital letters, as USD")
    with runtime() as rt:
        use.enable(rt, onboarding.find_tenant(rt, tenant), currency)
    note(f"{tenant} is billed in {currency} from now on; 'posthorn billing top-up' adds money")


@billing.command("top-up")
def top_up(
    paid: Annotated[str, typer.Argument(metavar="AMOUNT", help="How much; below 0 takes away.")],
    *,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Add to a balance, and send what was blocked for want of it, oldest first."""
    with runtime() as rt:
        _told(use.top_up(rt, onboarding.find_tenant(rt, tenant), amount(paid)))


@billing.command("caps")
def caps(
    cap: Annotated[str, typer.Argument(help="What it may cost at most; 'none' lifts the cap.")],
    *,
    campaign: Annotated[
        str | None, typer.Option(help="Of this campaign; without it, of every day (UTC).")
    ] = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Say what a day, or a campaign, may cost."""
    most = _cap(cap)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        if campaign is None:
            found = use.cap_day(rt, owner, most)
        else:
            found = use.cap_campaign(rt, owner, campaign, most)
    show(shown(found), output)


@billing.command("show")
def show_(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show what a tenant may spend, and has spent today."""
    with runtime() as rt:
        found = use.show(rt, onboarding.find_tenant(rt, tenant))
    show(shown(found), output)


@billing.command("release")
def release(*, tenant: TenantName = DEVELOPMENT) -> None:
    """Try everything again that is blocked for want of money, a provider account's included."""
    with runtime() as rt:
        freed = use.release_all(rt, onboarding.find_tenant(rt, tenant))
    note(f"queued {freed} messages")
