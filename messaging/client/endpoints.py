"""`Posthorn.endpoints`: your URLs that are told what happens, and what they were told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from messaging.client.calls import Call, Pages, delete, get, given, pages, patch, post
from messaging.client.flavours import F, Resource, many, once
from messaging.client.reading import Result


@dataclass(frozen=True, slots=True)
class Endpoint(Result):
    """An endpoint, and how it is doing."""

    id: str
    url: str
    events: tuple[str, ...]
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str | None
    failing_since: datetime | None
    paused_until: datetime | None
    two_secrets_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewEndpoint(Endpoint):
    """An endpoint with its secret, which is never shown again."""

    secret: str


@dataclass(frozen=True, slots=True)
class NoticeRef(Result):
    """A notice that is on its way."""

    id: str


@dataclass(frozen=True, slots=True)
class Notice(Result):
    """Something an endpoint was told, or is to be told; `state` is waiting, delivered or dead."""

    id: str
    type: str
    message_id: str | None
    state: str
    at: datetime
    due_at: datetime | None
    tries: int
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Replayed(Result):
    """What was put back; if there is `more`, ask again with `since=through`."""

    replayed: int
    through: datetime | None
    more: bool


class Endpoints(Resource[F]):
    """`Posthorn.endpoints`."""

    @many
    def list(self) -> Pages[Endpoint]:
        """All endpoints, in the order they were made."""
        return pages(Endpoint, "endpoints")

    @once
    def add(self, url: str, *, events: Sequence[str] | None = None) -> Call[NewEndpoint]:
        """Add an endpoint, told of everything unless `events` are named; the answer has its secret."""
        return post(NewEndpoint, "endpoints", body={"url": url, "events": events})

    @once
    def get(self, endpoint_id: str) -> Call[Endpoint]:
        """An endpoint, and how it is doing."""
        return get(Endpoint, "endpoints", endpoint_id)

    @once
    def change(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Call[Endpoint]:
        """Change its URL, what it is told, or whether it is told anything."""
        body = given({"url": url, "events": events, "enabled": enabled})
        return patch(Endpoint, "endpoints", endpoint_id, body=body)

    @once
    def remove(self, endpoint_id: str) -> Call[None]:
        """Remove an endpoint, and what it was still to be told."""
        return delete("endpoints", endpoint_id)

    @once
    def rotate(self, endpoint_id: str) -> Call[NewEndpoint]:
        """Make a new secret; for 24 hours the old one signs, too."""
        return post(NewEndpoint, "endpoints", endpoint_id, "rotate")

    @once
    def test(self, endpoint_id: str, *, type: str | None = None) -> Call[NoticeRef]:  # noqa: A002 - the API's word
        """Send an example; its notice says what came of it."""
        body = None if type is None else {"type": type}
        return post(NoticeRef, "endpoints", endpoint_id, "test", body=body)

    @many
    def notices(
        self,
        endpoint_id: str,
        *,
        state: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[Notice]:
        """What an endpoint was told and is to be told, newest first."""
        query = {"state": state, "limit": limit, "cursor": cursor}
        return pages(Notice, "endpoints", endpoint_id, "notices", **query)

    @once
    def replay(
        self,
        endpoint_id: str,
        *,
        since: datetime | str,
        until: datetime | str | None = None,
        state: str | None = None,
        message_id: str | None = None,
    ) -> Call[Replayed]:
        """Deliver again what was given up (`dead`) or all there was, up to 10,000 notices at a time."""
        body = {"since": since, "until": until, "state": state, "message_id": message_id}
        return post(Replayed, "endpoints", endpoint_id, "replay", body=body)
