"""The busiest routes, answered before the framework looks at the request.

One message and one webhook at a time are most of the traffic, and need none of what FastAPI and
Starlette wrap around a route: that costs more than reading, checking and keeping the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from messaging.api.errors import HANDLERS
from messaging.api.request_ids import RequestIds
from messaging.runtime import Runtime


class Door(Protocol):
    """An ASGI application for some requests."""

    def leads(self, scope: Scope) -> bool:
        """Whether a request is one of them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one of them."""


class Application(FastAPI):
    """FastAPI with a shortcut for some of its routes; errors and request ids are as everywhere."""

    def __init__(self, rt: Runtime, door: Door, shortcuts: Sequence[Route], **options: Any) -> None:
        """`shortcuts` take part in routing as usual, for other methods and the document.

        What `door` leads to is not even routed.
        """
        super().__init__(**options)
        self.router.routes[:0] = shortcuts
        self._shortcuts = shortcuts
        self._leads = door.leads
        self._door = RequestIds(door, rt.new_id)
        self._answering = RequestIds(_answer, rt.new_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the application's lifespan."""
        if scope["type"] == "http":
            if self._leads(scope):
                scope["app"] = self
                await self._door(scope, receive, send)
                return
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
        response = await answer_to(request, error)
    await response(scope, receive, send)


async def answer_to(request: Request, error: Exception) -> Response:
    """The answer to a request that failed, without the id that every answer gets anyway."""
    handler = next(HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS)
    response = await handler(request, error)
    del response.headers["x-request-id"]
    return response
