"""`posthorn erase`: a person asks to be forgotten."""

from __future__ import annotations

from typing import Annotated

import typer

from messaging import erasure, onboarding
from messaging.api.erasures import shown
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, mask, note, show
from messaging.domain.message import DEVELOPMENT, Channel


def erase(
    to: Annotated[str, typer.Argument(help="Whom, as +12025550123.")],
    *,
    channel: Annotated[Channel, typer.Option(help="SMS and MMS are one person.")] = Channel.SMS,
    yes: Annotated[bool, typer.Option("--yes", help="Really; there is no way back.")] = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Cancel what waits for somebody, and empty everything that names them.

    posthorn erase +12025550123 --yes

    Opt-outs and consent stay, without the address: whoever said STOP is still not written to.
    """
    if not yes:
        raise typer.BadParameter(
            f"what is known of {mask(to)} cannot be brought back; add --yes", param_hint="--yes"
        )
    with runtime() as rt:
        found = erasure.erase(rt, onboarding.find_tenant(rt, tenant), channel, to)
    show(shown(found), output)
    note(
        "erased"
        if found.finished_at
        else "a message is under way, or a webhook in line; the workers erase it when it has ended"
    )
