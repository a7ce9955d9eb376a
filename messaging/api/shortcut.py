"""The busiest routes, answered before the framework looks at the request.

One message and one receipt at a time are most of the traffic, and need none of what FastAPI and
Starlette wrap around a route: that costs more than reading, checking and keeping the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from messaging.api.errors import HANDLERS
from messaging.api.request_ids import RequestIds
from messaging.runtime import Runtime


class Application(FastAPI):
    """FastAPI with a shortcut for some of its routes; errors and request ids are as everywhere."""

    def __init__(self, rt: Runtime, shortcuts: Sequence[Route], **options: Any) -> None:
        """`shortcuts` take part in routing as usual, for other methods and the document."""
        super().__init__(**options)
        self.router.routes[:0] = shortcuts
        self._shortcuts = shortcuts
        self._answering = RequestIds(_answer, rt.new_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the application's lifespan."""
        if scope["type"] == "http":
            for route in self._shortcuts:
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found, app=self)
                    await self._answering(scope, receive, send)
                    return
        await super().__call__(scope, receive, send)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive, send)
    try:
        response = await scope["endpoint"](request)
    except Exception as error:  # noqa: BLE001 - every error has its answer
        handler = next(HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS)
        response = await handler(request, error)
        del response.headers["x-request-id"]  # whoever calls us adds it to every answer
    await response(scope, receive, send)
