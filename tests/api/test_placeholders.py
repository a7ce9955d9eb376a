"""What the unified document writes where nobody is meant is nobody's address, at any door."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging import campaigns, expansion
from messaging.runtime import Runtime
from tests.api.conftest import Caller

NUMBER, EMAIL = "+1234567890", "placeholder@example.com"
MAIL = {"channel": "email", "subject": "Hello", "body": "Hi"}
DATA = {"content": "Hi", "subject": "Hello"}


@pytest.fixture(autouse=True)
def by_mail(rt: Runtime, http: httpx.Client) -> None:
    made = http.post("/v1/senders", json={"address": "news@example.com", "is_default": True})
    assert made.status_code == 201, made.text
    rt._directory.clear()


DOORS: list[tuple[str, Any]] = [
    ("/v1/messages", {"to": NUMBER, "body": "Hi"}),
    ("/v1/messages", MAIL | {"to": EMAIL}),
    ("/v1/messages", MAIL | {"to": "Placeholder@EXAMPLE.com"}),
    ("/v1/messages", [MAIL | {"to": EMAIL}]),
    ("/v1/messages", {"to": "+12025550123", "body": "Hi", "fallback": MAIL | {"to": EMAIL}}),
    ("/v1/campaigns", {"name": "s", "body": "Hi", "recipients": [{"to": NUMBER}]}),
    ("/unified/api/messaging/send", {"message_data": DATA | {"recipient": EMAIL}}),
    ("/unified/api/messaging/send", {"message_data": {"content": "Hi", "recipient": NUMBER}}),
    ("/leadsail/api/v1/sms/send", {"leadId": "ana", "message": "Hi", "to": NUMBER}),
]


@pytest.mark.parametrize(("path", "body"), DOORS)
def test_no_door_takes_a_message_to_it(http: httpx.Client, path: str, body: Any) -> None:
    assert http.post("/v1/contacts", json={"ref": "ana", "emails": [EMAIL]}).status_code == 201
    answer = http.post(path, json=body)
    assert answer.status_code in {400, 422}, answer.text
    assert http.get("/v1/messages").json()["data"] == []


def test_a_use_case_does_not_either(http: httpx.Client) -> None:
    use_case = http.post("/v1/use-cases", json={"name": "alerts", "pool": "main"}).json()["id"]
    asked = {"use_case_id": use_case, "to_phone_number": NUMBER, "message": "Hi"}
    assert http.post("/usecase/v1/sms/", json=asked).status_code == 422


def test_a_list_of_liguelead_counts_it_as_invalid(http: httpx.Client, caller: Caller) -> None:
    headers = {"api-token": caller.key, "app-id": str(caller.tenant.id)}
    body = {"title": "s", "message": "Hi", "phones": [NUMBER]}
    assert http.post("/liguelead/v1/sms", json=body, headers=headers).status_code in {400, 422}


def test_a_number_that_is_none_is_no_contacts(http: httpx.Client) -> None:
    assert http.post("/v1/contacts", json={"ref": "x", "phones": [NUMBER]}).status_code == 422


@pytest.mark.parametrize("named", ["audience", "recipients"])
def test_a_campaign_passes_over_who_has_it(
    rt: Runtime, caller: Caller, http: httpx.Client, named: str
) -> None:
    for ref, address in (("ana", "ana@example.com"), ("nobody", EMAIL)):
        contact = {"ref": ref, "emails": [address], "assignee": "team"}
        assert http.post("/v1/contacts", json=contact).status_code == 201
    to: dict[str, Any] = {
        "audience": {"assignees": ["team"]},
        "recipients": [{"to": "ana@example.com"}, {"to": EMAIL}],
    }
    body = MAIL | {"name": "spring", "category": "TRANSACTIONAL", named: to[named]}
    made = http.post("/v1/campaigns", json=body)
    assert made.status_code == 201, made.text
    id_ = made.json()["id"]
    assert http.post(f"/v1/campaigns/{id_}/start").is_success
    while not campaigns.get(rt, caller.tenant, id_)[1].by_status:
        expansion.run(rt)
    people = http.get(f"/v1/campaigns/{id_}/recipients").json()["data"]
    assert {(one["to"], one["state"], one["reason"]) for one in people} == {
        ("ana@example.com", "queued", None),
        (EMAIL, "skipped", "placeholder"),
    }
