"""What no document names happens to every API: too many requests, no database, a key that may not."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from messaging import access
from messaging.api.app import create_app
from messaging.domain.scopes import KeyKind, Scope
from messaging.runtime import Runtime
from messaging.settings import Settings
from tests.api.conftest import Caller
from tests.api.facades.people import shape_of

DOORS: dict[str, tuple[str, Any]] = {
    "leadsail": (
        "/leadsail/api/v1/sms/send",
        {"success": "bool", "error": {"code": "str", "message": "str"}},
    ),
    "leadping": (
        "/leadping/sms/send",
        {"status": "int", "title": "str", "detail": "str", "code": "str", "errors": []},
    ),
    "usecase": ("/usecase/v1/sms/", {"detail": "str", "code": "str"}),
}
each_door = pytest.mark.parametrize(("path", "shape"), DOORS.values(), ids=DOORS)


@each_door
def test_too_many_requests_are_told_when_to_come_back(
    rt: Runtime, address: str, caller: Caller, path: str, shape: Any
) -> None:
    key, _ = access.create(rt, caller.tenant, access.Asked("slow", requests_per_minute=1))
    with httpx.Client(base_url=address, headers={"X-API-Key": key}) as client:
        answers = [client.post(path, json={}) for _ in range(3)]
    last = answers[-1]
    assert (last.status_code, shape_of(last.json())) == (429, shape)
    assert int(last.headers["retry-after"]) >= 1


@each_door
def test_a_key_that_may_only_read_cannot_send(
    rt: Runtime, address: str, caller: Caller, path: str, shape: Any
) -> None:
    asked = access.Asked("reader", KeyKind.LIVE, [Scope.MESSAGES_READ])
    key, _ = access.create(rt, caller.tenant, asked)
    answer = httpx.post(address + path, json={}, headers={"X-API-Key": key})
    assert (answer.status_code, shape_of(answer.json())) == (403, shape)


@each_door
def test_without_a_database_it_is_unavailable(caller: Caller, path: str, shape: Any) -> None:
    nowhere = Settings.read(
        database_url="postgresql+psycopg://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        secret_key="a-secret-of-at-least-32-characters",
    )
    rt = Runtime.start(nowhere, name="test")

    async def asked() -> httpx.Response:
        way = httpx.ASGITransport(app=create_app(rt))
        async with httpx.AsyncClient(transport=way, base_url="http://posthorn") as client:
            return await client.post(path, json={}, headers={"X-API-Key": caller.key})

    try:
        answer = asyncio.run(asked())
    finally:
        rt.engine.dispose()
        rt.redis.close()
    assert (answer.status_code, shape_of(answer.json())) == (503, shape)
    assert answer.headers["retry-after"]
