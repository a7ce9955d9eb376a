"""`posthorn numbers`: what kind of line a number is, shown and told."""

from __future__ import annotations

from typing import Annotated

import typer

from messaging import numbers as use
from messaging import onboarding
from messaging.api.numbers import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.importing import File, content_of, progress
from messaging.cli.output import Form, Output, Reveal, mask, note, show
from messaging.domain.message import DEVELOPMENT

numbers = typer.Typer(
    help="What kind of line a number is.", no_args_is_help=True, rich_markup_mode=None
)


@numbers.command("import")
def import_(file: File, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Keep the line types of a CSV file with the columns to,line_type; all of them or none.

    posthorn numbers import lines.csv
    """
    content = content_of(file)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        with progress(content, "numbers") as tick:
            learned = use.import_lines(rt, owner, content, tick)
    note(f"line types learned: {learned:,}")


@numbers.command("show")
def show_(
    to: Annotated[str, typer.Argument(help="The number, as +12025550123.")],
    *,
    reveal: Reveal = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show a number's type, whether messages may go there, and what is known of its line."""
    with runtime() as rt:
        found = shown(use.show(rt, onboarding.find_tenant(rt, tenant), to))
    show({"to": to if reveal else mask(to), **found}, output)
