"""Every operation of every document has a scope, asks for it over HTTP, and asks for no other.

Walked from the documents themselves: a new operation is closed, and fails here, until it has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from messaging import access
from messaging.access import Asked
from messaging.api import scopes
from messaging.api.scopes import FACADES
from messaging.domain.scopes import TEST_SCOPES, KeyKind, Scope
from messaging.runtime import Runtime
from tests.api.test_schemathesis import document

Operation = tuple[str, str]
OPEN = ("/livez", "/readyz", "/problems/", "/webhooks/", "/usecase/v1/webhook/")
"""What takes no API key: nobody asks, or a provider that signs."""


@pytest.fixture
def operations(http: httpx.Client) -> list[Operation]:
    """Every operation that takes a key: `/v1` and the five documents."""
    found = [(m.upper(), path) for path, ways in document()["paths"].items() for m in ways]
    for facade in sorted(FACADES):
        paths = http.get(f"/{facade}/openapi.json").json()["paths"]
        found += [(m.upper(), f"/{facade}{path}") for path, ways in paths.items() for m in ways]
    return sorted(one for one in found if not one[1].startswith(OPEN))


@pytest.fixture
def keys(rt: Runtime, caller: Any, address: str) -> Iterator[dict[str, httpx.Client]]:
    """Clients by what their key has: one scope; all but one, as `-scope`; or what a test key has."""
    with ExitStack() as stack:

        def using(kind: KeyKind, *given: Scope) -> httpx.Client:
            asked = Asked("a test", kind, given or None, requests_per_minute=access.UNLIMITED)
            key = access.create(rt, caller.tenant, asked)[0]
            headers = {"X-API-Key": key, "api-token": key, "app-id": caller.tenant.name}
            return stack.enter_context(httpx.Client(base_url=address, timeout=20, headers=headers))

        clients = {scope.value: using(KeyKind.LIVE, scope) for scope in Scope}
        for scope in Scope:
            clients[f"-{scope}"] = using(KeyKind.LIVE, *(set(Scope) - {scope}))
        yield clients | {"test": using(KeyKind.TEST)}


def ask(client: httpx.Client, operation: Operation) -> httpx.Response:
    """Something a route refuses for its form at the latest: whether the key may is asked before."""
    method, path = operation
    return client.request(method, re.sub(r"\{\w+\}", "zq", path), json={"zq": 1})


def may(answer: httpx.Response) -> bool:
    return answer.status_code != 403


def test_every_operation_asks_for_its_scope_and_for_no_other(
    operations: list[Operation], keys: dict[str, httpx.Client]
) -> None:
    assert len(operations) > 80
    for operation in operations:
        needs = scopes.needed(*operation)
        assert needs is not None, f"say in messaging/api/scopes.py what {operation} belongs to"
        without = ask(keys[f"-{needs}"], operation)
        assert without.status_code == 403, f"{operation}: {without.text}"
        assert repr(needs.value) in without.text or operation[1][1:].startswith(tuple(FACADES))
        assert may(ask(keys[needs.value], operation)), operation


def test_a_test_key_may_do_what_test_keys_may_and_nothing_else(
    operations: list[Operation], keys: dict[str, httpx.Client]
) -> None:
    for operation in operations:
        assert may(ask(keys["test"], operation)) == (scopes.needed(*operation) in TEST_SCOPES)


def test_no_operation_answers_without_a_key(
    operations: list[Operation], anonymous: httpx.Client
) -> None:
    for operation in operations:
        assert ask(anonymous, operation).status_code == 401, operation
