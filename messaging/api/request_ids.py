"""Every request has an id: the caller's if it looks like a UUID, else one of ours.

With it goes what the key's limit is, once the key is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from messaging.api.errors import LIMITS, REQUEST_ID

_UUID_LIKE = re.compile(rb"[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")


class RequestIds:
    """Plain ASGI, because it runs for every request: keeps the id in the scope and sends it back."""

    def __init__(self, app: ASGIApp, new_id: Callable[[], UUID]) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"")
        own = given if _UUID_LIKE.fullmatch(given) else str(self._new_id()).encode()
        scope[REQUEST_ID] = own.decode()
        limits: list[tuple[bytes, bytes]] = []
        scope[LIMITS] = limits

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(b"x-request-id", own), *limits]
            await send(message)

        await self._app(scope, receive, with_id)
