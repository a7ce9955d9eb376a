"""Whoever may not do what an operation does is refused as its document says, at every door."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.documented import Operation, named, operations, wrong

CLOSED = [o for o in operations() if o.said["security"]]
each_closed = pytest.mark.parametrize("operation", CLOSED, ids=named)
NOBODY = "00000000-0000-0000-0000-000000000000"


def ask(http: httpx.Client, operation: Operation, **headers: str) -> httpx.Response:
    names = {p["name"]: NOBODY for p in operation.parameters if p["in"] == "path"}
    path = f"/{operation.of}" if operation.of else ""
    path += operation.path.format(**names)
    sent: dict[str, Any] = {"json": {}} if operation.taken else {}
    return http.request(operation.method, path, headers=headers, **sent)


def test_almost_everything_is_closed() -> None:
    assert len(CLOSED) > 100


@each_closed
def test_who_has_no_key_is_told_so(anonymous: httpx.Client, operation: Operation) -> None:
    answer = ask(anonymous, operation)
    assert answer.status_code == 401
    assert not wrong(operation, answer)


@pytest.fixture
def narrow(http: httpx.Client) -> list[str]:
    """Keys that may do one thing each: whatever is asked, one of the two may not."""
    made = [{"name": scope, "scopes": [scope]} for scope in ("audit", "endpoints")]
    return [str(http.post("/v1/keys", json=one).json()["key"]) for one in made]


def test_whose_key_may_not_is_told_so(
    anonymous: httpx.Client, caller: Any, narrow: list[str]
) -> None:
    for operation in CLOSED:
        key = narrow[operation.path.startswith("/v1/audit")]
        if operation.path.startswith("/v1/endpoints"):
            key = narrow[0]
        told = {"X-API-Key": key, "api-token": key, "app-id": caller.tenant.name}
        answer = ask(anonymous, operation, **told)
        assert answer.status_code == 403, named(operation)
        assert not wrong(operation, answer), named(operation)


NAMED = [o for o in CLOSED if "{" in o.path and not o.taken and o.method != "PUT"]


@pytest.mark.parametrize("operation", NAMED, ids=named)
def test_what_is_not_there_is_not_found(
    http: httpx.Client, caller: Any, operation: Operation
) -> None:
    answer = ask(http, operation, **{"api-token": caller.key, "app-id": caller.tenant.name})
    assert answer.status_code == 404 or operation.id == "campaign_statistics"
    assert not wrong(operation, answer)


TAKES = [o for o in CLOSED if "application/json" in o.taken]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b'{"to": []}'], ids=repr)
@pytest.mark.parametrize("operation", TAKES, ids=named)
def test_what_cannot_be_read_is_refused(
    http: httpx.Client, caller: Any, operation: Operation, body: bytes
) -> None:
    names = {p["name"]: NOBODY for p in operation.parameters if p["in"] == "path"}
    path = (f"/{operation.of}" if operation.of else "") + operation.path.format(**names)
    headers = {"api-token": caller.key, "app-id": caller.tenant.name}
    headers["Content-Type"] = "application/json"
    answer = http.request(operation.method, path, content=body, headers=headers)
    assert answer.is_client_error
    assert not wrong(operation, answer)
