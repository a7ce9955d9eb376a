"""Twilio's receipts at the use-case document's address, against a running Posthorn: signed, they move a message."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.sandbox import DEFAULT_ACCOUNT
from tests.journeys.documents import curl
from tests.journeys.household import Household, poll

pytestmark = pytest.mark.stack

PATH = "/usecase/v1/webhook/twilio/sms-status"
SILENT = "+12025550197"
"""The sandbox takes what is sent to it, and posts no receipt."""


def test_a_signed_receipt_moves_a_message_and_a_tampered_one_does_not(posthorn: Household) -> None:
    use_case = str(posthorn.json("use-cases", "add", "receipts")["id"])
    asked = {"use_case_id": use_case, "to_phone_number": SILENT, "message": "Hi"}
    status, sent = curl(posthorn, "/usecase/v1/sms/", json.dumps(asked), "Prefer: wait=30")
    assert (status, sent["status"], sent["delivered_at"]) == (201, "sent", None)
    form = {"AccountSid": DEFAULT_ACCOUNT.sid, "MessageSid": sent["message_sid"]}
    form |= {"SmsSid": sent["message_sid"], "MessageStatus": "delivered", "To": SILENT}
    signer = RequestValidator(DEFAULT_ACCOUNT.token)
    signature = str(signer.compute_signature(posthorn.address.url + PATH, form))

    headers = {"X-API-Key": str(posthorn.address.api_key)}
    with httpx.Client(base_url=posthorn.address.url, headers=headers, timeout=30) as api:

        def answer(said: dict[str, str], **signed: str) -> int:
            there = {"X-Twilio-Signature": signed.get("signature", signature)}
            return api.post(PATH, data=said, headers=there).status_code

        def now() -> Any:
            return api.get(f"/usecase/v1/sms/{sent['id']}").json()

        tampered = [
            form | {"MessageStatus": "undelivered", "ErrorCode": "30003"},
            form | {"MessageStatus": "failed"},
            form | {"MessageSid": "SM" + "0" * 32},
            form | {"To": "+12025550143"},
        ]
        assert [answer(said) for said in tampered] == [403] * len(tampered)
        assert answer(form, signature=signature[::-1]) == 403
        assert answer(form, signature="") == 403
        assert now() == sent
        events = api.get(f"/v1/messages/{sent['id']}/events").json()
        assert "delivered" not in json.dumps(events)

        assert answer(form) == 204
        moved = poll(lambda: now() if now()["delivered_at"] else None, "it is not delivered", 30.0)
        assert (moved["status"], moved["error_code"]) == ("delivered", None)
        assert moved["handed_off_at"] == sent["handed_off_at"] <= moved["delivered_at"]
        # The same again, and what would take it back, change nothing.
        assert answer(form) == 204
        assert now() == moved
