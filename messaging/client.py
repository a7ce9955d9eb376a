"""How does another Python program send? Over HTTP, with repeats that cannot send twice.

    from messaging.client import Posthorn

    with Posthorn("https://posthorn.example", api_key="ph_live_...") as ph:
        sent = ph.messages.send(to="+12025550123", body="Your code is 123456")
        ph.messages.wait(sent.id, until="delivered", timeout=60)

Every send carries an idempotency key, so a repeat after a lost answer is answered with the first one.
This module needs no database, no Redis and no setting of the server.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from messaging.client_errors import (
    CLASSES,
    ApiError,
    ConflictError,
    InvalidError,
    NotFoundError,
    PosthornClientError,
    ServerError,
    UnauthorizedError,
    UnreachableError,
    WaitTimeoutError,
)
from messaging.client_results import Accepted, FieldError, History, Message, Refused, message

__all__ = [
    "Accepted",
    "ApiError",
    "ConflictError",
    "FieldError",
    "History",
    "InvalidError",
    "Message",
    "Messages",
    "NotFoundError",
    "Posthorn",
    "PosthornClientError",
    "Refused",
    "ServerError",
    "UnauthorizedError",
    "UnreachableError",
    "WaitTimeoutError",
]

_FINAL = frozenset(
    {"delivered", "failed", "undeliverable", "opted_out", "blocked_compliance", "canceled"}
)
_REPEATED_STATUSES = frozenset({429, 502, 503, 504})
_TRIES = 5
_LONGEST_WAIT = 30.0
_BACKOFF = wait_exponential_jitter(multiplier=0.2, max=5.0)


class Posthorn:
    """A connection to one Posthorn server; safe to share between threads.

    `url` and `api_key` default to `POSTHORN_URL` and `POSTHORN_API_KEY`; `timeout` is in seconds for
    each try.
    """

    def __init__(
        self, url: str | None = None, api_key: str | None = None, timeout: float = 10.0
    ) -> None:
        address = url or os.environ.get("POSTHORN_URL")
        key = api_key or os.environ.get("POSTHORN_API_KEY")
        if not address or not key:
            raise PosthornClientError("give url and api_key, or set POSTHORN_URL, POSTHORN_API_KEY")
        self._http = httpx.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 2.0)),
        )
        self.messages = Messages(self)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, repeated where that can only help.

        Repeated are: no connection, 429, 502, 503, 504, and 409 while a twin is running.

        Raises:
            ApiError: the server said no.
            UnreachableError: no answer came.
        """
        once = self._http.build_request(method, path, json=json, params=params, headers=headers)
        repeats = Retrying(
            retry=retry_if_exception(_may_repeat),
            wait=_wait,
            stop=stop_after_attempt(_TRIES),
            reraise=True,
        )
        try:
            return repeats(self._try, once)
        except httpx.TransportError as error:
            raise UnreachableError(f"no answer from the server: {type(error).__name__}") from error

    def _try(self, request: httpx.Request) -> httpx.Response:
        response = self._http.send(request)
        if response.is_success:
            return response
        kind = ServerError if response.status_code >= 500 else ApiError
        raise CLASSES.get(response.status_code, kind)(
            response.status_code, _problem(response), response.headers
        )


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    """The problem document; empty if something between us and the server answered instead."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _may_repeat(error: BaseException) -> bool:
    if isinstance(error, ApiError):
        return error.status in _REPEATED_STATUSES or error.code == "idempotency_in_progress"
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ApiError) else None
    return max(_BACKOFF(state), min(asked or 0.0, _LONGEST_WAIT))


class Messages:
    """`Posthorn.messages`."""

    def __init__(self, client: Posthorn) -> None:
        self._client = client

    def send(
        self, *, to: str, body: str, idempotency_key: str | None = None, **fields: Any
    ) -> Accepted:
        """Send one message; `fields` are those of `POST /v1/messages` (`from_` stands for `from`).

        Among them `lead`, `campaign`, `source`, `use_case` and `agent`, which may decide the sender;
        `channel` with `subject`, `html` and `media`; and `fallback`, what to send should this one fail.

        Raises:
            ApiError: it was refused; nothing was kept.
            UnreachableError: no answer came; send again with the same `idempotency_key`.
        """
        response = self._post(_plain({"to": to, "body": body, **fields}), idempotency_key)
        found = response.json()
        return Accepted(found["id"], found["status"], "idempotent-replayed" in response.headers)

    def send_many(
        self, messages: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[Accepted | Refused]:
        """Send up to 10,000 messages; each is answered on its own, in order.

        Raises:
            ApiError: every one was refused.
            UnreachableError: no answer came; send again with the same `idempotency_key`.
        """
        response = self._post([_plain(m) for m in messages], idempotency_key)
        replayed = "idempotent-replayed" in response.headers
        return [
            Accepted(item["id"], item["status"], replayed)
            if "id" in item
            else Refused(tuple(FieldError(**e) for e in item["errors"]))
            for item in response.json()["data"]
        ]

    def _post(self, content: Any, key: str | None) -> httpx.Response:
        chosen = key or str(uuid.uuid4())  # noqa: TID251 - this runs in the caller's process
        headers = {"Idempotency-Key": chosen}
        return self._client.request("POST", "/v1/messages", json=content, headers=headers)

    def get(self, message_id: str) -> Message:
        """A message as it is now."""
        return message(self._client.request("GET", f"/v1/messages/{message_id}").json())

    def events(self, message_id: str) -> History:
        """Everything that happened to a message."""
        found = self._client.request("GET", f"/v1/messages/{message_id}/events").json()
        return History(*(tuple(found[name]) for name in ("events", "attempts", "receipts")))

    def list(self, **filters: Any) -> Iterator[Message]:
        """Messages, newest first, page by page; filters are those of `GET /v1/messages`."""
        query = _plain(filters)
        while True:
            page = self._client.request("GET", "/v1/messages", params=query).json()
            yield from map(message, page["data"])
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def cancel(self, message_id: str) -> Message:
        """Call a message off.

        Raises:
            ConflictError: it is being sent, or was.
        """
        return message(self._client.request("POST", f"/v1/messages/{message_id}/cancel").json())

    def submit(self, message_id: str) -> Message:
        """Send a draft.

        Raises:
            ConflictError: it is not a draft.
        """
        return message(self._client.request("POST", f"/v1/messages/{message_id}/submit").json())

    def wait(self, message_id: str, until: str | None = None, timeout: float = 60.0) -> Message:
        """The message once its status is `until`, or any final one; `timeout` is in seconds.

        Raises:
            WaitTimeoutError: it is not there yet.
        """
        deadline = time.monotonic() + timeout
        pause = 0.05
        while True:
            found = self.get(message_id)
            if found.status == until or found.status in _FINAL:
                return found
            if time.monotonic() + pause > deadline:
                raise WaitTimeoutError(f"the message is still {found.status}")
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as JSON has them: no Nones, times as text, `from_` by its own name."""
    return {
        "from" if name == "from_" else name: _text(value)
        for name, value in fields.items()
        if value is not None
    }


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value
