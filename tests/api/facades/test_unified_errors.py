"""What the unified door refuses, and in which words."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.facades.unified_calls import (
    TEXT,
    kept,
    on_every_channel,
    unified,
)
from tests.api.facades.unified_document import (
    EMAIL,
    PATH,
    PERSON,
    SENDER,
)

__all__ = ["on_every_channel", "unified"]


_DATA = ["body", "message_data"]
WRONG: list[tuple[str, dict[str, Any], list[list[Any]], list[str]]] = [
    ("nothing", {}, [["body", "message_data"]], ["missing"]),
    ("no text", {"message_data": {"recipient": "+12025550123"}}, [[*_DATA, "content"]], ["missing"]),
    (
        "an empty text",
        {"message_data": {"recipient": "+12025550123", "content": ""}},
        [[*_DATA, "content"]],
        ["too_short"],
    ),
    ("nobody", {"message_data": {"content": "Hi"}}, [[*_DATA, "recipient"]], ["missing"]),
    (
        "nobody, by e-mail",
        {"sender_type": "email", "message_data": {"content": "Hi"}},
        [[*_DATA, "recipient"]],
        ["missing"],
    ),
    (
        "a number or an id",
        {"message_data": {"recipient": "2025550123", "content": "Hi"}},
        [[*_DATA, "recipient"]],
        ["ambiguous"],
    ),
    (
        "no subject",
        {"message_data": {"recipient": "ana@example.com", "content": "Hi"}},
        [[*_DATA, "subject"]],
        ["missing"],
    ),
    (
        "another channel's recipient",
        {"sender_type": "email", "message_data": {"recipient": "+12025550123", "content": "Hi", "subject": "s"}},
        [[*_DATA, "recipient"]],
        ["not_an_email"],
    ),
    ("an unknown channel", TEXT | {"sender_type": "pigeon"}, [["body", "sender_type"]], ["not_allowed"]),
    ("an unknown type", TEXT | {"message_type": "SPAM"}, [["body", "message_type"]], ["not_allowed"]),
    ("an unknown priority", TEXT | {"priority": "4"}, [["body", "priority"]], ["not_allowed"]),
    ("true is no priority", TEXT | {"priority": True}, [["body", "priority"]], ["not_allowed"]),
    (
        "an unknown sender",
        TEXT | {"sender_identifier": SENDER},
        [["body", "sender_identifier"]],
        ["unknown_sender"],
    ),
    (
        "a text with a subject",
        {"message_data": {"recipient": "+12025550123", "content": "Hi", "subject": "s"}},
        [[*_DATA, "subject"]],
        ["not_with_channel"],
    ),
    (
        "a file that is none",
        {"message_data": {"recipient": "+12025550123", "content": "Hi", "media_urls": ["a.png"]}},
        [[*_DATA, "media_urls", 0]],
        ["not_valid"],
    ),
    (
        "a picture that is none",
        {"message_data": {"recipient": PERSON, "content": "Hi", "image_url": "a.png"}},
        [[*_DATA, "image_url", 0]],
        ["not_valid"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "places", "types"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_a_validation_error_is_written_as_fastapi_does(
    http: httpx.Client,
    unified: httpx.Client,
    body: dict[str, Any],
    places: list[list[Any]],
    types: list[str],
) -> None:
    answer = unified.post(PATH, json=body)
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert set(answer.json()) == {"detail"}
    assert [item["loc"] for item in detail] == places
    assert [item["type"] for item in detail] == types
    assert all(set(item) == {"loc", "msg", "type"} and item["msg"] for item in detail)
    assert kept(http) == []


def test_an_unknown_sender_in_the_query_is_blamed_there(unified: httpx.Client) -> None:
    answer = unified.post(f"{PATH}?send_identifier={SENDER}", json=TEXT)
    assert answer.json() == {
        "detail": [
            {
                "loc": ["query", "send_identifier"],
                "msg": "no active sender of yours; list yours first",
                "type": "unknown_sender",
            }
        ]
    }


def test_who_opted_out_is_a_validation_error(http: httpx.Client, unified: httpx.Client) -> None:
    assert http.post("/v1/suppressions", json={"to": "+12025550123"}).is_success
    answer = unified.post(PATH, json=TEXT)
    assert answer.status_code == 422
    (item,) = answer.json()["detail"]
    assert (item["loc"], item["type"]) == ([*_DATA, "recipient"], "opted_out")


OUTSIDE: list[tuple[str, str, bytes, int]] = [
    ("POST", PATH, b"{", 422),
    ("POST", PATH, b"", 422),
    ("POST", PATH, b"[]", 422),
    ("POST", PATH, b'"' + b"a" * (1 << 20) + b'"', 413),
    ("POST", "/api/messaging/other", b"{}", 404),
    ("GET", PATH, b"", 405),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), OUTSIDE)
def test_every_other_error_has_a_detail(
    unified: httpx.Client, method: str, path: str, body: bytes, status: int
) -> None:
    answer = unified.request(method, path, content=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}
    assert isinstance(answer.json()["detail"], list if status == 422 else str)


def test_without_a_key_nothing_is_read(anonymous: httpx.Client, http: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer nobody"}):
        answer = anonymous.post(f"/unified{PATH}", content=EMAIL, headers=headers)
        assert answer.status_code == 401
        assert isinstance(answer.json()["detail"], str)
    assert kept(http) == []
