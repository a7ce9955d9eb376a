"""The unified document's examples on every channel, with curl, against a running Posthorn and its workers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from messaging.runtime import STALE_FOR
from messaging.sandbox import INSTAGRAM_ACCOUNT
from tests.api.facades.unified_document import (
    BY_ASSIGNEES,
    BY_FILTERS,
    BY_KEYWORD,
    BY_LEADS,
    EMAIL,
    INSTAGRAM,
    LEADS,
    PATH,
    PERSON,
    SENDER,
    SMS,
    VALID_SMS,
)
from tests.journeys.documents import curl
from tests.journeys.household import Household, poll

pytestmark = pytest.mark.stack

HERE = f"/unified{PATH}"
FIELDS = [
    "success", "message_id", "channel_used", "provider_used", "provider_message_id", "status", "cost",
    "sent_at",
]  # fmt: skip
PEOPLE: list[dict[str, Any]] = [
    {
        "ref": LEADS[0],
        "first_name": "Esther",
        "company": "Enterprise Customers Ltd",
        "emails": ["esther@example.com"],
        "phones": ["+12025550174"],
        "tags": ["Import 10/05/25"],
        "assignee": "user-uuid-1",
    },
    {
        "ref": LEADS[1],
        "first_name": "Stan",
        "company": "ENTERPRISE customers",
        "emails": ["stan@example.com"],
        "phones": ["+12025550175"],
        "tags": ["Import 10/05/25", "vip"],
        "assignee": "user-uuid-2",
    },
    {"ref": LEADS[2], "first_name": "Austin", "tags": ["Import 10/05/25"]},
]


@pytest.fixture(scope="module")
def api(posthorn: Household) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {posthorn.address.api_key}"}
    with httpx.Client(base_url=posthorn.address.url, headers=headers, timeout=30) as client:
        yield client


def named(api: httpx.Client, example: str, channel: str) -> str:
    """An example with the id of a sender of ours in the place of its own."""
    senders = api.get("/v1/senders").json()["data"]
    return example.replace(SENDER, next(s["id"] for s in senders if s["channel"] == channel))


def sent(posthorn: Household, example: str) -> Any:
    """What somebody is answered who waits for the provider; the message is delivered afterwards."""
    status, body = curl(posthorn, HERE, example, "Prefer: wait=30")
    assert status == 200, body
    assert list(body)[: len(FIELDS)] == FIELDS
    assert (body["success"], body["status"] in {"SENT", "DELIVERED"}) == (True, True), body
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["sent_at"])
    found = posthorn.until(body["message_id"], "delivered")
    assert body["provider_message_id"] == found["provider_message_id"]
    return body


def test_the_email_example_is_sent_and_delivered(posthorn: Household) -> None:
    body = sent(posthorn, EMAIL)
    assert (body["channel_used"], body["provider_used"], body["cost"]) == (
        "EMAIL",
        "sendgrid",
        0.001,
    )
    assert list(body) == FIELDS


def test_the_sms_example_is_refused_until_it_names_a_number(
    posthorn: Household, api: httpx.Client
) -> None:
    status, body = curl(posthorn, HERE, named(api, SMS, "sms"))
    (problem,) = body["detail"]
    assert (status, problem["loc"]) == (422, ["body", "message_data", "recipient"])
    body = sent(posthorn, named(api, VALID_SMS, "sms"))
    assert (body["channel_used"], body["provider_used"], body["cost"]) == ("SMS", "twilio", 0.0079)
    assert body["contact_id"] == "11111111-0001-0001-0001-000000000001"
    assert body["metadata"] == {"campaign_id": "spring_promo", "sent_by": "SMS Test"}


def test_the_instagram_example_goes_to_who_has_written(
    posthorn: Household, api: httpx.Client
) -> None:
    example = named(api, INSTAGRAM, "instagram_dm")
    status, body = curl(posthorn, HERE, example)
    assert (status, body["detail"][0]["type"]) == (422, "outside_window")
    says = {"from": PERSON, "to": INSTAGRAM_ACCOUNT.sid, "body": "Do you ship to Lisbon?"}
    says["account"] = INSTAGRAM_ACCOUNT.sid
    told = httpx.post(f"{posthorn.address.sandbox_url}/sandbox/inbound", json=says, timeout=30)
    assert told.json()["answered"] == 204, told.text
    body = sent(posthorn, example)
    assert (body["channel_used"], body["provider_used"], body["cost"]) == (
        "INSTAGRAM_DM",
        "instagram",
        0.005,
    )
    picture = posthorn.until(body["image_message_id"], "delivered")
    assert picture["media"] == ["https://example.com/promo.jpg"]


@pytest.fixture(scope="module")
def people(api: httpx.Client) -> Iterator[None]:
    """Those the examples mean; they want to hear offers."""
    before = api.get("/v1/policy").json()["postal_address"]
    api.patch("/v1/policy", json={"postal_address": "1 Main St, Springfield"}).raise_for_status()
    for person in PEOPLE:
        api.post("/v1/contacts", json=person).raise_for_status()
        for channel, to in (("email", "emails"), ("sms", "phones")):
            for address in person.get(to, ()):
                consent = {"to": address, "channel": channel, "action": "grant"}
                consent |= {"basis": "express_written", "source": "web"}
                api.post("/v1/consents", json=consent).raise_for_status()
    time.sleep(2 * STALE_FOR.total_seconds())  # by then every worker knows the policy
    yield
    api.patch("/v1/policy", json={"postal_address": before}).raise_for_status()


@pytest.mark.parametrize(
    ("example", "counts", "to"),
    [
        (BY_LEADS, (3, 2, 1, 66.67), {"esther@example.com", "stan@example.com"}),
        (BY_KEYWORD, (2, 2, 0, 100.0), {"+12025550174", "+12025550175"}),
        (BY_FILTERS, (3, 2, 1, 66.67), {"esther@example.com", "stan@example.com"}),
        (BY_ASSIGNEES, (2, 2, 0, 100.0), {"esther@example.com", "stan@example.com"}),
    ],
    ids=["leads", "keyword", "filters", "assignees"],
)
@pytest.mark.usefixtures("people")
def test_a_bulk_example_is_counted_and_sent_to_whom_it_means(
    posthorn: Household, api: httpx.Client, example: str, counts: tuple[Any, ...], to: set[str]
) -> None:
    status, body = curl(posthorn, HERE, example)
    assert status == 200, body
    documented = ("total_leads", "messages_sent", "messages_failed", "success_rate")
    assert tuple(body[name] for name in documented) == counts
    campaign = f"bulk {body['campaign_id']}"

    def gone() -> list[Any] | None:
        listed = api.get("/v1/messages", params={"limit": 200}).json()["data"]
        listed = [message for message in listed if message["campaign"] == campaign]
        # Offers by text wait for the hour in which somebody may be written to.
        over = {"delivered", "scheduled"} if example == BY_KEYWORD else {"delivered"}
        return listed if {message["status"] for message in listed} <= over else None

    assert {message["to"] for message in poll(gone, "some are under way", 30.0)} == to
