"""LeadSail's document: its example, its four bodies, and what is found when it is not said."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.facades.people import OTHER_PHONE, PHONE, lead, shape_of
from tests.world import poll

PATH = "/leadsail/api/v1/sms/send"
EXAMPLE = b"""{    "leadId": "lead_abc123",    "message": "Hi John, just following up on your inquiry."  }"""
"""The body of the document's Go program, as it stands there."""
UNAUTHORIZED = {
    "success": False,
    "error": {"code": "UNAUTHORIZED", "message": "Authentication required"},
}
NOT_FOUND = {"success": False, "error": {"code": "NOT_FOUND", "message": "Resource not found"}}


@pytest.fixture
def sail(address: str, caller: Caller) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": caller.key, "Content-Type": "application/json"}
    with httpx.Client(base_url=address, timeout=20, headers=headers) as client:
        yield client


def sent(sail: httpx.Client, **fields: Any) -> Any:
    answer = sail.post(PATH, json={"leadId": "lead_abc123", "message": "Hi", **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def refused(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 400, answer.text
    body = answer.json()
    details: list[str] = body["error"].pop("details")
    assert body == {
        "success": False,
        "error": {"code": "VALIDATION_ERROR", "message": "Invalid input data"},
    }
    return details


def message(http: httpx.Client, data: Any) -> Any:
    return http.get(f"/v1/messages/{data['messageId']}").json()


def test_the_example_is_answered_as_documented(
    rt: Runtime, sail: httpx.Client, caller: Caller
) -> None:
    lead(rt, caller)
    answer = sail.post(PATH, content=EXAMPLE)
    assert answer.status_code == 200, answer.text
    assert shape_of(answer.json()) == {
        "success": "bool",
        "data": {"messageId": "str", "status": "str", "interactionId": "str"},
    }
    assert answer.json()["success"] is True
    assert answer.json()["data"]["status"] == "queued"


def test_a_lead_brings_what_its_messages_belong_to(
    rt: Runtime, sail: httpx.Client, http: httpx.Client, caller: Caller
) -> None:
    known = {"campaign": "spring", "agent": "ann", "source": "web", "postal_code": "10001"}
    lead(rt, caller, time_zone="America/New_York", **known)
    found = message(http, sent(sail))
    assert {name: found[name] for name in known} == known
    assert (found["lead"], found["to"], found["time_zone"]) == (
        "lead_abc123", PHONE, "America/New_York",
    )  # fmt: skip
    found = message(http, sent(sail, campaignId="autumn", to=OTHER_PHONE))
    assert (found["campaign"], found["to"], found["time_zone"]) == ("autumn", OTHER_PHONE, None)


def test_a_lead_is_named_by_its_id_as_well(
    rt: Runtime, sail: httpx.Client, http: httpx.Client, caller: Caller
) -> None:
    known = lead(rt, caller)
    assert message(http, sent(sail, leadId=str(known.id)))["lead"] == "lead_abc123"


def test_a_sender_that_is_named_is_one_of_ours_for_texts(
    rt: Runtime, sail: httpx.Client, http: httpx.Client, caller: Caller
) -> None:
    lead(rt, caller)
    found = message(http, sent(sail, **{"from": "+1 202-555-0199"}))
    assert found["requested_sender_id"] == str(caller.sender.id)
    answer = sail.post(
        PATH, json={"leadId": "lead_abc123", "message": "Hi", "from": "+12025550188"}
    )
    (detail,) = refused(answer)
    assert detail.startswith("from: ")
    added = http.post("/v1/senders", json={"address": "a@example.com", "channel": "email"})
    assert added.status_code == 201, added.text
    answer = sail.post(
        PATH, json={"leadId": "lead_abc123", "message": "Hi", "from": added.json()["id"]}
    )
    assert refused(answer)[0].startswith("from: ")


def test_one_person_has_one_conversation_however_many_begin_it(
    rt: Runtime, sail: httpx.Client, caller: Caller
) -> None:
    lead(rt, caller)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: sent(sail, message=f"Hi {n}"), range(8)))
    assert len({data["interactionId"] for data in found}) == 1
    assert len({data["messageId"] for data in found}) == 8
    again = sent(sail, interactionId=found[0]["interactionId"])
    assert again["interactionId"] == found[0]["interactionId"]


def test_a_conversation_with_somebody_else_is_not_found(
    rt: Runtime, sail: httpx.Client, address: str, caller: Caller, stranger: Caller
) -> None:
    lead(rt, caller)
    lead(rt, stranger)
    mine = sent(sail)["interactionId"]
    lead(rt, caller, "another", phones=[OTHER_PHONE])
    asked = {"leadId": "another", "message": "Hi", "interactionId": mine}
    tries = [sail.post(PATH, json=asked)]
    tries.append(
        httpx.post(
            address + PATH,
            json=asked | {"leadId": "lead_abc123"},
            headers={"X-API-Key": stranger.key},
        )
    )
    tries += [
        sail.post(PATH, json=asked | {"interactionId": "int_abc123"}),
        sail.post(PATH, json={"leadId": "nobody", "message": "Hi"}),
        sail.post(PATH.replace("sms", "fax"), json=asked),
    ]
    assert [(a.status_code, a.json()) for a in tries] == [(404, NOT_FOUND)] * len(tries)


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"message": ""}, "message: must have at least 1 characters"),
        ({"message": "x" * 1601}, "message: must have at most 1600 characters; shorten it"),
        ({"message": None}, "message: must be a string"),
        ({"leadId": 7}, "leadId: must be a string"),
        ({"to": "123"}, "to: "),
        ({"leadId": "by mail"}, "to: the lead has no phone number"),
    ],
)
def test_what_is_wrong_is_told_by_field(
    rt: Runtime, sail: httpx.Client, caller: Caller, fields: dict[str, Any], detail: str
) -> None:
    lead(rt, caller)
    lead(rt, caller, "by mail", phones=[], emails=["a@example.com"])
    answer = sail.post(PATH, json={"leadId": "lead_abc123", "message": "Hi", **fields})
    (found,) = refused(answer)
    assert found.startswith(detail)


def test_sixteen_hundred_characters_are_taken(
    rt: Runtime, sail: httpx.Client, caller: Caller
) -> None:
    lead(rt, caller)
    sent(sail, message="x" * 1600)


def test_who_opted_out_is_not_written_to_also_not_at_another_number(
    rt: Runtime, sail: httpx.Client, http: httpx.Client, caller: Caller
) -> None:
    lead(rt, caller)
    http.post("/v1/suppressions", json={"to": OTHER_PHONE})
    sent(sail)
    answer = sail.post(PATH, json={"leadId": "lead_abc123", "message": "Hi", "to": OTHER_PHONE})
    (detail,) = refused(answer)
    assert detail.startswith("to: The recipient has opted out")


@pytest.mark.parametrize("key", [None, "", "ph_live_aaaaaaaaaaaa_" + "x" * 43])
def test_without_a_key_it_is_unauthorized(anonymous: httpx.Client, key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key}
    answer = anonymous.post(PATH, content=EXAMPLE, headers=headers)
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"leadId=lead_abc123&message=Hi", "application/x-www-form-urlencoded"),
        (b"", "text/plain"),
        (b"[]", "application/json"),
        (b'{"leadId": "\\ud800", "message": "Hi"}', "application/json"),
    ],
)
def test_what_is_no_request_is_invalid_input(sail: httpx.Client, content: bytes, kind: str) -> None:
    answer = sail.post(PATH, content=content, headers={"Content-Type": kind})
    assert refused(answer)


def test_other_errors_have_the_same_envelope(sail: httpx.Client) -> None:
    answer = sail.get(PATH)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
    answer = sail.post(PATH, content=b'{"leadId": "' + b"x" * (1 << 20) + b'"}')
    assert answer.status_code == 413
    assert shape_of(answer.json()) == {
        "success": "bool",
        "error": {"code": "str", "message": "str"},
    }
    assert answer.headers["x-request-id"]


def test_who_prefers_to_wait_is_answered_when_it_is_over(
    rt: Runtime, sail: httpx.Client, http: httpx.Client, caller: Caller
) -> None:
    lead(rt, caller)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(
            sail.post, PATH, content=EXAMPLE, headers={"Prefer": "respond-async, wait=15"}
        )
        poll(lambda: http.get("/v1/messages").json()["data"], "it is not kept")
        (found,) = http.get("/v1/messages").json()["data"]
        http.post(f"/v1/messages/{found['id']}/cancel")
        answer = waits.result()
    assert answer.json()["data"]["status"] == "canceled"
    assert answer.headers["preference-applied"] == "wait=15"
    assert answer.elapsed.total_seconds() < 10


@pytest.mark.parametrize("said", ["wait=0", "wait", "wait=soon", 'wait="1"'])
def test_a_wait_that_ends_first_says_what_is_true(
    rt: Runtime, sail: httpx.Client, caller: Caller, said: str
) -> None:
    lead(rt, caller)
    answer = sail.post(PATH, content=EXAMPLE, headers={"Prefer": said})
    assert answer.json()["data"]["status"] == "queued"
    assert ("preference-applied" in answer.headers) == (said == 'wait="1"')


def test_it_describes_itself(anonymous: httpx.Client) -> None:
    document = anonymous.get("/leadsail/openapi.json").json()
    assert list(document["paths"]) == ["/api/v1/sms/send"]
    assert document["servers"] == [{"url": "/leadsail"}]
