"""What LigueLead's door refuses: its four errors, and every other in the same shape."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging import access
from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.facades.liguelead_calls import EXAMPLE, TEXT, lead

__all__ = ["lead"]


AUTHENTICATION = {
    "message": "Authentication error",
    "error": {
        "code": "AUTHENTICATION_ERROR",
        "details": ["Verify api-token and app-id headers"],
    },
}


@pytest.mark.parametrize(
    "headers",
    [
        {"api-token": "wrong"},
        {"api-token": ""},
        {"app-id": ""},
        {"app-id": "somebody-else"},
        {"api-token": "YOUR_API_TOKEN", "app-id": "YOUR_APP_ID"},
    ],
    ids=str,
)
def test_authentication_error(lead: httpx.Client, headers: dict[str, str]) -> None:
    for answer in (
        lead.post("/v1/sms", content=EXAMPLE, headers=headers),
        lead.get("/v1/sms/3b4f7c5e-7e2d-4157-b542-5eb2155455c5", headers=headers),
    ):
        assert (answer.status_code, answer.json()) == (401, AUTHENTICATION)


def test_the_key_stands_in_its_own_header_only(anonymous: httpx.Client, caller: Caller) -> None:
    for name in ("Authorization", "X-API-Key"):
        value = f"Bearer {caller.key}" if name == "Authorization" else caller.key
        headers = {name: value, "app-id": caller.tenant.name}
        answer = anonymous.post("/liguelead/v1/sms", content=EXAMPLE, headers=headers)
        assert (answer.status_code, answer.json()) == (401, AUTHENTICATION)


def test_the_app_is_the_tenant_by_name_or_id_and_no_other(
    lead: httpx.Client, caller: Caller, stranger: Caller
) -> None:
    mine = {"app-id": str(caller.tenant.id)}
    assert lead.post("/v1/sms", json=TEXT, headers=mine).status_code == 202
    for theirs in (stranger.tenant.name, str(stranger.tenant.id)):
        answer = lead.post("/v1/sms", json=TEXT, headers={"app-id": theirs})
        assert (answer.status_code, answer.json()) == (401, AUTHENTICATION)


def error(message: str, code: str, *details: str) -> dict[str, Any]:
    return {"message": message, "error": {"code": code, "details": list(details)}}


_PHONE = "Ensure valid Brazilian phone number format (11 digits or with DDI)"
_LONG = "message: Keep within SMS character limits: at most 160 characters"
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "invalid phone format",
        {"phones": ["11888888888", "+12025550123", "x\0y", ""]},
        error(
            "Invalid phone format",
            "INVALID_PHONE_FORMAT",
            *(f"phones.{i}: {_PHONE}" for i in range(4)),
        ),
    ),
    (
        "empty phones array",
        {"phones": []},
        error(
            "Empty phones array", "EMPTY_PHONES", "phones: Include at least one valid phone number"
        ),
    ),
    (
        "message too long",
        {"message": "a" * 161},
        error("Message too long", "MESSAGE_TOO_LONG", _LONG),
    ),
    (
        "two at once",
        {"message": "a" * 161, "phones": []},
        error(
            "Message too long",
            "MESSAGE_TOO_LONG",
            _LONG,
            "phones: Include at least one valid phone number",
        ),
    ),
    (
        "no text",
        {"message": ""},
        error(
            "Some fields are not valid",
            "VALIDATION_FAILED",
            "message: must have at least 1 characters",
        ),
    ),
    (
        "no list",
        {"phones": "11999999999"},
        error("Some fields are not valid", "VALIDATION_FAILED", "phones: must be a list"),
    ),
    (
        "flash without a provider that offers it",
        {"is_flash": True},
        error(
            "Some fields are not valid",
            "VALIDATION_FAILED",
            "is_flash: none of your providers offers it; leave it out",
        ),
    ),
]


@pytest.mark.parametrize(
    ("change", "expected"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_a_refused_request_says_why_in_one_shape(
    http: httpx.Client, lead: httpx.Client, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    answer = lead.post("/v1/sms", json=TEXT | change)
    assert (answer.status_code, answer.json()) == (422, expected)
    assert http.get("/v1/messages").json()["data"] == []


def test_too_many_requests_are_told_when_to_come_back(
    rt: Runtime, lead: httpx.Client, caller: Caller
) -> None:
    key, _ = access.create(rt, caller.tenant, access.Asked("slow", requests_per_minute=1))
    answers = [lead.post("/v1/sms", json={}, headers={"api-token": key}) for _ in range(3)]
    last = answers[-1]
    assert (last.status_code, last.json()["error"]["code"]) == (429, "TOO_MANY_REQUESTS")
    assert set(last.json()) == {"message", "error"}
    assert int(last.headers["retry-after"]) >= 1


@pytest.mark.parametrize("missing", ["title", "message", "phones"])
def test_what_the_example_always_has_is_required(lead: httpx.Client, missing: str) -> None:
    answer = lead.post("/v1/sms", json={k: v for k, v in TEXT.items() if k != missing})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == [f"{missing}: is required"]


OUTSIDE: list[tuple[str, str, bytes, int, str]] = [
    ("POST", "/v1/sms", b"{", 400, "MALFORMED_JSON"),
    ("POST", "/v1/sms", b"\xff", 400, "MALFORMED_JSON"),
    ("POST", "/v1/sms", b"[]", 422, "VALIDATION_FAILED"),
    ("POST", "/v1/sms", b"", 400, "MALFORMED_JSON"),
    ("POST", "/v1/sms", b'"' + b"a" * (1 << 20) + b'"', 413, "PAYLOAD_TOO_LARGE"),
    ("POST", "/v1/other", b"{}", 404, "NOT_FOUND"),
    ("DELETE", "/v1/sms", b"", 405, "METHOD_NOT_ALLOWED"),
    ("GET", "/v1/sms/3b4f7c5e-7e2d-4157-b542-5eb2155455c5", b"", 404, "NOT_FOUND"),
    ("GET", "/v1/sms/not-an-id", b"", 404, "NOT_FOUND"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), OUTSIDE)
def test_every_other_error_has_the_same_shape(
    lead: httpx.Client, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    answer = lead.request(method, path, content=body)
    assert answer.status_code == status
    found = answer.json()
    assert set(found) == {"message", "error"}
    assert set(found["error"]) == {"code", "details"}
    assert found["error"]["code"] == code
    assert all(isinstance(detail, str) for detail in found["error"]["details"])
