"""The unified document's messages to one person, word for word, against the application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging import dispatch, outcomes
from messaging.dispatch import Summary
from messaging.domain import addresses
from messaging.domain.message import Queue
from messaging.runtime import Runtime
from messaging.store import tables as t
from messaging.window import Window
from tests.api.conftest import Caller
from tests.carrier import Carrier
from tests.world import poll

PATH = "/api/messaging/send"
SENDER = "825b8057-c85f-44a9-9e9f-6e7d7389ecfc"
PERSON = "1234567890123456"
EMAIL = """{
"message_data": {
"recipient": "customer@example.com",
"subject": "Welcome to our service!",
"content": "Thank you for signing up.",
"html_content": "<h1>Welcome!</h1><p>Thank you for signing up.</p>",
"sender_name": "Acme Support Team"
},
"message_type": "TRANSACTIONAL",
"priority": "HIGH"
}"""
SMS = """{
"sender_type": "sms",
"sender_identifier": "825b8057-c85f-44a9-9e9f-6e7d7389ecfc",
"message_data": {
"recipient": "+1234567890",
"content": "Your appointment is confirmed for tomorrow at 3 PM.",
"contact_id": "11111111-0001-0001-0001-000000000001",
"metadata": {
"campaign_id": "spring_promo",
"sent_by": "SMS Test"
}
}
}"""
INSTAGRAM = """{
"sender_type": "instagram_dm",
"sender_identifier": "825b8057-c85f-44a9-9e9f-6e7d7389ecfc",
"message_data": {
"recipient": "1234567890123456",
"content": "Thanks for reaching out! We'll get back to you soon.",
"image_url": "https://example.com/promo.jpg",
"contact_id": "11111111-0001-0001-0001-000000000001"
},
"message_type": "TRANSACTIONAL"
}"""
VALID_SMS = SMS.replace("+1234567890", "+12025550123")
TEXT: dict[str, Any] = {"message_data": {"recipient": "+12025550123", "content": "Hi"}}


@pytest.fixture(autouse=True)
def on_every_channel(rt: Runtime, caller: Caller, http: httpx.Client) -> None:
    for one in ({"address": "news@example.com"}, {"address": "17841400000000000"}):
        channel = {} if "@" in one["address"] else {"channel": "instagram_dm"}
        made = http.post("/v1/senders", json={**one, **channel, "is_default": True})
        assert made.status_code == 201, made.text
    carries = {"capabilities": ["sms", "mms"]}
    assert http.patch(f"/v1/senders/{caller.sender.id}", json=carries).is_success
    rt._directory.clear()


@pytest.fixture
def unified(address: str, caller: Caller) -> Iterator[httpx.Client]:
    headers = {**caller.headers, "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{address}/unified", timeout=40, headers=headers) as client:
        yield client


def become(rt: Runtime, caller: Caller, address: str) -> None:
    """Give a sender the id that the examples name; nobody else has it any more."""
    s = t.senders.c
    with rt.engine.begin() as db:
        db.execute(sa.delete(t.senders).where(s.id == SENDER))
        row = db.execute(
            sa.select(t.senders).where(s.tenant_id == caller.tenant.id, s.address == address)
        ).one()
        copy = {**row._mapping, "id": SENDER, "address": row.address[:-1] + "8"}
        db.execute(sa.insert(t.senders).values(copy))
    rt._directory.clear()


def hear(rt: Runtime, caller: Caller) -> None:
    """A person has just written to us on Instagram."""
    key = addresses.key(rt.settings.pepper, "instagram_dm", PERSON)
    row = {
        "id": rt.new_id(),
        "tenant_id": caller.tenant.id,
        "account_id": caller.account.id,
        "channel": "instagram_dm",
        "provider_message_id": f"mid.{rt.new_id()}",
        "recipient_key": key,
        "from_address": PERSON,
        "to_address": "17841400000000000",
        "body": "Hello",
        "keyword": "NONE",
        "at": rt.now(),
    }
    with rt.engine.begin() as db:
        db.execute(sa.insert(t.inbound_messages).values(row))


def queued(message_id: str, channel: str) -> dict[str, Any]:
    return {
        "success": True,
        "message_id": message_id,
        "channel_used": channel,
        "provider_used": None,
        "provider_message_id": None,
        "status": "QUEUED",
        "cost": None,
        "sent_at": None,
    }


def kept(http: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get("/v1/messages").json()["data"]
    return found


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


_DATA = ["body", "message_data"]
WRONG: list[tuple[str, dict[str, Any], list[list[Any]], list[str]]] = [
    ("nothing", {}, [["body", "message_data"]], ["missing"]),
    ("no text", {"message_data": {"recipient": "+12025550123"}}, [[*_DATA, "content"]], ["missing"]),
    (
        "an empty text",
        {"message_data": {"recipient": "+12025550123", "content": ""}},
        [[*_DATA, "content"]],
        ["too_short"],
    ),
    ("nobody", {"message_data": {"content": "Hi"}}, [[*_DATA, "recipient"]], ["missing"]),
    (
        "nobody, by e-mail",
        {"sender_type": "email", "message_data": {"content": "Hi"}},
        [[*_DATA, "recipient"]],
        ["missing"],
    ),
    (
        "a number or an id",
        {"message_data": {"recipient": "2025550123", "content": "Hi"}},
        [[*_DATA, "recipient"]],
        ["ambiguous"],
    ),
    (
        "no subject",
        {"message_data": {"recipient": "ana@example.com", "content": "Hi"}},
        [[*_DATA, "subject"]],
        ["missing"],
    ),
    (
        "another channel's recipient",
        {"sender_type": "email", "message_data": {"recipient": "+12025550123", "content": "Hi", "subject": "s"}},
        [[*_DATA, "recipient"]],
        ["not_an_email"],
    ),
    ("an unknown channel", TEXT | {"sender_type": "pigeon"}, [["body", "sender_type"]], ["not_allowed"]),
    ("an unknown type", TEXT | {"message_type": "SPAM"}, [["body", "message_type"]], ["not_allowed"]),
    ("an unknown priority", TEXT | {"priority": "4"}, [["body", "priority"]], ["not_allowed"]),
    ("true is no priority", TEXT | {"priority": True}, [["body", "priority"]], ["not_allowed"]),
    (
        "an unknown sender",
        TEXT | {"sender_identifier": SENDER},
        [["body", "sender_identifier"]],
        ["unknown_sender"],
    ),
    (
        "a text with a subject",
        {"message_data": {"recipient": "+12025550123", "content": "Hi", "subject": "s"}},
        [[*_DATA, "subject"]],
        ["not_with_channel"],
    ),
    (
        "a file that is none",
        {"message_data": {"recipient": "+12025550123", "content": "Hi", "media_urls": ["a.png"]}},
        [[*_DATA, "media_urls", 0]],
        ["not_valid"],
    ),
    (
        "a picture that is none",
        {"message_data": {"recipient": PERSON, "content": "Hi", "image_url": "a.png"}},
        [[*_DATA, "image_url", 0]],
        ["not_valid"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "places", "types"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_a_validation_error_is_written_as_fastapi_does(
    http: httpx.Client,
    unified: httpx.Client,
    body: dict[str, Any],
    places: list[list[Any]],
    types: list[str],
) -> None:
    answer = unified.post(PATH, json=body)
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert set(answer.json()) == {"detail"}
    assert [item["loc"] for item in detail] == places
    assert [item["type"] for item in detail] == types
    assert all(set(item) == {"loc", "msg", "type"} and item["msg"] for item in detail)
    assert kept(http) == []


def test_an_unknown_sender_in_the_query_is_blamed_there(unified: httpx.Client) -> None:
    answer = unified.post(f"{PATH}?send_identifier={SENDER}", json=TEXT)
    assert answer.json() == {
        "detail": [
            {
                "loc": ["query", "send_identifier"],
                "msg": "no active sender of yours; list yours first",
                "type": "unknown_sender",
            }
        ]
    }


def test_who_opted_out_is_a_validation_error(http: httpx.Client, unified: httpx.Client) -> None:
    assert http.post("/v1/suppressions", json={"to": "+12025550123"}).is_success
    answer = unified.post(PATH, json=TEXT)
    assert answer.status_code == 422
    (item,) = answer.json()["detail"]
    assert (item["loc"], item["type"]) == ([*_DATA, "recipient"], "opted_out")


OUTSIDE: list[tuple[str, str, bytes, int]] = [
    ("POST", PATH, b"{", 422),
    ("POST", PATH, b"", 422),
    ("POST", PATH, b"[]", 422),
    ("POST", PATH, b'"' + b"a" * (1 << 20) + b'"', 413),
    ("POST", "/api/messaging/other", b"{}", 404),
    ("GET", PATH, b"", 405),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), OUTSIDE)
def test_every_other_error_has_a_detail(
    unified: httpx.Client, method: str, path: str, body: bytes, status: int
) -> None:
    answer = unified.request(method, path, content=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}
    assert isinstance(answer.json()["detail"], list if status == 422 else str)


def test_without_a_key_nothing_is_read(anonymous: httpx.Client, http: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer nobody"}):
        answer = anonymous.post(f"/unified{PATH}", content=EMAIL, headers=headers)
        assert answer.status_code == 401
        assert isinstance(answer.json()["detail"], str)
    assert kept(http) == []


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
    (parameter,) = document["paths"][PATH]["post"]["parameters"]
    assert (parameter["name"], parameter["in"]) == ("send_identifier", "query")
