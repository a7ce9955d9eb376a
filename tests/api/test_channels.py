"""Every channel over HTTP: taken, shown, refused with what to do, and broken by nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.test_hostile_input import HOSTILE, Sender, put, spots

MAIL: dict[str, Any] = {
    "to": "Ana@Example.com", "body": "Hi", "channel": "email", "subject": "Hello", "from": "news@example.com",
    "html": "<p>Hi</p>", "from_name": "Acme", "reply_to": "help@example.com", "category": "NOTIFICATION",
    "fallback": {"channel": "sms", "to": "+12025550123", "body": "Hi", "from": "+12025550199"},
}  # fmt: skip
MMS: dict[str, Any] = {
    "to": "+12025550123", "body": "", "channel": "mms", "media": ["https://example.com/a.png"],
    "fallback": {"channel": "email", "to": "ana@example.com", "subject": "Hello", "body": "See it"},
}  # fmt: skip
DM: dict[str, Any] = {"to": "17841400000000001", "body": "Hi", "channel": "instagram_dm"}


@pytest.fixture(autouse=True)
def on_every_channel(rt: Runtime, caller: Caller, http: httpx.Client) -> None:
    for address in (
        {"address": "news@example.com"},
        {"address": "17841400000000000", "channel": "instagram_dm"},
    ):
        made = http.post("/v1/senders", json=address | {"is_default": True})
        assert made.status_code == 201, made.text
    changed = http.patch(f"/v1/senders/{caller.sender.id}", json={"capabilities": ["sms", "mms"]})
    assert changed.status_code == 200
    rt._directory.clear()


def test_an_e_mail_is_shown_as_it_was_handed_in(http: httpx.Client) -> None:
    taken = http.post("/v1/messages", json=MAIL)
    assert taken.status_code == 202, taken.text
    shown = http.get(taken.headers["location"]).json()
    expected = {
        "to": "Ana@example.com", "channel": "email", "subject": "Hello", "html": "<p>Hi</p>", "media": [],
        "from_name": "Acme", "reply_to": "help@example.com", "segments": 1, "encoding": None,
        "stands_in_for": None, "provider": None,
    }  # fmt: skip
    assert expected.items() <= shown.items()
    (listed,) = http.get("/v1/messages").json()["data"]
    assert listed == shown | {"html": None}
    found = http.post("/v1/messages/search", json={"to": "ana@example.com", "channel": "email"})
    assert [m["id"] for m in found.json()["data"]] == [shown["id"]]
    assert http.post("/v1/messages/search", json={"to": "+12025550123"}).json()["data"] == []


def test_an_mms_is_shown_with_its_files(http: httpx.Client) -> None:
    taken = http.post("/v1/messages", json=MMS)
    assert taken.status_code == 202, taken.text
    shown = http.get(taken.headers["location"]).json()
    assert (shown["media"], shown["subject"]) == (["https://example.com/a.png"], None)


def test_instagram_waits_for_the_person_to_write(http: httpx.Client) -> None:
    answer = http.post("/v1/messages", json=DM)
    assert (answer.status_code, answer.json()["code"]) == (422, "outside_window")
    assert "fallback" in answer.json()["detail"]


def test_marketing_by_mail_asks_for_a_postal_address_and_a_consent_of_its_own(
    http: httpx.Client, rt: Runtime
) -> None:
    marketing = MAIL | {"category": "MARKETING", "fallback": None}
    assert http.post("/v1/messages", json=marketing).json()["code"] == "no_consent"
    grant = {
        "to": "ana@example.com",
        "action": "grant",
        "basis": "express_written",
        "source": "web",
    }
    assert http.post("/v1/consents", json=grant).status_code == 422  # that is no number
    assert http.post("/v1/consents", json=grant | {"channel": "email"}).status_code < 300
    asked = {"to": "ANA@example.com", "channel": "email"}
    checked = http.post("/v1/consents/check", json=asked)
    assert checked.status_code == 200, checked.text
    assert http.post("/v1/messages", json=marketing).json()["code"] == "no_postal_address"
    assert http.patch("/v1/policy", json={"postal_address": "1 Main St, Springfield"}).is_success
    rt._directory.clear()
    assert http.post("/v1/messages", json=marketing).status_code == 202


def test_a_stop_by_mail_is_not_one_by_phone(http: httpx.Client) -> None:
    stop = {"to": "ANA@example.com", "channel": "email"}
    assert http.post("/v1/suppressions", json=stop).is_success
    assert http.post("/v1/messages", json=MAIL).json()["code"] == "opted_out"
    assert http.post("/v1/messages", json=MMS).status_code == 202
    assert http.request("DELETE", "/v1/suppressions", json=stop).is_success
    assert http.post("/v1/messages", json=MAIL).status_code == 202


@pytest.mark.parametrize("base", [MAIL, MMS, DM], ids=["email", "mms", "instagram"])
def test_no_value_of_any_field_breaks_it(http: httpx.Client, base: dict[str, Any]) -> None:
    send = Sender(http, "POST", "/v1/messages")
    for value in HOSTILE:
        for spot in spots(base):
            send(put(base, spot, value))
        for name in ("subject", "html", "media", "from_name", "reply_to", "fallback"):
            send(put(base, (name,), value))
    assert not send.faults, "\n".join(send.faults)
    listed = http.get("/v1/messages?limit=200")
    assert listed.status_code == 200
    for message in listed.json()["data"]:
        assert http.get(f"/v1/messages/{message['id']}").status_code == 200


def test_a_list_points_at_the_field_of_the_fallback(http: httpx.Client) -> None:
    bad = MMS | {"fallback": {"channel": "email", "to": "ana@example.com", "body": "See it"}}
    answer = http.post("/v1/messages", json=[MMS, bad]).json()
    assert (answer["accepted"], answer["refused"]) == (1, 1)
    assert answer["data"][1]["errors"][0]["pointer"] == "#/1/fallback/subject"


def test_a_large_e_mail_fits_and_a_larger_one_does_not(http: httpx.Client) -> None:
    large = MAIL | {"body": "a" * 102_400, "html": "a" * 512_000}
    assert http.post("/v1/messages", json=large).status_code == 202
    answer = http.post("/v1/messages", content=json.dumps(large | {"body": "a" * 102_401}))
    assert answer.json()["errors"][0]["pointer"] == "#/body"
