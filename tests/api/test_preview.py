"""What a text would become and cost, asked over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

PATH = "/v1/messages/preview"


def preview(http: httpx.Client, **asked: Any) -> dict[str, Any]:
    answer = http.post(PATH, json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def codes(found: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in found["warnings"]]


def test_a_plain_text_is_what_it_is(http: httpx.Client) -> None:
    assert preview(http, body="See you at ten") == {
        "body": "See you at ten",
        "encoding": "GSM-7",
        "units": 14,
        "segments": 1,
        "units_per_segment": [14],
        "forces_ucs2": [],
        "warnings": [],
    }


def test_it_says_which_characters_are_dear(http: httpx.Client) -> None:
    found = preview(http, body="Promoção até amanhã")
    assert (found["encoding"], found["units"]) == ("UCS-2", 19)
    assert found["forces_ucs2"] == [
        {
            "character": "ç",
            "codepoint": "U+00E7",
            "name": "LATIN SMALL LETTER C WITH CEDILLA",
            "count": 1,
            "position": 5,
        },
        {
            "character": "ã",
            "codepoint": "U+00E3",
            "name": "LATIN SMALL LETTER A WITH TILDE",
            "count": 2,
            "position": 6,
        },
    ]


def test_it_counts_what_would_be_sent(http: httpx.Client) -> None:
    text = "“" + "a" * 157 + "…"
    assert preview(http, body=text)["segments"] == 3
    found = preview(http, body=text, smart_encoding=True)
    assert found["body"] == '"' + "a" * 157 + "..."
    assert (found["encoding"], found["units_per_segment"]) == ("GSM-7", [153, 8])
    folded = preview(http, body="Promoção “já”", fold_accents=True, smart_encoding=True)
    assert (folded["body"], folded["encoding"]) == ('Promocao "ja"', "GSM-7")


def test_what_is_left_out_is_as_the_policy_says(http: httpx.Client) -> None:
    decided = http.patch("/v1/policy", json={"content": {"fold_accents": True}})
    assert decided.status_code == 200
    assert preview(http, body="amanhã")["body"] == "amanha"
    assert preview(http, body="amanhã", fold_accents=False)["body"] == "amanhã"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"body": "see bit.ly/x"}, ["public_shortener"]),
        (
            {"body": "see bit.ly/x", "category": "MARKETING"},
            ["public_shortener", "no_opt_out"],
        ),
        ({"body": "Sale! Reply STOP to cancel", "category": "MARKETING"}, []),
        ({"body": "see acme.example", "flash": True}, []),
        ({"body": "see https://acme.example", "flash": True}, ["flash_url_forbidden"]),
        ({"body": "see acme.com", "flash": True}, ["flash_url_forbidden"]),
        ({"body": "a" * 161, "flash": True}, ["flash_too_long"]),
        ({"body": "a" * 161}, []),
        ({"body": "a" * 321}, ["long_text"]),
        ({"body": "a" * 1601}, ["too_long"]),
        ({"body": "…" * 600, "smart_encoding": True}, ["too_long"]),
        ({"body": "\u200b", "smart_encoding": True}, ["empty"]),
    ],
)
def test_it_warns(http: httpx.Client, asked: dict[str, Any], expected: list[str]) -> None:
    assert codes(preview(http, **asked)) == expected


@pytest.mark.parametrize(
    ("asked", "pointer", "code"),
    [
        ({}, "#/body", "required"),
        ({"body": ""}, "#/body", "too_short"),
        ({"body": "a\0b"}, "#/body", "not_text"),
        ({"body": "a" * 16_001}, "#/body", "too_long"),
        ({"body": "x", "category": "NEWS"}, "#/category", "not_allowed"),
        ({"body": "x", "to": "+12025550123"}, "#/to", "unknown_field"),
    ],
)
def test_what_cannot_be_previewed_is_said(
    http: httpx.Client, asked: dict[str, Any], pointer: str, code: str
) -> None:
    answer = http.post(PATH, json=asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


def test_it_keeps_nothing_and_asks_for_a_key(http: httpx.Client, anonymous: httpx.Client) -> None:
    preview(http, body="never kept")
    assert http.get("/v1/messages").json()["data"] == []
    assert anonymous.post(PATH, json={"body": "x"}).status_code == 401
