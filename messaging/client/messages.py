"""`Posthorn.messages`: send, read, wait for, call off and explain."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict, Unpack

import httpx

from messaging.client.calls import (
    KEY,
    Call,
    Pages,
    Wait,
    ask,
    at,
    get,
    given,
    pages,
    post,
    search,
)
from messaging.client.flavours import F, Resource, many, once
from messaging.client.message_results import (
    Accepted,
    Backlog,
    Explanation,
    History,
    Message,
    Preview,
    Refused,
)
from messaging.client.reading import document, listed, read

FINAL = frozenset(
    {"delivered", "failed", "undeliverable", "opted_out", "blocked_compliance", "canceled"}
)
"""The statuses after which nothing more is done for a message."""
_LONG = 60.0
"""Seconds that a list of 10,000 may take to be kept."""


class SendFields(TypedDict, total=False):
    """What a message may have beside its recipient and its text; see `POST /v1/messages`."""

    channel: str | None
    category: str | None
    priority: str | None
    from_: str | None
    pool: str | None
    conversation_id: str | None
    scheduled_for: datetime | str | None
    expires_at: datetime | str | None
    metadata: Mapping[str, Any] | None
    draft: bool | None
    subject: str | None
    html: str | None
    media: Sequence[str] | None
    from_name: str | None
    reply_to: str | None
    fallback: Mapping[str, Any] | None
    flash: bool | None
    flash_fallback: bool | None
    lead: str | None
    campaign: str | None
    source: str | None
    use_case: str | None
    agent: str | None
    template: str | None
    traffic: str | None
    content: str | None
    time_zone: str | None
    postal_code: str | None
    smart_encoding: bool | None


class Filters(TypedDict, total=False):
    """Which messages to list; `limit` is how many a page has, and changes nothing else."""

    status: str | None
    priority: str | None
    category: str | None
    created_from: datetime | str | None
    created_to: datetime | str | None
    limit: int | None
    cursor: str | None


class Messages(Resource[F]):
    """`Posthorn.messages`."""

    @once
    def send(
        self,
        *,
        to: str,
        body: str,
        idempotency_key: str | None = None,
        **fields: Unpack[SendFields],
    ) -> Call[Accepted]:
        """Send one message; `from_` stands for `from`.

        `lead`, `campaign`, `source`, `use_case` and `agent` may decide the sender; `fallback` is what to
        send should this one fail.

        Raises:
            ApiError: it was refused; nothing was kept.
            UnreachableError: no answer came; send again with the same `idempotency_key`.
        """
        return Call(
            "POST",
            at("messages"),
            _accepted,
            json=given({"to": to, "body": body, **fields}),
            headers=_key(idempotency_key),
        )

    @once
    def send_many(
        self, messages: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> Call[tuple[Accepted | Refused, ...]]:
        """Send up to 10,000 messages; each is answered on its own, in order.

        Raises:
            ApiError: every one was refused.
            UnreachableError: no answer came; send again with the same `idempotency_key`.
        """
        return Call(
            "POST",
            at("messages"),
            _each_accepted,
            json=[given(m) for m in messages],
            headers=_key(idempotency_key),
            patience=_LONG,
        )

    @once
    def get(self, message_id: str) -> Call[Message]:
        """A message as it is now."""
        return get(Message, "messages", message_id)

    @once
    def events(self, message_id: str) -> Call[History]:
        """Everything that happened to a message."""
        return get(History, "messages", message_id, "events")

    @once
    def explain(self, message_id: str) -> Call[Explanation]:
        """Why a message is where it is, in sentences."""
        return get(Explanation, "messages", message_id, "explain")

    @many
    def list(self, **filters: Unpack[Filters]) -> Pages[Message]:
        """Messages, newest first, page by page."""
        return pages(Message, "messages", **filters)

    @many
    def search(
        self, *, to: str, channel: str | None = None, **filters: Unpack[Filters]
    ) -> Pages[Message]:
        """Messages to one recipient, newest first, page by page."""
        body = {"to": to, "channel": channel, **filters}
        return search(Message, "messages", "search", body=body)

    @once
    def cancel(self, message_id: str) -> Call[Message]:
        """Call a message off.

        Raises:
            ConflictError: it is being sent, or was.
        """
        return post(Message, "messages", message_id, "cancel")

    @once
    def submit(self, message_id: str) -> Call[Message]:
        """Send a draft.

        Raises:
            ConflictError: it is not a draft.
        """
        return post(Message, "messages", message_id, "submit")

    @once
    def preview(
        self,
        *,
        body: str,
        smart_encoding: bool | None = None,
        fold_accents: bool | None = None,
        flash: bool | None = None,
        category: str | None = None,
    ) -> Call[Preview]:
        """A text as it would leave, and how many segments it has; nothing is sent."""
        asked = {
            "body": body,
            "smart_encoding": smart_encoding,
            "fold_accents": fold_accents,
            "flash": flash,
            "category": category,
        }
        return ask(Preview, "messages", "preview", body=asked)

    @once
    def wait(
        self, message_id: str, until: str | None = None, timeout: float = 60.0
    ) -> Wait[Message]:
        """The message once its status is `until`, or any final one; `timeout` is in seconds.

        Raises:
            WaitTimeoutError: it is not there yet.
        """
        return Wait(
            get(Message, "messages", message_id),
            over=lambda found: found.status == until or found.status in FINAL,
            late=lambda found: f"the message is still {found.status}",
            timeout=timeout,
        )


class Lanes(Resource[F]):
    """`Posthorn.lanes`."""

    @once
    def get(self) -> Call[Backlog]:
        """What waits in each lane."""
        return get(Backlog, "lanes")


def _key(chosen: str | None) -> dict[str, str]:
    return {KEY: chosen or str(uuid.uuid4())}  # noqa: TID251 - this runs in the caller's process


def _accepted(response: httpx.Response) -> Accepted:
    found = read(Accepted, document(response))
    return replace(found, replayed="idempotent-replayed" in response.headers)


def _each_accepted(response: httpx.Response) -> tuple[Accepted | Refused, ...]:
    replayed = "idempotent-replayed" in response.headers
    return tuple(
        read(Refused, item)
        if "errors" in item
        else replace(read(Accepted, item), replayed=replayed)
        for item in listed(document(response))
    )
