"""Every mistake a new user makes gets one envelope, a stable code, and a way out; nothing is echoed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest

from messaging.api.errors import PROBLEMS

CANARY = "ZXCANARYZX"
TO = "+12025550123"
GOOD = {"to": TO, "body": CANARY}


@dataclass(frozen=True)
class Case:
    name: str
    status: int
    code: str
    body: object = None
    """JSON to post, or the raw bytes."""
    pointers: dict[str, str] = field(default_factory=dict)
    """Pointer -> code, all of them."""
    method: str = "POST"
    path: str = "/v1/messages"
    headers: dict[str, str] = field(default_factory=dict)
    key: str | None = "good"


def invalid(name: str, body: object, /, **pointers: str) -> Case:
    found = {"#/" + p.replace("__", "/") if p != "whole" else "#": c for p, c in pointers.items()}
    return Case(name, 422, "validation_failed", body, found)


def malformed(name: str, body: bytes) -> Case:
    return Case(name, 400, "malformed_json", body)


def query(name: str, text: str, pointer: str, code: str) -> Case:
    path = f"/v1/messages?{text}"
    return Case(name, 422, "validation_failed", None, {pointer: code}, "GET", path)


NOBODY = "00000000-0000-7000-8000-000000000000"
CASES = [
    Case("no key", 401, "unauthorized", GOOD, key=None),
    Case("wrong key", 401, "unauthorized", GOOD, key=f"ph_live_{CANARY}"),
    Case("unknown key", 401, "unauthorized", GOOD, key="ph_test_aaaaaaaaaaaa_" + "a" * 43),
    Case("no key for reading", 401, "unauthorized", None, {}, "GET", key=None),
    malformed("no JSON", f'{{"to": {CANARY}'.encode()),
    malformed("no body", b""),
    malformed("not UTF-8", b'{"to": "\xff"}'),
    malformed("repeated name", f'{{"to": "{TO}", "body": "a", "body": "{CANARY}"}}'.encode()),
    malformed("NaN", f'{{"to": "{TO}", "body": "a", "metadata": {{"a": NaN}}}}'.encode()),
    malformed("infinity", f'{{"to": "{TO}", "body": "a", "metadata": {{"a": 1e999}}}}'.encode()),
    malformed("endless nesting", b"[" * 100_000),
    malformed("UTF-16", json.dumps(GOOD).encode("utf-16")),
    invalid("not an object", CANARY, whole="not_an_object"),
    invalid("empty list", [], whole="too_short"),
    invalid("too long a list", [{}] * 10_001, whole="too_long"),
    invalid("nothing in it", {}, to="required", body="required"),
    invalid("1601 characters", {"to": TO, "body": CANARY * 160 + "x"}, body="too_long"),
    invalid("empty text", {"to": TO, "body": ""}, body="too_short"),
    invalid("NUL in the text", {"to": TO, "body": f"{CANARY}\0"}, body="not_text"),
    Case(
        "lone surrogate",
        422,
        "validation_failed",
        f'{{"to": "{TO}", "body": "\\ud800{CANARY}"}}'.encode(),
        {"#/body": "not_text"},
    ),
    Case(
        "lone surrogate as a name",
        422,
        "validation_failed",
        f'{{"to": "{TO}", "body": "a", "\\ud800{CANARY}": 1}}'.encode(),
        {"#": "not_text"},
    ),
    invalid("number as text", {"to": TO, "body": 4711}, body="not_text"),
    invalid("unknown field", GOOD | {"text": CANARY}, text="unknown_field"),
    invalid("address as a field name", GOOD | {"+1202555 " + CANARY: 1}, whole="unknown_field"),
    invalid("no phone number", GOOD | {"to": CANARY}, to="not_a_number"),
    invalid("NUL in the address", GOOD | {"to": "\0" + TO}, to="not_a_number"),
    invalid("unknown channel", GOOD | {"channel": CANARY}, channel="not_allowed"),
    invalid(
        "a number as e-mail",
        GOOD | {"channel": "email"},
        to="not_an_email",
        subject="required",
    ),
    invalid("unknown sender", GOOD | {"from": CANARY}, **{"from": "unknown_sender"}),
    invalid("unknown pool", GOOD | {"pool": CANARY}, pool="unknown_pool"),
    invalid(
        "past time", GOOD | {"scheduled_for": "2020-01-01T00:00:00Z"}, scheduled_for="in_the_past"
    ),
    invalid(
        "far time", GOOD | {"scheduled_for": "2120-01-01T00:00:00Z"}, scheduled_for="too_far_ahead"
    ),
    invalid(
        "no zone", GOOD | {"scheduled_for": "2030-01-01T00:00:00"}, scheduled_for="no_time_zone"
    ),
    invalid("no time", GOOD | {"scheduled_for": CANARY}, scheduled_for="not_valid"),
    invalid("no UUID", GOOD | {"conversation_id": CANARY}, conversation_id="not_valid"),
    invalid("NUL in metadata", GOOD | {"metadata": {"a": "\0"}}, metadata="not_text"),
    invalid("huge number", GOOD | {"metadata": {"a": 10**30}}, metadata="not_text"),
    invalid("metadata a list", GOOD | {"metadata": [CANARY]}, metadata="not_an_object"),
    invalid("much metadata", GOOD | {"metadata": {"a": CANARY * 2000}}, metadata="too_large"),
    invalid("NUL in the key", GOOD | {"idempotency_key": "\0"}, idempotency_key="not_text"),
    invalid("long key", GOOD | {"idempotency_key": "k" * 256}, idempotency_key="too_long"),
    invalid(
        "key within a list",
        [GOOD | {"idempotency_key": CANARY}],
        **{"0__idempotency_key": "not_in_a_list"},
    ),
    invalid(
        "nothing in a list is good",
        [{"to": CANARY, "body": "a"}, CANARY],
        **{"0__to": "not_a_number", "1": "not_an_object"},
    ),
    Case(
        "two keys",
        422,
        "validation_failed",
        GOOD | {"idempotency_key": "one"},
        {"#/idempotency_key": "contradiction"},
        headers={"Idempotency-Key": CANARY},
    ),
    Case(
        "long key in the header",
        422,
        "validation_failed",
        GOOD,
        {"#/idempotency_key": "not_valid"},
        headers={"Idempotency-Key": CANARY * 30},
    ),
    Case("too large", 413, "payload_too_large", {"to": TO, "body": CANARY * 200_000}),
    Case("too large a list", 413, "payload_too_large", b"[" + b" " * (17 << 20) + b"]"),
    query("bad cursor", f"cursor={CANARY}", "#/cursor", "not_valid"),
    query("odd cursor", "cursor=%C3%A9%00", "#/cursor", "not_valid"),
    query("limit 0", "limit=0", "#/limit", "not_valid"),
    query("limit 201", "limit=201", "#/limit", "not_valid"),
    query("limit no number", f"limit={CANARY}", "#/limit", "not_valid"),
    query("unknown status", f"status={CANARY}", "#/status", "not_allowed"),
    query("unknown filter", f"statsu={CANARY}", "#/statsu", "unknown_field"),
    query(
        "time without zone", "created_from=2026-01-01T00:00:00", "#/created_from", "no_time_zone"
    ),
    Case("unknown id", 404, "not_found", method="GET", path=f"/v1/messages/{NOBODY}"),
    Case("no id", 404, "not_found", method="GET", path=f"/v1/messages/{CANARY}"),
    Case("cancel nothing", 404, "not_found", path=f"/v1/messages/{NOBODY}/cancel"),
    Case("submit nothing", 404, "not_found", path=f"/v1/messages/{NOBODY}/submit"),
    Case("events of nothing", 404, "not_found", method="GET", path=f"/v1/messages/{NOBODY}/events"),
    Case("unknown path", 404, "not_found", method="GET", path=f"/v1/{CANARY}"),
    Case("unknown code", 404, "not_found", method="GET", path=f"/problems/{CANARY}"),
    Case("wrong method", 405, "method_not_allowed", method="PUT"),
    Case("wrong method for one", 405, "method_not_allowed", method="DELETE", path="/v1/lanes"),
    Case(
        "search without an address",
        422,
        "validation_failed",
        {"limit": 1},
        {"#/to": "required"},
        path="/v1/messages/search",
    ),
    Case(
        "search for no address",
        422,
        "validation_failed",
        {"to": CANARY},
        {"#/to": "not_a_number"},
        path="/v1/messages/search",
    ),
    Case("search by no JSON", 400, "malformed_json", CANARY.encode(), path="/v1/messages/search"),
    Case(
        "suppress nobody",
        422,
        "validation_failed",
        {"to": CANARY, CANARY: 1},
        {f"#/{CANARY}": "unknown_field"},
        path="/v1/suppressions",
    ),
    Case("lift nothing", 404, "not_found", {"to": TO}, method="DELETE", path="/v1/suppressions"),
    Case("unsigned webhook", 403, "forbidden", b"a=b", path=f"/webhooks/twilio/{NOBODY}/status"),
    Case("no account", 403, "forbidden", b"a=b", path=f"/webhooks/{CANARY}/{CANARY}/status"),
    Case(
        "large webhook",
        413,
        "payload_too_large",
        b"a" * (1024 * 1024 + 1),
        path=f"/webhooks/twilio/{NOBODY}/status",
    ),
]


def ask(client: httpx.Client, case: Case, key: str) -> httpx.Response:
    headers = dict(case.headers)
    if case.key is not None:
        headers["Authorization"] = f"Bearer {key if case.key == 'good' else case.key}"
    content = case.body
    if content is not None and not isinstance(content, bytes):
        content = json.dumps(content).encode()
    if content is not None:
        headers.setdefault("Content-Type", "application/json")
    return client.request(case.method, case.path, content=content, headers=headers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_explained(anonymous: httpx.Client, caller: Any, case: Case) -> None:
    answer = ask(anonymous, case, caller.key)
    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance", "code", "errors"}
    assert (problem["status"], problem["code"]) == (case.status, case.code)
    assert {e["pointer"]: e["code"] for e in problem["errors"]} == case.pointers
    assert len(problem["detail"].split()) >= 4
    assert all(len(e["detail"].split()) >= 2 for e in problem["errors"])
    echoed = answer.text.replace(f"#/{CANARY}", "")  # where an unknown field is a plain name
    assert CANARY not in echoed
    request_id = UUID(answer.headers["x-request-id"])
    assert problem["instance"] == f"/v1/requests/{request_id}"
    explained = anonymous.get(problem["type"])
    assert explained.json()["status"] == case.status


def test_a_405_names_every_method_there_is(anonymous: httpx.Client) -> None:
    assert anonymous.put("/v1/messages").headers["allow"] == "GET, POST"


def test_a_401_says_how_to_identify_oneself(anonymous: httpx.Client) -> None:
    assert anonymous.get("/v1/lanes").headers["www-authenticate"] == "Bearer"


def test_a_request_id_that_is_one_is_kept(anonymous: httpx.Client) -> None:
    mine = "0190b6a8-5b1c-7000-8000-00000000abcd"
    answer = anonymous.get("/v1/nowhere", headers={"X-Request-ID": mine})
    assert answer.headers.get_list("x-request-id") == [mine]
    assert answer.json()["instance"].endswith(mine)
    other = anonymous.get("/livez", headers={"X-Request-ID": CANARY})
    assert str(UUID(other.headers["x-request-id"])) == other.headers["x-request-id"]


@pytest.mark.parametrize("code", PROBLEMS)
def test_each_code_has_a_page(anonymous: httpx.Client, code: str) -> None:
    page = anonymous.get(f"/problems/{code}", headers={"Accept": "text/html"})
    assert PROBLEMS[code].remedy in page.text
    assert page.headers["content-type"].startswith("text/html")


def test_a_bug_shows_nothing_of_itself(
    anonymous: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("messaging.api.desk.KnownKeys.recall", broken)
    answer = anonymous.post("/v1/messages", json=GOOD, headers={"X-API-Key": "x"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert CANARY not in answer.text
    assert answer.json()["instance"].endswith(answer.headers["x-request-id"])
