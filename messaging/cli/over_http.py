"""How does the command line use a Posthorn somewhere else? By its API, as the API key's tenant."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from messaging.client import Posthorn

Json = dict[str, Any]


class OverHttp:
    """A Posthorn somewhere."""

    def __init__(self, client: Posthorn) -> None:
        self._client = client

    def send(self, fields: Json, key: str | None) -> Json:
        """Hand one message in."""
        to, body = fields.pop("to"), fields.pop("body")
        sent = self._client.messages.send(to=to, body=body, idempotency_key=key, **fields)
        return {"id": sent.id, "status": sent.status}

    def message(self, message_id: UUID) -> Json:
        """A message and everything that happened to it."""
        found: Json = self._client.request("GET", f"/v1/messages/{message_id}").json()
        history: Json = self._client.request("GET", f"/v1/messages/{message_id}/events").json()
        return {**found, **history}

    def explain(self, message_id: UUID) -> Json:
        """Why a message is where it is."""
        found: Json = self._client.request("GET", f"/v1/messages/{message_id}/explain").json()
        return found

    def cancel(self, message_id: UUID) -> None:
        """Call a message off."""
        self._client.request("POST", f"/v1/messages/{message_id}/cancel")


@contextlib.contextmanager
def connected(url: str, key: str) -> Iterator[OverHttp]:
    """The Posthorn at a URL."""
    with Posthorn(url, key) as client:
        yield OverHttp(client)
