"""The real server with one more route: it takes the same request and does nothing with it."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from messaging.api import app

PATH = "/empty"


async def empty(request: Request) -> Response:
    """Read the body, answer 202 with nothing kept."""
    await request.body()
    return Response(b'{"status":"queued"}', 202, media_type="application/json")


def from_environment() -> FastAPI:
    """`messaging.api.app.from_environment`, with `PATH` beside its own routes."""
    server = app.from_environment()
    server.router.routes.insert(0, Route(PATH, empty, methods=["POST"]))
    return server
