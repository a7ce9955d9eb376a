"""The unified document's messages to one person, word for word, against the application."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from messaging import dispatch, outcomes
from messaging.dispatch import Summary
from messaging.domain.message import Queue
from messaging.runtime import Runtime
from messaging.window import Window
from tests.api.conftest import Caller
from tests.api.facades.unified_calls import (
    TEXT,
    become,
    hear,
    kept,
    on_every_channel,
    queued,
    unified,
)
from tests.api.facades.unified_document import (
    EMAIL,
    INSTAGRAM,
    PATH,
    PERSON,
    SENDER,
    SMS,
    VALID_SMS,
)
from tests.carrier import Carrier
from tests.world import poll

__all__ = ["on_every_channel", "unified"]


def test_the_email_example(http: httpx.Client, unified: httpx.Client) -> None:
    answer = unified.post(PATH, content=EMAIL)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body == queued(body["message_id"], "EMAIL")
    message = http.get(f"/v1/messages/{body['message_id']}").json()
    expected = {
        "to": "customer@example.com",
        "channel": "email",
        "subject": "Welcome to our service!",
        "body": "Thank you for signing up.",
        "html": "<h1>Welcome!</h1><p>Thank you for signing up.</p>",
        "from_name": "Acme Support Team",
        "category": "TRANSACTIONAL",
        "priority": "HIGH",
    }
    assert expected.items() <= message.items()


def test_the_sms_example_names_no_number(
    rt: Runtime, caller: Caller, http: httpx.Client, unified: httpx.Client
) -> None:
    become(rt, caller, "+12025550199")
    answer = unified.post(PATH, content=SMS)
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["body", "message_data", "recipient"]
    assert problem["type"] == "not_possible"
    assert kept(http) == []


def test_the_sms_example_with_a_number(
    rt: Runtime, caller: Caller, http: httpx.Client, unified: httpx.Client
) -> None:
    become(rt, caller, "+12025550199")
    answer = unified.post(PATH, content=VALID_SMS)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    contact = "11111111-0001-0001-0001-000000000001"
    metadata = {"campaign_id": "spring_promo", "sent_by": "SMS Test"}
    echoed = {"contact_id": contact, "metadata": metadata}
    assert body == queued(body["message_id"], "SMS") | echoed
    (message,) = kept(http)
    expected = {"metadata": metadata, "lead": contact, "category": "TRANSACTIONAL"}
    assert expected.items() <= message.items()
    assert message["requested_sender_id"] == SENDER


def test_the_instagram_example(
    rt: Runtime, caller: Caller, http: httpx.Client, unified: httpx.Client
) -> None:
    become(rt, caller, "17841400000000000")
    refused = unified.post(PATH, content=INSTAGRAM)
    assert refused.status_code == 422  # nobody has written to us
    (problem,) = refused.json()["detail"]
    assert (problem["loc"], problem["type"]) == (
        ["body", "message_data", "recipient"],
        "outside_window",
    )
    hear(rt, caller)
    answer = unified.post(PATH, content=INSTAGRAM)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    more = {
        "image_message_id": body["image_message_id"],
        "contact_id": "11111111-0001-0001-0001-000000000001",
    }
    assert body == queued(body["message_id"], "INSTAGRAM_DM") | more
    said = {m["id"]: (m["to"], m["body"], m["media"]) for m in kept(http)}
    assert said == {
        body["message_id"]: (PERSON, "Thanks for reaching out! We'll get back to you soon.", []),
        body["image_message_id"]: (PERSON, "", ["https://example.com/promo.jpg"]),
    }


def test_a_sender_of_another_channel_is_refused(
    rt: Runtime, caller: Caller, unified: httpx.Client
) -> None:
    become(rt, caller, "17841400000000000")
    answer = unified.post(PATH, content=VALID_SMS)
    assert answer.status_code == 422
    (item,) = answer.json()["detail"]
    assert (item["loc"], item["type"]) == (["body", "sender_identifier"], "not_with_channel")


def sent(rt: Runtime, queue: Queue) -> None:
    """A worker takes what is due, and a carrier accepts it."""

    def record(results: Any) -> None:
        outcomes.record(rt, results)

    carrier = Carrier()
    window = Window(carrier, 100, record)

    def done() -> bool:
        dispatch.take(rt, window, queue, 100, Summary())
        window.step(0.01)
        return bool(carrier.requests) and window.held == 0

    poll(done, "it was not sent")


def test_who_prefers_to_wait_hears_of_the_provider(
    rt: Runtime, http: httpx.Client, unified: httpx.Client
) -> None:
    with ThreadPoolExecutor(1) as pool:
        body = TEXT | {"priority": "HIGH"}
        waits = pool.submit(unified.post, PATH, json=body, headers={"Prefer": "wait=20"})
        poll(lambda: kept(http), "it was not kept")
        sent(rt, Queue.HIGH)
        answer = waits.result()
    assert answer.status_code == 200, answer.text
    assert answer.headers["preference-applied"] == "wait=20"
    (message,) = kept(http)
    body = answer.json()
    assert body == {
        "success": True,
        "message_id": message["id"],
        "channel_used": "SMS",
        "provider_used": "twilio",
        "provider_message_id": message["provider_message_id"],
        "status": "SENT",
        "cost": body["cost"],
        "sent_at": message["sent_at"][:19] + "Z",
    }
    assert body["provider_message_id"]


def test_a_wait_that_ends_with_a_failure_says_so(http: httpx.Client, unified: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(unified.post, PATH, json=TEXT, headers={"Prefer": "wait=20"})
        poll(lambda: kept(http), "it was not kept")
        (message,) = kept(http)
        assert http.post(f"/v1/messages/{message['id']}/cancel").is_success
        body = waits.result().json()
    assert (body["success"], body["status"]) == (False, "CANCELED")


def test_a_wait_of_a_second_says_what_is_true_then(unified: httpx.Client) -> None:
    body = unified.post(PATH, json=TEXT, headers={"Prefer": "wait=1"}).json()
    assert body == queued(body["message_id"], "SMS")
