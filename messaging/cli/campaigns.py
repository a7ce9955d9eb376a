"""`posthorn campaigns`: one text to many people, made, started, followed and called off."""

from __future__ import annotations

import time
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from pydantic import ValidationError

from messaging import campaign_drafts, campaign_plans, campaign_results, onboarding
from messaging import campaigns as use
from messaging.api.campaign_bodies import shown
from messaging.campaigns import Failed
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, say, show, show_rows
from messaging.domain.campaign import CampaignRequest
from messaging.domain.campaign_states import WORKING, CampaignState
from messaging.domain.errors import InvalidRequestError
from messaging.domain.message import DEVELOPMENT
from messaging.domain.request import problems_of
from messaging.runtime import Runtime
from messaging.store.tenants import Tenant

campaigns = typer.Typer(
    help="One text to many people.", no_args_is_help=True, rich_markup_mode=None
)

Id = Annotated[UUID, typer.Argument(help="The campaign's id.")]
_LOOK_SECONDS = 2.0
_COLUMNS = ["id", "name", "state", "state_reason", "targets", "created_at"]


File = Annotated[
    typer.FileBinaryRead,
    typer.Argument(help="What POST /v1/campaigns takes, as JSON; - reads what is piped in."),
]


@campaigns.command("create")
def create(
    file: File,
    *,
    start: Annotated[bool, typer.Option("--start", help="Start it at once.")] = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Make a campaign: a draft, unless it is started."""
    asked = _read(file)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        made = campaign_drafts.create(rt, owner, asked)
        if start:
            use.start(rt, owner, made.id)
        show(_seen(rt, owner, made.id), output)


def _read(file: typer.FileBinaryRead) -> CampaignRequest:
    try:
        return CampaignRequest.model_validate(orjson.loads(file.read()))
    except orjson.JSONDecodeError:
        raise typer.BadParameter("is not JSON", param_hint="FILE") from None
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error)) from None


@campaigns.command("list")
def list_campaigns(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show the campaigns, newest first."""
    with runtime() as rt:
        found = use.page(rt, onboarding.find_tenant(rt, tenant), None, limit)
    show_rows([shown(campaign, None) for campaign in found], _COLUMNS, output)


@campaigns.command("show")
def show_campaign(
    campaign: Id,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until nothing is going on any more.")
    ] = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show a campaign, and what has become of its recipients; once it is finished, beside its plan."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        if watch:
            _watch(rt, owner, campaign)
        found = shown(*campaign_results.get(rt, owner, campaign))
    if output is Form.JSON or found["comparison"] is None:
        show(found, output)
        return
    compared = found.pop("comparison")
    for told in ("plan", "actual"):
        del found[told]
    show(found, output)
    say("")
    show_rows(compared, list(compared[0]), output)


def _watch(rt: Runtime, owner: Tenant, campaign_id: UUID) -> None:
    said = ""
    while True:
        found, counts = use.get(rt, owner, campaign_id)
        parts = [f"{n} {status.value}" for status, n in sorted(counts.by_status.items())]
        parts += [
            f"{n} {word}"
            for word, n in (("waiting", counts.waiting), ("skipped", counts.skipped),
                            ("not sent", counts.canceled))
            if n
        ]  # fmt: skip
        line = f"{found.state}: {', '.join(parts) or 'nobody yet'} of {found.targets}"
        if line != said:
            note(line)
        said = line
        if found.state not in WORKING or found.state is CampaignState.SCHEDULED:
            return
        time.sleep(_LOOK_SECONDS)


@campaigns.command("plan")
def plan_campaign(
    campaign: Id, *, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE
) -> None:
    """Show what it would come to: texts, rules, cost, senders, time. Nothing is sent."""
    with runtime() as rt:
        found = campaign_plans.plan(rt, onboarding.find_tenant(rt, tenant), campaign)
    show(found, output)


@campaigns.command("foretell")
def foretell_campaign(
    file: File, *, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE
) -> None:
    """Show what a campaign would come to without making one."""
    asked = _read(file)
    with runtime() as rt:
        found = campaign_plans.foretell(rt, onboarding.find_tenant(rt, tenant), asked)
    show(found, output)


@campaigns.command("start")
def start_campaign(campaign: Id, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Start a draft, now or at its time."""
    with runtime() as rt:
        say(use.start(rt, onboarding.find_tenant(rt, tenant), campaign).state)


@campaigns.command("pause")
def pause_campaign(campaign: Id, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Let nothing more of it leave."""
    with runtime() as rt:
        say(use.pause(rt, onboarding.find_tenant(rt, tenant), campaign).state)


@campaigns.command("resume")
def resume_campaign(campaign: Id, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Let a paused one go on."""
    with runtime() as rt:
        say(use.resume(rt, onboarding.find_tenant(rt, tenant), campaign).state)


@campaigns.command("cancel")
def cancel_campaign(campaign: Id, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Call it off; what is on its way ends by itself."""
    with runtime() as rt:
        say(use.cancel(rt, onboarding.find_tenant(rt, tenant), campaign).state)


@campaigns.command("retry")
def retry_campaign(
    campaign: Id,
    *,
    failed: Annotated[
        Failed, typer.Option(help="Those that might go well now, or all that failed.")
    ] = Failed.TRANSIENT,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Write again to those of a finished one whose message failed."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        _, count = use.retry(rt, owner, campaign, failed)
    note(f"{count} are written to again")


def _seen(rt: Runtime, owner: Tenant, campaign_id: UUID) -> dict[str, Any]:
    return shown(*use.get(rt, owner, campaign_id))
