"""`posthorn explain`: why a message is where it is."""

from __future__ import annotations

from typing import Annotated

import typer

from messaging.cli.door import TenantName, door
from messaging.cli.messages import MessageId
from messaging.cli.output import Form, Output, say, write_json
from messaging.domain.message import DEVELOPMENT


def explain(
    message_id: MessageId,
    *,
    chain: Annotated[
        bool, typer.Option("--chain", help="Every verdict, choice and attempt, oldest first.")
    ] = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Say in one sentence why a message is where it is."""
    with door(tenant) as way:
        found = way.explain(message_id)
    if output is Form.JSON:
        write_json(found)
        return
    for sentence in found["sentences"] if chain else [found["summary"]]:
        say(sentence)
