"""Is this process alive, and can it take a message?"""

from __future__ import annotations

from functools import cache

import orjson
import redis
from fastapi import APIRouter, Request
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


@router.get("/readyz", summary="Can it take a message?", responses={503: {"description": "no"}})
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
