"""What the fields of the unified document mean where its examples do not say."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.facades.unified_calls import (
    TEXT,
    hear,
    kept,
    on_every_channel,
    queued,
    unified,
)
from tests.api.facades.unified_document import (
    EMAIL,
    PATH,
    PERSON,
)

__all__ = ["on_every_channel", "unified"]


PRIORITIES = [
    ("HIGH", "HIGH"), ("NORMAL", "NORMAL"), ("LOW", "LOW"), ("low", "LOW"), ("1", "HIGH"), ("2", "NORMAL"),
    ("3", "LOW"), (1, "HIGH"), (2, "NORMAL"), (3, "LOW"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), PRIORITIES)
def test_priorities_have_names_and_numbers(
    http: httpx.Client, unified: httpx.Client, written: str | int, meant: str
) -> None:
    assert unified.post(PATH, json=TEXT | {"priority": written}).status_code == 200
    assert [m["priority"] for m in kept(http)] == [meant]


@pytest.mark.parametrize("kind", ["TRANSACTIONAL", "NOTIFICATION"])
def test_message_types(http: httpx.Client, unified: httpx.Client, kind: str) -> None:
    assert unified.post(PATH, json=TEXT | {"message_type": kind}).status_code == 200
    assert [m["category"] for m in kept(http)] == [kind]


CHANNELS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"recipient": "ana@example.com", "subject": "s"}, {}, "email"),
    ({"recipient": "+12025550123"}, {}, "sms"),
    ({"recipient": " +1 (202) 555-0123"}, {}, "sms"),
    ({"recipient": "2025550123"}, {"sender_type": "sms"}, "sms"),
    ({"recipient": "2025550123"}, {"sender_identifier": "+12025550199"}, "sms"),
    ({"recipient": "2025550123", "sender": "+12025550199"}, {}, "sms"),
    ({"recipient": "+12025550123", "media_urls": ["https://example.com/a.png"]}, {}, "mms"),
    ({"recipient": "+12025550123", "media_urls": []}, {}, "sms"),
    ({"recipient": PERSON}, {}, "instagram_dm"),
    ({"recipient": PERSON}, {"sender_type": "INSTAGRAM_DM"}, "instagram_dm"),
]


@pytest.mark.parametrize(("data", "more", "channel"), CHANNELS, ids=str)
def test_the_channel_is_named_or_inferred(
    rt: Runtime,
    caller: Caller,
    http: httpx.Client,
    unified: httpx.Client,
    data: dict[str, Any],
    more: dict[str, Any],
    channel: str,
) -> None:
    hear(rt, caller)
    body = {"message_data": {"content": "Hi", **data}, **more}
    answer = unified.post(PATH, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["channel_used"] == channel.upper()
    assert [m["channel"] for m in kept(http)] == [channel]


def test_the_body_names_the_sender_before_the_query(
    caller: Caller, http: httpx.Client, unified: httpx.Client
) -> None:
    mine = str(caller.sender.id)
    for query, body in ((mine, {}), ("unknown", {"sender_identifier": mine})):
        answer = unified.post(f"{PATH}?send_identifier={query}", json=TEXT | body)
        assert answer.status_code == 200, answer.text
    assert {m["requested_sender_id"] for m in kept(http)} == {mine}


def test_a_repeated_key_is_one_message(http: httpx.Client, unified: httpx.Client) -> None:
    key = {"Idempotency-Key": "welcome-1"}
    first = unified.post(PATH, content=EMAIL, headers=key).json()
    assert unified.post(PATH, content=EMAIL, headers=key).json() == first
    assert len(kept(http)) == 1
    other = unified.post(PATH, json=TEXT, headers=key)
    assert other.status_code == 422
    assert other.json()["detail"][0]["type"] == "idempotency_key_reused"


def test_null_is_as_good_as_left_out(http: httpx.Client, unified: httpx.Client) -> None:
    nulls = json.loads(EMAIL) | {"bulk_settings": None, "sender_type": None}
    nulls["message_data"] |= {"media_urls": None, "metadata": None, "contact_id": None}
    answer = unified.post(PATH, json=nulls)
    assert answer.json() == queued(answer.json()["message_id"], "EMAIL")
    assert len(kept(http)) == 1


def test_it_describes_itself(anonymous: httpx.Client) -> None:
    document = anonymous.get("/unified/openapi.json").json()
    assert list(document["paths"]) == [PATH]
    parameters = document["paths"][PATH]["post"]["parameters"]
    assert {p["name"]: p["in"] for p in parameters} == {
        "send_identifier": "query", "Idempotency-Key": "header", "Prefer": "header",
    }  # fmt: skip
