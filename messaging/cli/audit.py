"""`posthorn audit`: who changed what of a tenant's settings, and when."""

from __future__ import annotations

from typing import Annotated

import typer

from messaging import audit as use
from messaging import onboarding
from messaging.api.audit import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, show_rows
from messaging.domain.message import DEVELOPMENT


def audit(
    *,
    action: Annotated[str | None, typer.Option(help="Only this, such as key.created.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show who changed what of the settings, newest first; without a key it was the command line."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        found = use.page(rt, owner, action=action, limit=limit)
    columns = ["at", "key_id", "action", "target", "fields", "request_id"]
    show_rows([shown(entry) for entry in found], columns, output)
