"""The documents' own requests to one person, with curl, against a running Posthorn and its workers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.sandbox import DEFAULT_ACCOUNT
from tests.journeys.documents import LEADPING, LEADSAIL, curl, shell, with_key
from tests.journeys.household import Household, poll

pytestmark = pytest.mark.stack

PHONE = "+12025550176"
PRICE = "0.007900"
"""What a text costs the tenant of `posthorn up`."""


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
    status, body = curl(posthorn, "/leadsail/api/v1/sms/send", LEADSAIL, "Prefer: wait=30")
    assert (status, body["success"], set(body["data"])) == (
        200,
        True,
        {"messageId", "status", "interactionId"},
    )
    assert body["data"]["status"] in {"sent", "delivered"}
    assert body["data"]["interactionId"] == thread
    found = posthorn.until(body["data"]["messageId"], "delivered")
    assert (found["to"], found["lead"]) == (PHONE, "lead_abc123")


@pytest.mark.usefixtures("thread")
@pytest.mark.parametrize(
    ("key", "body", "status", "error"),
    [
        ("none", LEADSAIL, 401, {"code": "UNAUTHORIZED", "message": "Authentication required"}),
        (
            None,
            LEADSAIL.replace("lead_abc123", "nobody"),
            404,
            {"code": "NOT_FOUND", "message": "Resource not found"},
        ),
        (
            None,
            '{"leadId": "lead_abc123", "message": ""}',
            400,
            {
                "code": "VALIDATION_ERROR",
                "message": "Invalid input data",
                "details": ["message: must have at least 1 characters"],
            },
        ),
    ],
)
def test_leadsails_errors_are_its_documents(
    posthorn: Household, key: str | None, body: str, status: int, error: Any
) -> None:
    assert curl(posthorn, "/leadsail/api/v1/sms/send", body, key=key) == (
        status,
        {"success": False, "error": error},
    )


def test_leadpings_example_is_sent_once_its_places_are_filled(
    posthorn: Household, api: httpx.Client, thread: str
) -> None:
    here = LEADPING.replace("https://api.leadping.ai", f"{posthorn.address.url}/leadping")
    assert shell(here)[0] == 401
    assert shell(with_key(posthorn, here))[0] == 404
    senders = api.get("/v1/senders").json()["data"]
    number = next(sender for sender in senders if sender["channel"] == "sms")
    filled = here.replace('"conversationId": "<string>"', f'"conversationId": "{thread}"').replace(
        '"fromPhoneNumberId": "<string>"', f'"fromPhoneNumberId": "{number["id"]}"'
    )
    status, found = shell(with_key(posthorn, filled, "Prefer: wait=30"))
    assert (status, len(found)) == (201, 39)
    assert found["status"] in {"sent", "delivered"}
    assert found["providerMessageId"]
    assert found["fromPhoneNumber"] == number["address"]
    assert (found["selectionReason"], found["complianceAction"]) == ("ManualOverride", "allow")
    assert (found["outboundPhoneNumberId"], found["retryCount"]) == (number["id"], "0")
    assert (found["conversationId"], found["leadId"]) == (thread, "lead_abc123")
    assert (found["billableAmount"], found["billingStatus"]) in {
        (PRICE, "reserved"),
        (PRICE, "settled"),
    }
    assert found["tenDlcCampaignId"]
    times = [found[name] for name in ("createdAt", "queuedAt", "sendingStartedAt", "sentAt")]
    assert times == sorted(times)
    again = shell(with_key(posthorn, filled))
    assert (again[0], again[1]["id"]) == (201, found["id"])

    def delivered() -> Any:
        now = api.get(f"/leadping/sms/{found['id']}").json()
        return now if now["status"] == "delivered" else None

    assert poll(delivered, "it is not delivered", 30.0)["deliveredAt"] >= found["sentAt"]


@pytest.fixture(scope="module")
def use_case(posthorn: Household) -> str:
    return str(posthorn.json("use-cases", "add", "journey")["id"])


@pytest.fixture(scope="module")
def by_use_case(posthorn: Household, api: httpx.Client, use_case: str) -> Any:
    """A message of the use case, delivered."""
    asked = {"use_case_id": use_case, "to_phone_number": "+12025550172", "message": "Hi"}
    status, found = curl(posthorn, "/usecase/v1/sms/", json.dumps(asked))
    assert (status, found["status"], found["from_number"]) == (201, "pending", None)
    assert (found["num_segments"], found["handed_off_at"]) == (None, None)

    def delivered() -> Any:
        now = api.get(f"/usecase/v1/sms/{found['id']}").json()
        return now if now["status"] == "delivered" else None

    return poll(delivered, "it is not delivered", 30.0)


def test_a_use_case_is_sent_for_and_followed(by_use_case: Any) -> None:
    assert by_use_case["from_number"]
    assert by_use_case["message_sid"].startswith("SM")
    assert (by_use_case["num_segments"], by_use_case["error_code"]) == (1, None)
    assert by_use_case["handed_off_at"] <= by_use_case["delivered_at"]


def test_who_waits_for_a_use_cases_message_hears_of_the_carrier(
    posthorn: Household, use_case: str
) -> None:
    asked = {"use_case_id": use_case, "to_phone_number": "+12025550173", "message": "Hi"}
    status, found = curl(posthorn, "/usecase/v1/sms/", json.dumps(asked), "Prefer: wait=30")
    assert (status, found["status"] in {"sent", "delivered"}) == (201, True)
    assert found["from_number"]
    assert found["handed_off_at"]


def test_a_receipt_at_the_documents_address_is_believed_if_it_is_signed(
    posthorn: Household, api: httpx.Client, by_use_case: Any
) -> None:
    path = "/usecase/v1/webhook/twilio/sms-status"
    form = {"AccountSid": DEFAULT_ACCOUNT.sid, "MessageStatus": "sent"}

    def answer(sid: str, secret: str) -> int:
        said = form | {"MessageSid": sid, "SmsSid": sid}
        signer = RequestValidator(secret)
        signature = str(signer.compute_signature(posthorn.address.url + path, said))
        return api.post(path, data=said, headers={"X-Twilio-Signature": signature}).status_code

    unknown, known = "SM" + "0" * 32, by_use_case["message_sid"]
    assert answer(known, "wrong") == 403
    assert [answer(unknown, DEFAULT_ACCOUNT.token) for _ in range(2)] == [204, 204]
    assert answer(known, DEFAULT_ACCOUNT.token) == 204  # late: it is delivered, and stays that
    now = api.get(f"/usecase/v1/sms/{by_use_case['id']}").json()
    assert (now["status"], now["delivered_at"]) == ("delivered", by_use_case["delivered_at"])


def test_a_use_case_that_is_switched_off_or_gone_sends_nothing(posthorn: Household) -> None:
    use_case = posthorn.json("use-cases", "add", "brief")["id"]
    asked = {"use_case_id": use_case, "to_phone_number": "+12025550172", "message": "Hi"}
    assert posthorn.run("use-cases", "change", use_case, "--inactive").returncode == 0
    assert "brief" in posthorn.run("use-cases", "list").stdout
    assert curl(posthorn, "/usecase/v1/sms/", json.dumps(asked))[0] == 422
    assert posthorn.run("use-cases", "remove", use_case).returncode == 0
    assert curl(posthorn, "/usecase/v1/sms/", json.dumps(asked)) == (
        404,
        {"detail": "SMS use case not found or has been deleted", "code": "not_found"},
    )
