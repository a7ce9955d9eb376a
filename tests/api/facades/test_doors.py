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
from tests.api.facades.people import PHONE, lead, shape_of

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


NOBODYS = "0197e2a4-6e1c-7d52-9c5b-0d6f0a7c1e11"


def test_what_is_anothers_is_answered_as_what_is_nobodys(
    rt: Runtime, http: httpx.Client, address: str, caller: Caller, stranger: Caller
) -> None:
    theirs = lead(rt, caller, "theirs")
    lead(rt, stranger, "mine")
    use_case = http.post("/v1/use-cases", json={"name": "theirs", "pool": "main"}).json()["id"]
    sail, ping, case = (path for path, _ in DOORS.values())
    data = http.post(sail, json={"leadId": "theirs", "message": "Hi"}).json()["data"]
    sms, thread, sender = data["messageId"], data["interactionId"], str(caller.sender.id)
    asked = {"to_phone_number": PHONE, "message": "Hi"}
    with httpx.Client(base_url=address, headers=stranger.headers) as client:
        mine = client.post(sail, json={"leadId": "mine", "message": "Hi"}).json()["data"]
        of_mine = {"conversationId": mine["interactionId"], "text": "Hi"}
        forced = of_mine | {"wasManuallyOverridden": True}
        pairs = [
            (client.post(path, json=given | {name: there}), client.post(path, json=given | {name: NOBODYS}))
            for path, given, name, there in (
                (sail, {"message": "Hi"}, "leadId", "theirs"),
                (sail, {"message": "Hi"}, "leadId", str(theirs.id)),
                (sail, {"message": "Hi", "leadId": "mine"}, "interactionId", thread),
                (sail, {"message": "Hi", "leadId": "mine"}, "from", sender),
                (ping, {"text": "Hi"}, "conversationId", thread),
                (ping, forced, "fromPhoneNumberId", sender),
                (case, asked, "use_case_id", use_case),
            )
        ]  # fmt: skip
        pairs += [
            (client.get(where + sms), client.get(where + NOBODYS))
            for where in ("/leadping/sms/", "/usecase/v1/sms/")
        ]
    for foreign, none in pairs:
        assert 400 <= foreign.status_code < 500, foreign.text
        assert (foreign.status_code, foreign.text) == (none.status_code, none.text)
