"""Is this process alive, and can it take a message?"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

import orjson
import redis
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request as PlainRequest
from starlette.responses import Response

from messaging.api.desk import desk_of
from messaging.runtime import Runtime
from messaging.store import migrate

router = APIRouter(tags=["health"])
_ALIVE = b'{"status":"ok"}'


async def livez(_request: PlainRequest) -> Response:
    """The process answers; nothing else is asked."""
    return Response(_ALIVE, media_type="application/json")


class ReadyBody(BaseModel):
    """What it needs to take a message, and how that is."""

    status: Annotated[Literal["ok", "unavailable"], Field(description="whether it can")]
    postgres: Annotated[
        Literal["ok", "down", "schema_not_current"],
        Field(description="schema_not_current: another version's migrations were run"),
    ]
    redis: Annotated[Literal["ok", "down"], Field(description="down: messages are kept without it")]


@router.get(
    "/readyz",
    summary="Can it take a message?",
    response_model=ReadyBody,
    responses={503: {"model": ReadyBody, "description": "It cannot; see what is not ok."}},
)
def readyz(request: Request) -> Response:
    """200 while Postgres can be reached and has this version's schema; else 503.

    Redis being down leaves it ready: messages are kept without it.
    """
    rt = desk_of(request).rt
    parts = {"postgres": _postgres(rt), "redis": _redis(rt)}
    ready = parts["postgres"] == "ok"
    content = orjson.dumps({"status": "ok" if ready else "unavailable", **parts})
    return Response(content, 200 if ready else 503, media_type="application/json")


@cache
def _head() -> str:
    return migrate.head()


def _postgres(rt: Runtime) -> str:
    try:
        with rt.engine.connect() as db:
            return "ok" if migrate.version(db) == _head() else "schema_not_current"
    except SQLAlchemyError:
        return "down"


def _redis(rt: Runtime) -> str:
    try:
        rt.redis.ping()
    except redis.RedisError:
        return "down"
    return "ok"
