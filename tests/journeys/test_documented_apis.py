"""The documents' own requests, with curl, against a running Posthorn: only base URL and key are other."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.journeys.household import Household, poll

pytestmark = pytest.mark.stack

PHONE = "+12025550171"
LEADSAIL = """{    "leadId": "lead_abc123",    "message": "Hi John, just following up on your inquiry."  }"""
LEADPING = """
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


def curl(posthorn: Household, path: str, body: str, *headers: str) -> tuple[int, Any]:
    """What curl is told: the status, and the body."""
    key = posthorn.address.api_key
    said = [f"X-API-Key: {key}", "Content-Type: application/json", *headers]
    words = ["curl", "--silent", "--request", "POST", "--url", posthorn.address.url + path]
    words += [word for header in said for word in ("--header", header)]
    words += ["--data", body, "--write-out", "\n%{http_code}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text)


@pytest.fixture(scope="module")
def api(posthorn: Household) -> Any:
    headers = {"Authorization": f"Bearer {posthorn.address.api_key}"}
    with httpx.Client(base_url=posthorn.address.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def thread(posthorn: Household, api: httpx.Client) -> str:
    """The lead of LeadSail's document is there; the conversation with it."""
    made = api.post("/v1/contacts", json={"ref": "lead_abc123", "phones": [PHONE]})
    assert made.status_code in {200, 201}, made.text
    status, body = curl(posthorn, "/leadsail/api/v1/sms/send", LEADSAIL)
    assert status == 200, body
    return str(body["data"]["interactionId"])


def test_leadsails_example_is_sent_for_whoever_waits(posthorn: Household, thread: str) -> None:
    status, body = curl(posthorn, "/leadsail/api/v1/sms/send", LEADSAIL, "Prefer: wait=20")
    assert (status, body["success"], set(body["data"])) == (
        200,
        True,
        {"messageId", "status", "interactionId"},
    )
    assert body["data"]["status"] in {"sent", "delivered"}
    assert body["data"]["interactionId"] == thread
    found = posthorn.until(body["data"]["messageId"], "delivered")
    assert (found["to"], found["lead"]) == (PHONE, "lead_abc123")


def test_leadpings_example_is_sent_once_its_places_are_filled(
    posthorn: Household, api: httpx.Client, thread: str
) -> None:
    assert curl(posthorn, "/leadping/sms/send", LEADPING)[0] == 404
    (number, *_) = api.get("/v1/senders", params={"channel": "sms"}).json()["data"]
    body = LEADPING.replace('"conversationId": "<string>"', f'"conversationId": "{thread}"')
    body = body.replace('"fromPhoneNumberId": "<string>"', f'"fromPhoneNumberId": "{number["id"]}"')
    status, found = curl(posthorn, "/leadping/sms/send", body, "Prefer: wait=20")
    assert (status, len(found)) == (201, 39)
    assert found["status"] in {"sent", "delivered"}
    assert found["providerMessageId"]
    assert found["fromPhoneNumber"] == number["address"]
    assert (found["selectionReason"], found["complianceAction"]) == ("ManualOverride", "allow")
    assert (found["outboundPhoneNumberId"], found["retryCount"]) == (number["id"], "0")
    assert found["sentAt"]
    again = curl(posthorn, "/leadping/sms/send", body)
    assert (again[0], again[1]["id"]) == (201, found["id"])


def test_a_use_case_is_sent_for_and_followed(posthorn: Household, api: httpx.Client) -> None:
    use_case = posthorn.json("use-cases", "add", "journey")["id"]
    asked = {"use_case_id": use_case, "to_phone_number": "+12025550172", "message": "Hi"}
    status, found = curl(posthorn, "/usecase/v1/sms/", json.dumps(asked))
    assert (status, found["status"], found["from_number"]) == (201, "pending", None)

    def delivered() -> Any:
        now = api.get(f"/usecase/v1/sms/{found['id']}").json()
        return now if now["status"] == "delivered" else None

    now = poll(delivered, "it is not delivered", 30.0)
    assert now["from_number"]
    assert now["message_sid"] != found["id"]
    assert now["num_segments"] == 1
    assert now["handed_off_at"] <= now["delivered_at"]
    assert posthorn.run("use-cases", "change", use_case, "--inactive").returncode == 0
    assert "journey" in posthorn.run("use-cases", "list").stdout
    assert curl(posthorn, "/usecase/v1/sms/", json.dumps(asked))[0] == 422
    assert posthorn.run("use-cases", "remove", use_case).returncode == 0
    assert curl(posthorn, "/usecase/v1/sms/", json.dumps(asked)) == (
        404,
        {"detail": "SMS use case not found or has been deleted", "code": "not_found"},
    )


def test_a_receipt_at_the_documents_address_is_believed_if_it_is_signed(
    posthorn: Household, api: httpx.Client
) -> None:
    path = "/usecase/v1/webhook/twilio/sms-status"
    form = {"AccountSid": "AC" + "0" * 32, "MessageSid": "SM" + "0" * 32, "MessageStatus": "sent"}
    signature = str(RequestValidator("wrong").compute_signature(posthorn.address.url + path, form))
    answer = api.post(path, data=form, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 403
