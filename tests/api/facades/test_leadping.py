"""Leadping's document: its request, the 39 properties and their types, fourteen statuses, one SMS an event."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.runtime import Runtime
from messaging.store import conversations
from messaging.store import tables as t
from tests.api.conftest import Caller
from tests.api.facades.leadping_calls import PATH, a_thread, post, sent
from tests.api.facades.people import PHONE, lead, shape_of

__all__ = ["a_thread"]
EXAMPLE = b"""
{
  "smsEventId": "<string>",
  "scheduledFor": "2023-11-07T05:31:56Z",
  "conversationId": "<string>",
  "fromPhoneNumberId": "<string>",
  "wasManuallyOverridden": true,
  "campaignId": "<string>",
  "sourceId": "<string>",
  "text": "<string>"
}
"""
"""The body of the document's request, as it stands there."""
TEXTS = """conversationId leadId fromPhoneNumberId outboundPhoneNumberId text retryCount id createdAt
    trafficType status"""
MAYBE = """telnyxId providerMessageId fromPhoneNumber selectionReason campaignId sourceId
    statusReason queuedAt scheduledFor scheduledReason sendingStartedAt sentAt deliveredAt receivedAt
    failedAt undeliverableAt blockedAt nextRetryAt canceledAt cancelReason errorCode errorMessage
    billableAmount billingStatus tenDlcCampaignId complianceAction modifiedAt"""
FLAGS = "wasManuallyOverridden isWarmup"


def wrong(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert set(body) == {"status", "title", "detail", "code", "errors"}
    return [(e["field"], e["code"]) for e in body["errors"]]


def test_the_answer_has_the_39_properties_with_their_types(http: httpx.Client, thread: str) -> None:
    found = sent(http, thread)
    assert sorted(found) == sorted(f"{TEXTS} {MAYBE} {FLAGS}".split())
    assert len(found) == 39
    types = shape_of(found)
    assert {types[name] for name in TEXTS.split()} == {"str"}
    assert {types[name] for name in MAYBE.split()} <= {"str", "NoneType"}
    assert {types[name] for name in FLAGS.split()} == {"bool"}
    assert re.fullmatch(r"-?(?:0|[1-9]\d*)", found["retryCount"])
    assert (found["status"], found["leadId"], found["text"]) == ("queued", "lead_abc123", "Hi")
    assert (found["conversationId"], found["trafficType"]) == (thread, "RealLead")
    assert (found["campaignId"], found["sourceId"]) == ("spring", "web")
    again = http.get(f"/leadping/sms/{found['id']}")
    assert (again.status_code, again.json()) == (200, found)


def test_the_example_is_of_nobody_until_it_names_somebody(
    http: httpx.Client, caller: Caller, thread: str
) -> None:
    answer = http.post(PATH, content=EXAMPLE, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    body = EXAMPLE.decode()
    for name, value in (("conversationId", thread), ("fromPhoneNumberId", str(caller.sender.id))):
        body = body.replace(f'"{name}": "<string>"', f'"{name}": "{value}"')
    answer = http.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["text"], found["campaignId"], found["sourceId"]) == ("<string>",) * 3
    assert found["status"] == "queued"  # its time has passed
    assert found["fromPhoneNumberId"] == str(caller.sender.id)
    assert found["wasManuallyOverridden"] is True


def test_one_event_is_one_sms(http: httpx.Client, thread: str) -> None:
    first = post(http, thread, smsEventId="evt_1")
    again = post(http, thread, smsEventId="evt_1")
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert sent(http, thread, smsEventId="evt_2")["id"] != first.json()["id"]
    other = post(http, thread, smsEventId="evt_1", text="another text")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_it_can_be_for_later(http: httpx.Client, rt: Runtime, thread: str) -> None:
    later = (rt.now() + timedelta(days=1)).isoformat()
    found = sent(http, thread, scheduledFor=later)
    assert (found["status"], found["scheduledReason"]) == ("scheduled", "requested")
    assert datetime.fromisoformat(found["scheduledFor"]) == datetime.fromisoformat(later)
    assert found["statusReason"]


def test_what_the_caller_says_of_it_is_kept(http: httpx.Client, thread: str) -> None:
    found = sent(
        http, thread, campaignId="autumn", sourceId="fair", selectionReason="LocalArea",
        trafficType="Test",
    )  # fmt: skip
    assert [found[n] for n in ("campaignId", "sourceId", "trafficType", "selectionReason")] == [
        "autumn", "fair", "Test", None,
    ]  # fmt: skip


def test_a_number_that_is_only_proposed_is_shown_and_not_forced(
    http: httpx.Client, caller: Caller, thread: str
) -> None:
    found = sent(http, thread, fromPhoneNumberId="+12025550199")
    assert found["fromPhoneNumberId"] == str(caller.sender.id)
    assert (found["wasManuallyOverridden"], found["outboundPhoneNumberId"]) == (False, "")
    found = sent(http, thread, fromPhoneNumberId="+12025550199", selectionReason="ManualOverride")
    assert found["wasManuallyOverridden"] is True


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": ""}, ("text", "too_short")),
        ({"text": "x" * 1601}, ("text", "too_long")),
        ({"text": None}, ("text", "not_text")),
        ({"selectionReason": "Luck"}, ("selectionReason", "not_allowed")),
        ({"scheduledFor": "tomorrow"}, ("scheduledFor", "not_valid")),
        ({"scheduledFor": "2030-01-31T09:00:00"}, ("scheduledFor", "no_time_zone")),
        ({"scheduledFor": "2999-01-01T00:00:00Z"}, ("scheduledFor", "too_far_ahead")),
        ({"wasManuallyOverridden": True}, ("fromPhoneNumberId", "required")),
        ({"fromPhoneNumberId": "x"}, ("fromPhoneNumberId", "unknown_sender")),
        (
            {"wasManuallyOverridden": True, "fromPhoneNumberId": "x"},
            ("fromPhoneNumberId", "unknown_sender"),
        ),
        ({"wasManuallyOverridden": "perhaps"}, ("wasManuallyOverridden", "not_valid")),
    ],
)
def test_what_is_wrong_is_told_by_its_own_names(
    http: httpx.Client, thread: str, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert wrong(post(http, thread, **fields)) == [expected]


def test_a_conversation_is_found_by_whom_it_is_with(
    rt: Runtime, http: httpx.Client, caller: Caller
) -> None:
    known = lead(rt, caller, ref=None)
    with rt.engine.begin() as db:
        row = db.execute(
            sa.select(t.contact_addresses.c.recipient_key).where(
                t.contact_addresses.c.contact_id == known.id,
                t.contact_addresses.c.channel == "sms",
            )
        ).scalar_one()
        of = caller.sender
        thread = conversations.join(db, rt.new_id(), caller.tenant.id, of.channel, row, None)
    found = sent(http, str(thread))  # nothing was ever said in it
    assert found["leadId"] == str(known.id)
    assert http.get(f"/v1/messages/{found['id']}").json()["to"] == PHONE


def test_a_conversation_whose_number_nobody_knows_is_told(
    rt: Runtime, http: httpx.Client, caller: Caller
) -> None:
    with rt.engine.begin() as db:
        thread = conversations.join(
            db, rt.new_id(), caller.tenant.id, caller.sender.channel, b"\1" * 32, None
        )
    assert wrong(post(http, str(thread))) == [("conversationId", "no_address")]


def test_who_opted_out_is_told_of(http: httpx.Client, thread: str) -> None:
    http.post("/v1/suppressions", json={"to": PHONE})
    answer = post(http, thread)
    assert (answer.status_code, answer.json()["code"]) == (422, "opted_out")


def test_of_another_tenants_nothing_is_found(
    http: httpx.Client, address: str, thread: str, stranger: Caller
) -> None:
    mine = sent(http, thread)["id"]
    with httpx.Client(base_url=address, headers=stranger.headers) as foreign:
        assert post(foreign, thread).status_code == 404
        assert foreign.get(f"/leadping/sms/{mine}").status_code == 404
    for nowhere in ("none", "a%0Ab", "%0A"):
        answer = http.get(f"/leadping/sms/{nowhere}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/json"


def test_without_a_key_it_is_unauthorized(anonymous: httpx.Client) -> None:
    answer = anonymous.post(PATH, content=EXAMPLE)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
