"""`posthorn templates`: texts that failed on many numbers, shown and let go on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from messaging import onboarding
from messaging import templates as use
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.message import DEVELOPMENT

templates = typer.Typer(
    help="Texts that are paused because they do not arrive.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@templates.command("paused")
def list_paused(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show the templates whose messages wait, since when and why."""
    with runtime() as rt:
        found = use.paused(rt, onboarding.find_tenant(rt, tenant))
    show_rows([asdict(row) for row in found], ["template", "since", "reason"], output)


@templates.command("resume")
def resume(
    template: Annotated[str, typer.Argument(help="The template, as you name it.")],
    *,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Let a template go on, once its text has been changed; what it did until now is forgotten."""
    with runtime() as rt:
        use.resume(rt, onboarding.find_tenant(rt, tenant), template)
    note(f"{template} goes on")
