"""`posthorn dnc`: which numbers do-not-call registries list, and how fresh that is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from messaging import dnc as use
from messaging import onboarding
from messaging.api.dnc import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.importing import File, content_of, progress
from messaging.cli.messages import moment
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.message import DEVELOPMENT

dnc = typer.Typer(help="Do-not-call lists.", no_args_is_help=True, rich_markup_mode=None)


@dnc.command("import")
def import_(
    registry: Annotated[str, typer.Argument(help="As the policy names it, such as US.")],
    file: File,
    *,
    scrubbed_at: Annotated[
        datetime,
        typer.Option(parser=moment, metavar="TIME", help="When the registry was read."),
    ],
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Replace what a registry lists by a file of numbers, one a line.

    posthorn dnc import US listed.csv --scrubbed-at 2026-01-31T09:00:00-05:00
    """
    content = content_of(file)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        with progress(content, "numbers") as tick:
            done = use.import_scrub(rt, owner, registry, content, scrubbed_at, tick)
    note(f"{registry} lists {done.listed:,} numbers now ({done.skipped:,} skipped: not in use)")


@dnc.command("list")
def list_(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show each registry, how many numbers it lists, and for how many days the scrub is fresh."""
    with runtime() as rt:
        found = use.registries(rt, onboarding.find_tenant(rt, tenant))
        rows = [shown(registry, rt.now()) for registry in found]
    columns = ["registry", "numbers", "scrubbed_at", "required", "fresh_until", "days_left"]
    show_rows(rows, columns, output)
