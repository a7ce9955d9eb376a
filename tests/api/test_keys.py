"""Keys that may do some things, until some time, and only in a sandbox."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.routing import Mount, Route

from messaging import access
from messaging.access import Asked
from messaging.api import scopes
from messaging.api.openapi_errors import OPEN as NO_KEY
from messaging.domain.errors import MissingScopeError
from messaging.domain.scopes import TEST_SCOPES, KeyKind, Scope
from messaging.runtime import Runtime
from messaging.store import tables as t

MESSAGE = {"to": "+12025550123", "body": "Hi"}


@contextmanager
def using(address: str, key: str) -> Iterator[httpx.Client]:
    """The application, as the holder of this key sees it."""
    with httpx.Client(base_url=address, timeout=20, headers={"X-API-Key": key}) as client:
        yield client


def a_key(rt: Runtime, caller: Any, *given: Scope, **fields: Any) -> str:
    return access.create(rt, caller.tenant, Asked("a test", scopes=given or None, **fields))[0]


def routes(app: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Every method and address that some route answers, mounted applications included."""
    for route in app.routes:
        if isinstance(route, Mount):
            yield from routes(route, before + route.path)
        elif hasattr(route, "original_router"):  # what FastAPI keeps of an included one
            yield from routes(route.original_router, before)
        elif isinstance(route, Route):
            for method in route.methods or ():
                yield method, before + route.path


OPEN = (*NO_KEY, "/docs", "/openapi.json", "/u/", "/unsubscribe")


def test_every_route_needs_a_scope(app: FastAPI) -> None:
    closed = {
        (method, path)
        for method, path in routes(app)
        if not path.startswith(OPEN) and not path.endswith(("/docs", "/openapi.json"))
        and "oauth2-redirect" not in path and "webhook" not in path
    }  # fmt: skip
    assert len(closed) > 80
    assert {found for found in closed if scopes.needed(*found) is None} == set()


NEEDED = [
    ("POST", "/v1/messages", Scope.MESSAGES_SEND),
    ("GET", "/v1/messages", Scope.MESSAGES_READ),
    ("HEAD", "/v1/messages", Scope.MESSAGES_READ),
    ("POST", "/v1/messages/search", Scope.MESSAGES_READ),
    ("POST", "/v1/messages/preview", Scope.MESSAGES_READ),
    ("POST", "/v1/messages/x/cancel", Scope.MESSAGES_SEND),
    ("GET", "/v1/messages/x/explain", Scope.MESSAGES_READ),
    ("GET", "/v1/audit", Scope.AUDIT),
    ("PUT", "/v1/dnc/US", Scope.SUPPRESSIONS),
    ("POST", "/leadsail/api/v1/sms/send", Scope.MESSAGES_SEND),
    ("GET", "/usecase/v1/sms/x", Scope.MESSAGES_READ),
    ("GET", "/v1/nothing", None),
    ("GET", "/v1", None),
    ("GET", "/", None),
    ("GET", "/v2/messages", None),
]


@pytest.mark.parametrize(("method", "path", "scope"), NEEDED)
def test_the_scope_of_a_request(method: str, path: str, scope: Scope | None) -> None:
    assert scopes.needed(method, path) is scope


ASKED = [
    ("POST", "/v1/messages", MESSAGE, Scope.MESSAGES_SEND),
    ("GET", "/v1/messages", None, Scope.MESSAGES_READ),
    ("GET", "/v1/lanes", None, Scope.MESSAGES_READ),
    ("POST", "/v1/messages/search", {"to": "+12025550123"}, Scope.MESSAGES_READ),
    ("GET", "/v1/suppressions", None, Scope.SUPPRESSIONS),
    ("GET", "/v1/senders", None, Scope.SENDERS),
    ("GET", "/v1/policy", None, Scope.POLICY),
    ("GET", "/v1/endpoints", None, Scope.ENDPOINTS),
    ("GET", "/v1/accounts", None, Scope.ACCOUNTS),
    ("GET", "/v1/keys", None, Scope.KEYS),
    ("GET", "/v1/audit", None, Scope.AUDIT),
]


@pytest.mark.parametrize("scope", sorted({asked[-1] for asked in ASKED}))
def test_a_key_may_do_what_its_scopes_say_and_nothing_else(
    rt: Runtime, caller: Any, address: str, scope: Scope
) -> None:
    with using(address, a_key(rt, caller, scope)) as http:
        for method, path, body, needs in ASKED:
            answer = http.request(method, path, json=body)
            if needs is scope:
                assert answer.is_success, f"{method} {path}: {answer.text}"
                continue
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
            assert repr(needs.value) in answer.json()["detail"]


def test_a_key_is_made_listed_and_ended_over_http(http: httpx.Client, address: str) -> None:
    asked = {"name": "shop", "scopes": ["messages:send"], "expires_at": "2030-01-01T00:00:00Z"}
    made = http.post("/v1/keys", json=asked)
    assert made.status_code == 201, made.text
    body = made.json()
    assert re.fullmatch(r"ph_live_[a-z2-7]{12}_[\w-]{43}", body["key"])
    assert access.key_id_of(body["key"]) == body["id"]
    kept = {name: value for name, value in body.items() if name != "key"}
    assert http.get(f"/v1/keys/{body['id']}").json() == kept
    listed = http.get("/v1/keys")
    assert listed.json()["data"][-1] == kept
    assert body["key"].rpartition("_")[2] not in listed.text
    with using(address, body["key"]) as shop:
        assert shop.post("/v1/messages", json=MESSAGE).status_code == 202
        assert http.delete(f"/v1/keys/{body['id']}").status_code == 204
        assert http.delete(f"/v1/keys/{body['id']}").status_code == 404
        deadline = time.monotonic() + 5
        while shop.post("/v1/messages", json=MESSAGE).status_code != 401:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert http.get(f"/v1/keys/{body['id']}").json()["revoked_at"] is not None


REFUSED = [
    ({"name": ""}, "#/name"),
    ({"name": "x", "scopes": []}, "#/scopes"),
    ({"name": "x", "scopes": ["everything"]}, "#/scopes/0"),
    ({"name": "x", "kind": "test", "scopes": ["policy"]}, "#/scopes"),
    ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at"),
    ({"name": "x", "requests_per_minute": -1}, "#/requests_per_minute"),
    ({"name": "x", "owner": "me"}, "#/owner"),
]


@pytest.mark.parametrize(("body", "pointer"), REFUSED)
def test_a_key_that_cannot_be(http: httpx.Client, body: dict[str, Any], pointer: str) -> None:
    answer = http.post("/v1/keys", json=body)
    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]


def test_a_key_makes_no_key_that_may_do_more(rt: Runtime, caller: Any, address: str) -> None:
    with using(address, a_key(rt, caller, Scope.KEYS, Scope.MESSAGES_READ)) as http:
        same = http.post("/v1/keys", json={"name": "x", "scopes": ["messages:read"]})
        assert same.status_code == 201
        for more in (None, ["messages:send"], ["keys", "policy"]):
            answer = http.post("/v1/keys", json={"name": "x", "scopes": more})
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_one_key_replaces_another_without_a_gap(rt: Runtime, caller: Any, address: str) -> None:
    first, second = a_key(rt, caller), a_key(rt, caller)
    for key in (first, second):
        with using(address, key) as http:
            assert http.get("/v1/lanes").status_code == 200
    assert access.revoke(rt, str(access.key_id_of(first)))
    assert access.authenticate(rt, second) == caller.tenant


def test_a_use_is_noted_once_a_minute(rt: Runtime, caller: Any, address: str) -> None:
    key_id = access.key_id_of(caller.key)
    row = sa.select(t.api_keys.c.last_used_at).where(t.api_keys.c.id == key_id)

    def used() -> Any:
        with rt.engine.connect() as db:
            return db.execute(row).scalar_one()

    assert used() is None
    with using(address, caller.key) as http:
        assert http.get("/v1/lanes").status_code == 200
        deadline = time.monotonic() + 5
        while used() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    first = used()
    access.note_use(rt, str(key_id))
    assert used() == first
    with rt.engine.begin() as db:
        long_ago = first - timedelta(minutes=2)
        db.execute(
            sa.update(t.api_keys).where(t.api_keys.c.id == key_id).values(last_used_at=long_ago)
        )
    assert access.identify(rt, caller.key).note_use
    access.note_use(rt, str(key_id))
    assert used() > long_ago
    assert not access.identify(rt, caller.key).note_use


def test_what_a_test_key_sends_is_a_test_for_a_sandbox(
    rt: Runtime, caller: Any, address: str
) -> None:
    key = a_key(rt, caller, kind=KeyKind.TEST)
    assert key.startswith("ph_test_")
    assert access.identify(rt, key).scopes == TEST_SCOPES
    with using(address, key) as http:
        sent = http.post("/v1/messages", json=MESSAGE)
        assert sent.status_code == 202, sent.text
        listed = http.post("/v1/messages", json=[MESSAGE]).json()
        assert listed["accepted"] == 1
        for message in (sent.json()["id"], listed["data"][0]["id"]):
            assert http.get(f"/v1/messages/{message}").json()["traffic"] == "Test"
            with rt.engine.connect() as db:
                assert db.execute(
                    sa.select(t.messages.c.sandboxed).where(t.messages.c.id == message)
                ).scalar_one()
        answer = http.get("/v1/policy")
        assert answer.status_code == 403
        assert "test key" in answer.json()["detail"]


def test_a_test_key_submits_a_draft_to_the_sandbox_whoever_saved_it(
    rt: Runtime, caller: Any, http: httpx.Client, address: str
) -> None:
    draft = http.post("/v1/messages", json=MESSAGE | {"draft": True}).json()["id"]
    with using(address, a_key(rt, caller, kind=KeyKind.TEST)) as test:
        assert test.post(f"/v1/messages/{draft}/submit").status_code == 200
    with rt.engine.connect() as db:
        query = sa.select(t.messages.c.sandboxed, t.messages.c.traffic)
        assert db.execute(query.where(t.messages.c.id == draft)).one() == (True, "Test")


def test_a_test_key_of_a_tenant_without_a_sandbox_is_told_so(
    rt: Runtime, caller: Any, address: str
) -> None:
    with rt.engine.begin() as db:
        db.execute(
            sa.update(t.provider_accounts)
            .where(t.provider_accounts.c.id == caller.account.id)
            .values(base_url="https://api.twilio.com")
        )
    rt.forget(caller.tenant.id)
    with using(address, a_key(rt, caller, kind=KeyKind.TEST)) as http:
        answer = http.post("/v1/messages", json=MESSAGE)
        assert answer.status_code == 422
        assert [e["code"] for e in answer.json()["errors"]] == ["no_sandbox"]
        assert http.get("/v1/messages").json()["data"] == []


def test_a_caller_without_the_scope_is_told_which(rt: Runtime, caller: Any) -> None:
    key = a_key(rt, caller, Scope.MESSAGES_READ)
    with pytest.raises(MissingScopeError, match="'messages:send'"):
        access.authenticate(rt, key, Scope.MESSAGES_SEND)
