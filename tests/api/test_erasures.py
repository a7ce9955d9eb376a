"""A person asks to be forgotten, over HTTP and from a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from messaging import erasure
from messaging.runtime import Runtime
from messaging.settings import Settings
from tests.api.conftest import SECRET, Caller
from tests.journeys.household import Done, command, environment
from tests.remains import remains

TO, NATIONAL, TEXT = "+12025550163", "(202) 555-0163", "a-text-to-be-forgotten"
CANARY = (TO[1:], TO[2:], NATIONAL, TEXT)
NOBODY = "0190b6a8-5b1c-7000-8000-00000000abcd"


def send(http: httpx.Client, to: str = TO) -> str:
    answer = http.post("/v1/messages", json={"to": to, "body": TEXT, "metadata": {"who": TEXT}})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def get(http: httpx.Client, path: str) -> dict[str, Any]:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ask(http: httpx.Client, to: str = TO, **fields: Any) -> dict[str, Any]:
    answer = http.post("/v1/erasures", json={"to": to, **fields})
    assert answer.status_code == 202, answer.text
    assert TO[2:] not in answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/erasures/{found['id']}"
    return found


@pytest.fixture
def other(address: str, stranger: Caller) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers=stranger.headers) as client:
        yield client


def test_a_person_is_erased_and_the_record_of_it_names_nobody(
    http: httpx.Client, other: httpx.Client, rt: Runtime, stranger: Caller
) -> None:
    message_id, theirs = send(http), send(other)
    consent = {"to": TO, "action": "grant", "basis": "express_written", "source": "form"}
    assert http.post("/v1/consents", json=consent | {"evidence": {"tel": TO}}).status_code == 201
    asked = ask(http, NATIONAL)
    assert (asked["finished_at"], asked["messages"], asked["channel"]) == (None, 0, "sms")
    assert asked == get(http, f"/v1/erasures/{asked['id']}")
    erasure.run(rt)
    done = get(http, f"/v1/erasures/{asked['id']}")
    assert (done["messages"], done["receipts"]) == (1, 0)
    assert done["finished_at"].endswith("Z")
    assert done["finished_at"] >= done["requested_at"]
    message = get(http, f"/v1/messages/{message_id}")
    assert (message["status"], message["status_reason"]) == ("canceled", "erased")
    assert (message["to"], message["body"], message["metadata"]) == ("", "", None)
    assert message["erased_at"] is not None
    found = http.post("/v1/messages/search", json={"to": TO}).json()["data"]
    assert [m["id"] for m in found] == [message_id]
    (event,) = http.post("/v1/consents/history", json={"to": TO}).json()["data"]
    assert (event["action"], event["evidence"]) == ("grant", None)
    assert get(other, f"/v1/messages/{theirs}")["body"] == TEXT
    assert remains(rt.engine, *CANARY, not_of=stranger.tenant.id) == set()


def test_asking_again_opens_the_same_request(http: httpx.Client, rt: Runtime) -> None:
    first = ask(http)
    erasure.run(rt)
    send(http)
    again = ask(http)
    assert (again["id"], again["finished_at"]) == (first["id"], None)
    erasure.run(rt)
    done = get(http, f"/v1/erasures/{first['id']}")
    assert (done["messages"], done["finished_at"] is None) == (1, False)


def test_an_opt_out_outlives_the_address(http: httpx.Client, rt: Runtime) -> None:
    http.post("/v1/suppressions", json={"to": TO})
    ask(http)
    erasure.run(rt)
    refused = http.post("/v1/messages", json={"to": TO, "body": "Hello"})
    assert (refused.status_code, refused.json()["code"]) == (422, "opted_out")


def test_another_tenants_request_is_not_shown(http: httpx.Client, other: httpx.Client) -> None:
    asked = ask(http)
    assert other.get(f"/v1/erasures/{asked['id']}").status_code == 404


@pytest.mark.parametrize("erasure_id", [NOBODY, "nothing", TO])
def test_what_is_not_there_is_not_found(http: httpx.Client, erasure_id: str) -> None:
    answer = http.get(f"/v1/erasures/{erasure_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["detail"] == "no erasure of yours has this id"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"#/to": "required"}),
        ({"to": "nobody"}, {"#/to": "not_a_number"}),
        ({"to": "911"}, {"#/to": "short_code"}),
        ({"to": TO, "channel": "pigeon"}, {"#/channel": "not_allowed"}),
        ({"to": TO, "reason": "asked"}, {"#/reason": "unknown_field"}),
    ],
)
def test_a_mistake_is_explained(
    http: httpx.Client, body: dict[str, str], pointers: dict[str, str]
) -> None:
    answer = http.post("/v1/erasures", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {e["pointer"]: e["code"] for e in answer.json()["errors"]} == pointers
    assert TO not in answer.text


def test_nobody_is_erased_without_a_key(anonymous: httpx.Client) -> None:
    assert anonymous.post("/v1/erasures", json={"to": TO}).status_code == 401
    assert anonymous.get(f"/v1/erasures/{NOBODY}").status_code == 401


def test_the_document_describes_it(http: httpx.Client) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    assert "202" in paths["/v1/erasures"]["post"]["responses"]
    assert "STOP" in paths["/v1/erasures"]["post"]["description"]
    assert "200" in paths["/v1/erasures/{erasure_id}"]["get"]["responses"]


@pytest.fixture
def env(tmp_path: Path, settings: Settings, caller: Caller) -> dict[str, str]:
    return environment(
        tmp_path,
        POSTHORN_DATABASE_URL=settings.database_url,
        POSTHORN_REDIS_URL=settings.redis_url,
        POSTHORN_SECRET_KEY=SECRET,
        POSTHORN_TENANT=caller.tenant.name,
    )


def run(env: dict[str, str], *words: str) -> Done:
    done = command("erase", *words, env=env)
    assert TO not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_terminal_erases_at_once(env: dict[str, str], http: httpx.Client) -> None:
    message_id = send(http)
    done = run(env, TO, "--yes", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "erased\n")
    shown = json.loads(done.stdout)
    assert (shown["messages"], UUID(shown["id"]).version) == (1, 7)
    assert get(http, f"/v1/messages/{message_id}")["body"] == ""
    assert get(http, f"/v1/erasures/{shown['id']}")["finished_at"] is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((TO,), "+1202***0163 cannot be brought back; add --yes"),
        (("nobody", "--yes"), "to: This is not a phone number"),
        ((TO, "--yes", "--channel", "pigeon"), "pigeon"),
    ],
)
def test_what_was_asked_wrongly_erases_nobody(
    env: dict[str, str], http: httpx.Client, words: tuple[str, ...], said: str
) -> None:
    message_id = send(http)
    done = run(env, *words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert get(http, f"/v1/messages/{message_id}")["body"] == TEXT
