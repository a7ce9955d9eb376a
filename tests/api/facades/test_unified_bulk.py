"""The unified document's messages to many, word for word, against the application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from messaging import batches
from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.facades.unified_document import (
    BY_ASSIGNEES,
    BY_FILTERS,
    BY_KEYWORD,
    BY_LEADS,
    LEADS,
    PATH,
)

EXAMPLES = {"leads": BY_LEADS, "keyword": BY_KEYWORD, "filters": BY_FILTERS, "team": BY_ASSIGNEES}
PLACEHOLDERS = {"placeholder@example.com", "+1234567890"}
PEOPLE: list[dict[str, Any]] = [
    {
        "ref": LEADS[0],
        "first_name": "Esther",
        "company": "Enterprise Customers Ltd",
        "emails": ["esther@example.com"],
        "phones": ["+12025550101"],
        "tags": ["Import 10/05/25"],
        "assignee": "user-uuid-1",
    },
    {
        "ref": LEADS[1],
        "first_name": "Stan",
        "company": "ENTERPRISE customers",
        "emails": ["stan@example.com"],
        "phones": ["+12025550102"],
        "tags": ["Import 10/05/25", "vip"],
        "assignee": "user-uuid-2",
    },
    {
        "ref": LEADS[2],
        "first_name": "Austin",
        "phones": ["+12025550103"],
        "tags": ["Import 10/05/25"],
    },
    {
        "ref": "others",
        "first_name": "Ana",
        "emails": ["ana@example.com"],
        "tags": ["Import 10/05/25"],
        "assignee": "user-uuid-3",
    },
]


@pytest.fixture(autouse=True)
def contacts(rt: Runtime, http: httpx.Client) -> None:
    made = http.post("/v1/senders", json={"address": "news@example.com", "is_default": True})
    assert made.status_code == 201, made.text
    for person in PEOPLE:
        assert http.post("/v1/contacts", json=person).status_code == 201
    address = {"postal_address": "1 Main St, Springfield"}
    assert http.patch("/v1/policy", json=address).is_success
    rt._directory.clear()


@pytest.fixture
def unified(address: str, caller: Caller) -> Iterator[httpx.Client]:
    headers = {**caller.headers, "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{address}/unified", timeout=40, headers=headers) as client:
        yield client


def agree(http: httpx.Client, *people: str) -> None:
    """These people want to hear offers."""
    for to in people:
        channel = "email" if "@" in to else "sms"
        consent = {"to": to, "channel": channel, "action": "grant", "basis": "express_written"}
        answer = http.post("/v1/consents", json=consent | {"source": "web"})
        assert answer.is_success, answer.text


def counts(answer: httpx.Response) -> tuple[int, int, int, float]:
    """The documented four, of an answer that has them and the campaign's id."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    documented = ["total_leads", "messages_sent", "messages_failed", "success_rate"]
    assert list(body) == [*documented, "campaign_id"]
    total, sent, failed, rate = (body[name] for name in documented)
    return total, sent, failed, rate


def messages(http: httpx.Client) -> dict[str, dict[str, Any]]:
    found = http.get("/v1/messages?limit=200").json()["data"]
    assert PLACEHOLDERS.isdisjoint(m["to"] for m in found)
    return {m["to"]: m for m in found}


def test_the_example_with_lead_ids(http: httpx.Client, unified: httpx.Client) -> None:
    agree(http, "esther@example.com", "stan@example.com")
    answer = unified.post(PATH, content=BY_LEADS)
    assert counts(answer) == (3, 2, 1, 66.67)  # one lead has no e-mail address
    found = messages(http)
    assert set(found) == {"esther@example.com", "stan@example.com"}
    expected = {
        "subject": "Special Offer - 50% Off!",
        "body": "Limited time offer just for you!",
        "from_name": "Marketing Team",
        "category": "MARKETING",
        "priority": "NORMAL",
        "campaign": f"bulk {answer.json()['campaign_id']}",
        "lead": LEADS[1],
        "status": "queued",
    }
    assert expected.items() <= found["stan@example.com"].items()


def test_the_example_with_a_keyword_goes_by_text(http: httpx.Client, unified: httpx.Client) -> None:
    agree(http, "+12025550101", "+12025550102")
    answer = unified.post(PATH, content=BY_KEYWORD)
    assert counts(answer) == (2, 2, 0, 100.0)
    assert set(messages(http)) == {"+12025550101", "+12025550102"}


def test_the_example_with_filters(http: httpx.Client, unified: httpx.Client) -> None:
    assert counts(unified.post(PATH, content=BY_FILTERS)) == (3, 2, 1, 66.67)
    found = messages(http)
    assert set(found) == {"esther@example.com", "stan@example.com"}
    assert {m["priority"] for m in found.values()} == {"LOW"}


def test_the_example_with_assignees(http: httpx.Client, unified: httpx.Client) -> None:
    assert counts(unified.post(PATH, content=BY_ASSIGNEES)) == (2, 2, 0, 100.0)
    assert set(messages(http)) == {"esther@example.com", "stan@example.com"}


def test_criteria_narrow_each_other_down(http: httpx.Client, unified: httpx.Client) -> None:
    body = json.loads(BY_FILTERS)
    body["bulk_settings"] |= {
        "assignees": ["user-uuid-1", "user-uuid-3"],
        "search_keyword": "esther",
        "lead_ids": [*LEADS, "nobody"],
    }
    assert counts(unified.post(PATH, json=body)) == (1, 1, 0, 100.0)
    assert set(messages(http)) == {"esther@example.com"}


def test_what_a_rule_refuses_has_failed(
    rt: Runtime, caller: Caller, http: httpx.Client, unified: httpx.Client
) -> None:
    agree(http, "esther@example.com")
    answer = unified.post(PATH, content=BY_LEADS)
    assert counts(answer) == (3, 1, 2, 33.33)
    found = messages(http)
    assert found["stan@example.com"]["status_reason"] == "no_consent"
    campaign = http.get(f"/v1/campaigns/{answer.json()['campaign_id']}")
    assert campaign.status_code == 200, campaign.text
    _, fates = batches.look(rt, caller.tenant, UUID(answer.json()["campaign_id"]))
    assert sorted((fate.status or "none", fate.reason) for fate in fates) == [
        ("blocked_compliance", "no_consent"),
        ("none", "no_address"),
        ("queued", None),
    ]


def test_a_lead_that_nobody_has_has_failed(unified: httpx.Client) -> None:
    body = json.loads(BY_ASSIGNEES)
    body["bulk_settings"] = {"lead_ids": [LEADS[0], "nobody", "nobody"]}
    assert counts(unified.post(PATH, json=body)) == (2, 1, 1, 50.0)


def test_nobody_is_nobody(http: httpx.Client, unified: httpx.Client) -> None:
    body = json.loads(BY_KEYWORD)
    body["bulk_settings"] = {"search_keyword": "no such company"}
    answer = unified.post(PATH, json=body)
    assert counts(answer) == (0, 0, 0, 0.0)
    assert answer.json()["campaign_id"] is None
    assert messages(http) == {}


def test_an_address_that_two_contacts_share_gets_one_message(
    http: httpx.Client, unified: httpx.Client
) -> None:
    double = {"ref": "double", "emails": ["stan@example.com"], "assignee": "user-uuid-2"}
    assert http.post("/v1/contacts", json=double).status_code == 201
    assert counts(unified.post(PATH, content=BY_ASSIGNEES)) == (2, 2, 0, 100.0)
    assert len(http.get("/v1/messages").json()["data"]) == 2


@pytest.mark.parametrize(
    ("channel", "placeholder"),
    [("email", "Stan@example.com"), ("email", "stan@EXAMPLE.com"), ("sms", "+1 202-555-0102")],
)
def test_whoever_has_the_placeholders_address_is_not_written_to(
    rt: Runtime,
    caller: Caller,
    http: httpx.Client,
    unified: httpx.Client,
    channel: str,
    placeholder: str,
) -> None:
    body = json.loads(BY_ASSIGNEES) | {"sender_type": channel}
    body["message_data"]["recipient"] = placeholder
    if channel == "sms":
        del body["message_data"]["subject"]
    answer = unified.post(PATH, json=body)
    assert counts(answer) == (2, 1, 1, 50.0)
    assert set(messages(http)) == {"esther@example.com" if channel == "email" else "+12025550101"}
    _, fates = batches.look(rt, caller.tenant, UUID(answer.json()["campaign_id"]))
    assert sorted(fate.reason or "" for fate in fates) == ["", "placeholder"]


_AT = ["body", "bulk_settings"]
WRONG: list[tuple[str, Any, list[Any], str]] = [
    ("empty", {}, _AT, "empty_audience"),
    ("all null", {"lead_ids": None, "filters": None}, _AT, "empty_audience"),
    ("no leads", {"lead_ids": []}, [*_AT, "lead_ids"], "not_a_list"),
    ("no keyword", {"search_keyword": " "}, [*_AT, "search_keyword"], ""),
    ("no condition", {"filters": {"conditions": []}}, [*_AT, "filters"], ""),
    ("no object", [], _AT, "not_an_object"),
    ("an unknown criterion", {"everybody": True}, _AT, "unknown_field"),
]


@pytest.mark.parametrize(
    ("criteria", "place", "kind"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_an_audience_that_is_none_is_a_validation_error(
    http: httpx.Client, unified: httpx.Client, criteria: Any, place: list[Any], kind: str
) -> None:
    answer = unified.post(PATH, json=json.loads(BY_KEYWORD) | {"bulk_settings": criteria})
    assert answer.status_code == 422
    (item, *_) = answer.json()["detail"]
    assert item["loc"][: len(place)] == place
    assert item["type"] == kind or not kind
    assert messages(http) == {}


def test_a_message_that_nobody_can_be_sent_is_a_validation_error(
    http: httpx.Client, unified: httpx.Client
) -> None:
    body = json.loads(BY_ASSIGNEES)
    del body["message_data"]["subject"]
    answer = unified.post(PATH, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "message_data", "subject"]
    assert messages(http) == {}


@pytest.mark.parametrize("example", EXAMPLES)
def test_another_tenants_people_are_not_meant(
    anonymous: httpx.Client, stranger: Caller, http: httpx.Client, example: str
) -> None:
    made = anonymous.post(
        "/v1/senders",
        json={"address": "news@example.org", "is_default": True},
        headers=stranger.headers,
    )
    assert made.status_code == 201
    path = f"/unified{PATH}"
    answer = anonymous.post(path, content=EXAMPLES[example], headers=stranger.headers)
    total, sent, failed, _ = counts(answer)
    # Lead ids that nobody has are lost; of the others there is nobody.
    assert (total, sent, failed) == ((3, 0, 3) if example == "leads" else (0, 0, 0))
    assert messages(http) == {}


def test_a_repeated_key_writes_to_nobody_twice(http: httpx.Client, unified: httpx.Client) -> None:
    key = {"Idempotency-Key": "team-1"}
    first = unified.post(PATH, content=BY_ASSIGNEES, headers=key)
    late = {"ref": "late", "emails": ["late@example.com"], "assignee": "user-uuid-1"}
    assert http.post("/v1/contacts", json=late).status_code == 201
    again = unified.post(PATH, content=BY_ASSIGNEES, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(messages(http)) == 2


def test_a_channel_may_be_named_without_a_placeholder(
    http: httpx.Client, unified: httpx.Client
) -> None:
    body = {
        "sender_type": "sms",
        "bulk_settings": {"assignees": ["user-uuid-1"]},
        "message_data": {"content": "Hi"},
    }
    assert counts(unified.post(PATH, json=body)) == (1, 1, 0, 100.0)
    assert set(messages(http)) == {"+12025550101"}
