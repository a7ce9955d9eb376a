"""LigueLead's document, word for word, against the application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.runtime import Runtime
from tests.api.conftest import Caller

EXAMPLE = """{
    "title": "Welcome Campaign",
    "message": "Welcome to LigueLead! Thank you for joining us.",
    "phones": ["11999999999", "11888888888"],
    "group_id": "optional-group-id"
  }"""
TEXT = {"title": "Teste", "message": "Bom dia", "phones": ["11999999999"]}
UUID4ISH = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ACCEPTED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def lead(address: str, caller: Caller) -> Iterator[httpx.Client]:
    headers = {
        "api-token": caller.key,
        "app-id": caller.tenant.name,
        "Content-Type": "application/json",
    }
    with httpx.Client(base_url=f"{address}/liguelead", timeout=60, headers=headers) as client:
        yield client


def looked_up(lead: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    found = lead.get(f"/v1/sms/{answer.json()['data']['campaign_id']}")
    assert found.status_code == 200, found.text
    data: dict[str, Any] = found.json()["data"]
    return data


def test_the_documented_example_gets_the_documented_answer(lead: httpx.Client) -> None:
    answer = lead.post("/v1/sms", content=EXAMPLE)
    assert answer.status_code == 202, answer.text
    body = answer.json()
    data = body["data"]
    assert body == {"message": "SMS accepted successfully", "data": data}
    assert list(data) == ["campaign_id", "accepted_at"]
    assert UUID4ISH.fullmatch(data["campaign_id"])
    assert ACCEPTED_AT.fullmatch(data["accepted_at"])
    found = looked_up(lead, answer)
    message_id = found["phones"][0]["message_id"]
    assert found == {
        "campaign_id": data["campaign_id"],
        "title": "Welcome Campaign",
        "group_id": "optional-group-id",
        "accepted_at": data["accepted_at"],
        "total": 2,
        "counts": {"queued": 1, "rejected": 1},
        "phones": [
            {
                "phone": "+5511999999999",
                "status": "queued",
                "reason": None,
                "message_id": message_id,
            },
            {
                "phone": "11888888888",
                "status": "rejected",
                "reason": "invalid_phone_format",
                "message_id": None,
            },
        ],
    }


def test_its_messages_are_messages_like_others(http: httpx.Client, lead: httpx.Client) -> None:
    answer = lead.post("/v1/sms", content=EXAMPLE)
    (message,) = http.get("/v1/messages").json()["data"]
    campaign_id = answer.json()["data"]["campaign_id"]
    expected = {
        "to": "+5511999999999",
        "body": "Welcome to LigueLead! Thank you for joining us.",
        "campaign": f"Welcome Campaign {campaign_id}",
        "source": "optional-group-id",
        "metadata": {"title": "Welcome Campaign", "group_id": "optional-group-id"},
        "flash": False,
    }
    assert expected.items() <= message.items()


FORMATS = [
    ("11999999999", "+5511999999999"),
    ("21999999999", "+5521999999999"),
    ("61999999999", "+5561999999999"),
    ("31999999999", "+5531999999999"),
    ("+5511999999999", "+5511999999999"),
    ("+5521999999999", "+5521999999999"),
    ("+5561999999999", "+5561999999999"),
    ("5511999999999", "+5511999999999"),
    ("5521999999999", "+5521999999999"),
    ("5561999999999", "+5561999999999"),
    (11999999999, "+5511999999999"),
    ("(11) 99999-9999", "+5511999999999"),
    # Area code 55 (Santa Maria): eleven digits are national, thirteen have the country before them.
    ("55999999999", "+5555999999999"),
    ("5555999999999", "+5555999999999"),
]


@pytest.mark.parametrize(("written", "number"), FORMATS)
def test_every_documented_format_is_read(
    lead: httpx.Client, written: str | int, number: str
) -> None:
    found = looked_up(lead, lead.post("/v1/sms", json=TEXT | {"phones": [written]}))
    assert [one["phone"] for one in found["phones"]] == [number]


def test_a_number_in_several_formats_gets_one_message(
    http: httpx.Client, lead: httpx.Client
) -> None:
    phones = ["11999999999", "+5511999999999", "5511999999999", "bad", "bad", "11999999999"]
    found = looked_up(lead, lead.post("/v1/sms", json=TEXT | {"phones": phones}))
    assert (found["total"], found["counts"]) == (2, {"queued": 1, "rejected": 1})
    assert len(http.get("/v1/messages").json()["data"]) == 1


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
_LINK = "message: SMS Flash messages do not allow sending links (URLs); leave them out"
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


@pytest.mark.parametrize("missing", ["title", "message", "phones"])
def test_what_the_example_always_has_is_required(lead: httpx.Client, missing: str) -> None:
    answer = lead.post("/v1/sms", json={k: v for k, v in TEXT.items() if k != missing})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == [f"{missing}: is required"]


def test_160_characters_fit(lead: httpx.Client) -> None:
    for message in ("a" * 160, "ã" * 160):
        assert lead.post("/v1/sms", json=TEXT | {"message": message}).status_code == 202


def test_flash_goes_where_it_is_offered_and_takes_no_link(
    http: httpx.Client, lead: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    with rt.engine.begin() as db:
        values = {"id": caller.account.id}
        db.execute(
            sa.text("UPDATE provider_accounts SET provider = 'vonage_sms' WHERE id = :id"), values
        )
    rt._directory.clear()
    answer = lead.post("/v1/sms", json=TEXT | {"is_flash": True})
    assert answer.status_code == 202, answer.text
    (message,) = http.get("/v1/messages").json()["data"]
    assert message["flash"] is True
    linked = TEXT | {"is_flash": True, "message": "Veja https://example.com/oferta"}
    refused = lead.post("/v1/sms", json=linked)
    assert refused.status_code == 422
    assert refused.json()["error"]["details"] == [_LINK]
    assert lead.post("/v1/sms", json=linked | {"is_flash": False}).status_code == 202


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


def test_any_content_type_will_do(lead: httpx.Client) -> None:
    answer = lead.post("/v1/sms", content=EXAMPLE, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 202


def test_nobody_sees_the_campaign_of_another(
    lead: httpx.Client, anonymous: httpx.Client, stranger: Caller
) -> None:
    campaign_id = lead.post("/v1/sms", json=TEXT).json()["data"]["campaign_id"]
    headers = {"api-token": stranger.key, "app-id": stranger.tenant.name}
    theirs = anonymous.get(f"/liguelead/v1/sms/{campaign_id}", headers=headers)
    nobodys = anonymous.get(
        "/liguelead/v1/sms/3b4f7c5e-7e2d-4157-b542-5eb2155455c5", headers=headers
    )
    assert (theirs.status_code, theirs.content) == (404, nobodys.content)


def test_who_opted_out_is_counted_and_not_written_to(
    http: httpx.Client, lead: httpx.Client
) -> None:
    assert http.post("/v1/suppressions", json={"to": "+5521999999999"}).is_success
    phones = ["11999999999", "21999999999"]
    found = looked_up(lead, lead.post("/v1/sms", json=TEXT | {"phones": phones}))
    assert found["counts"] == {"opted_out": 1, "queued": 1}
    assert [one["reason"] for one in found["phones"]] == [None, "opted_out"]


def test_a_repeated_key_answers_with_the_same_campaign(
    http: httpx.Client, lead: httpx.Client
) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = lead.post("/v1/sms", content=EXAMPLE, headers=key)
    again = lead.post("/v1/sms", content=EXAMPLE, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(http.get("/v1/messages").json()["data"]) == 1
    other = lead.post("/v1/sms", json=TEXT, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_the_same_title_is_another_campaign(lead: httpx.Client) -> None:
    ids = {lead.post("/v1/sms", json=TEXT).json()["data"]["campaign_id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_list_of_ten_thousand_is_one_request(lead: httpx.Client) -> None:
    phones = [f"119{n:08d}" for n in range(99_000_000, 99_010_000)]
    found = looked_up(lead, lead.post("/v1/sms", json=TEXT | {"phones": phones}))
    assert (found["total"], found["counts"]) == (10_000, {"queued": 10_000})
    more = lead.post("/v1/sms", json=TEXT | {"phones": [*phones, "11999999999"]})
    assert more.status_code == 422
    assert more.json()["error"]["details"] == [
        "phones: a campaign takes at most 10000 numbers here; split it"
    ]
