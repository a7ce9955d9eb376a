"""Through which door does the command line go?

Over HTTP when `POSTHORN_URL` and `POSTHORN_API_KEY` are set; else straight to the database, through the
same use cases, for the tenant that is named. Both answer with the documented JSON shapes. A door is
loaded when it is opened: the HTTP client starts in a quarter of the time the database takes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Annotated, Any, Protocol
from uuid import UUID

import typer

from messaging.domain.message import DEVELOPMENT

TenantName = Annotated[
    str, typer.Option("--tenant", envvar="POSTHORN_TENANT", help="Whose; not used over HTTP.")
]
Json = dict[str, Any]


class Door(Protocol):
    """What can be done with messages from a terminal."""

    def send(self, fields: Json, key: str | None) -> Json:
        """Hand one message in; its id and status."""

    def message(self, message_id: UUID) -> Json:
        """A message and everything that happened to it."""

    def explain(self, message_id: UUID) -> Json:
        """Why a message is where it is."""

    def cancel(self, message_id: UUID) -> None:
        """Call a message off."""


@contextlib.contextmanager
def door(tenant: str = DEVELOPMENT) -> Iterator[Door]:
    """The door this environment leads to."""
    url, key = os.environ.get("POSTHORN_URL"), os.environ.get("POSTHORN_API_KEY")
    if url and key:
        from messaging.cli.over_http import connected  # noqa: PLC0415 - loads httpx

        with connected(url, key) as way:
            yield way
    else:
        from messaging.cli.beside import opened  # noqa: PLC0415 - loads SQLAlchemy and the use cases

        with opened(tenant) as way:
            yield way
