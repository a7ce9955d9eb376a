"""`posthorn consents`: what people agreed to, on record, asked about and imported."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from messaging import consents as use
from messaging import onboarding
from messaging.api.consents import state_of
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.importing import File, content_of, progress
from messaging.cli.messages import moment
from messaging.cli.output import Form, Output, Reveal, mask, note, show
from messaging.domain.compliance.facts import Basis, ConsentAction
from messaging.domain.consent_request import ConsentRequest
from messaging.domain.errors import InvalidRequestError
from messaging.domain.message import DEVELOPMENT, Category, Channel
from messaging.domain.request import problems_of

consents = typer.Typer(help="What people agreed to.", no_args_is_help=True, rich_markup_mode=None)

To = Annotated[str, typer.Argument(help="Whose, as +12025550123.")]
Purpose = Annotated[Category, typer.Option(case_sensitive=False, help="Consent to what.")]


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter('must be a JSON object, such as {"form": "vip"}')
    return found


@consents.command("record")
def record_(
    to: To,
    action: Annotated[ConsentAction, typer.Argument(help="What happened.")],
    *,
    basis: Annotated[Basis | None, typer.Option(help="How it was given; not for revoke.")] = None,
    source: Annotated[str, typer.Option(help="Where it was said.")] = "command line",
    category: Purpose = Category.MARKETING,
    channel: Annotated[Channel, typer.Option()] = Channel.SMS,
    text_version: Annotated[str | None, typer.Option(help="Which wording they saw.")] = None,
    evidence: Annotated[
        Any, typer.Option(parser=_object, metavar="JSON", help="What proves it.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="When: 2026-01-31T09:00:00-05:00."),
    ] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Record that somebody agreed, was asked, or ended their consent.

    posthorn consents record +12025550123 grant --basis express_written --source "web form"

    Ending consent to MARKETING suppresses nobody: other messages still go.
    """
    fields = {
        "to": to,
        "channel": channel,
        "category": category,
        "action": action,
        "basis": basis,
        "source": source,
        "text_version": text_version,
        "evidence": evidence,
        "at": at,
    }
    try:
        request = ConsentRequest.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error)) from None
    with runtime() as rt:
        use.record(rt, onboarding.find_tenant(rt, tenant), request)
    note("recorded")


@consents.command("check")
def check_(
    to: To,
    *,
    category: Purpose = Category.MARKETING,
    channel: Annotated[Channel, typer.Option()] = Channel.SMS,
    reveal: Reveal = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show what somebody agreed to, and whether marketing may go to them now, and why not."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        found = state_of(use.on_record(rt, owner, channel, to, category))
    shown = {"to": to if reveal else mask(to), **found}
    show(shown if output is Form.JSON else _flat(shown), output)


def _flat(state: dict[str, Any]) -> dict[str, Any]:
    """The state as lines that a person reads."""
    consent, lacking, marketing = state["consent"], state["lacking"], state["marketing"]
    return {
        "to": state["to"],
        "category": state["category"],
        "consent": consent["action"] if consent else "nothing on record",
        "basis": consent and consent["basis"],
        "source": consent and consent["source"],
        "at": consent and consent["at"],
        "lapses_at": state["lapses_at"],
        "lacking": lacking and f"{lacking['reason']}: {lacking['detail']}",
        "marketing": marketing["verdict"],
        "until": marketing["until"],
        "reason": marketing["reason"],
        "why": marketing["detail"],
    }


@consents.command("import")
def import_(file: File, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Record a CSV file of events, all of them or none.

    The first line names the columns: to,channel,category,action,basis,source,text_version,at,evidence.
    """
    content = content_of(file)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        with progress(content, "consents") as tick:
            count = use.import_file(rt, owner, content, tick)
    note(f"recorded {count:,}")
