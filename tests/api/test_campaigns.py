"""`/v1/campaigns` over HTTP: made, filled, started, followed, paused, resumed, canceled and counted."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from messaging import expansion
from messaging.runtime import Runtime
from tests.api.conftest import Caller

PATH = "/v1/campaigns"
NOBODY = f"{PATH}/00000000-0000-0000-0000-000000000000"
PEOPLE = [{"to": f"+12025550{n}", "fields": {"first_name": f"P{n}"}} for n in range(100, 105)]


def make(http: httpx.Client, name: str, **fields: Any) -> Any:
    body = {"name": name, "body": "Hi {{first_name}}", "category": "NOTIFICATION"}
    answer = http.post(PATH, json={**body, "recipients": PEOPLE, **fields})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    return answer.json()


def step(http: httpx.Client, made: Any, what: str) -> Any:
    answer = http.post(f"{PATH}/{made['id']}/{what}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_campaign_is_made_started_and_counted(http: httpx.Client, rt: Runtime) -> None:
    made = make(http, "counted")
    assert (made["state"], made["targets"], made["priority"]) == ("draft", 5, "LOW")
    more = {"recipients": [{"to": "+12025550105"}, PEOPLE[0]]}
    added = http.post(f"{PATH}/{made['id']}/recipients", json=more)
    assert added.json() == {"added": 1, "targets": 6}
    assert step(http, made, "start")["state"] in {"snapshot", "running"}
    expansion.run(rt)
    found = http.get(f"{PATH}/{made['id']}").json()
    assert found["counts"]["skipped"] == 1
    assert found["counts"]["reasons"].get("no_first_name") == 1
    assert sum(found["counts"]["by_status"].values()) == 5
    page = http.get(f"{PATH}/{made['id']}/recipients", params={"limit": 4}).json()
    assert (len(page["data"]), page["next_after"]) == (4, 4)
    rest = http.get(f"{PATH}/{made['id']}/recipients", params={"after": 4}).json()
    assert [r["state"] for r in rest["data"]][1:] == ["skipped"]
    assert rest["next_after"] is None
    listed = http.get(PATH).json()["data"]
    assert made["id"] in {c["id"] for c in listed}


def test_it_is_paused_resumed_and_canceled(http: httpx.Client, rt: Runtime) -> None:
    made = make(http, "stepped")
    step(http, made, "start")
    expansion.run(rt)
    assert step(http, made, "pause")["state"] == "paused"
    assert http.post(f"{PATH}/{made['id']}/pause").status_code == 409
    assert step(http, made, "resume")["state"] == "running"
    assert step(http, made, "cancel")["state"] == "canceling"
    expansion.run(rt)
    found = http.get(f"{PATH}/{made['id']}").json()
    assert sum(found["counts"]["by_status"].values()) + found["counts"]["canceled"] == 5
    assert http.post(f"{PATH}/{made['id']}/retry").status_code == 409


def test_it_is_followed_as_events(http: httpx.Client) -> None:
    made = make(http, "followed")
    with http.stream("GET", f"{PATH}/{made['id']}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert lines[0] == "event: progress"
    told = orjson.loads(lines[1].removeprefix("data: "))
    assert (told["id"], told["counts"]["waiting"]) == (made["id"], 5)


def test_what_is_wrong_is_said_with_its_field(http: httpx.Client) -> None:
    make(http, "taken")
    again = {"name": "taken", "body": "x", "recipients": PEOPLE}
    assert http.post(PATH, json=again).status_code == 409
    wrong = {"name": "w", "body": "Hi {{nick}} {{", "per_minute": 0, "canary": {"size": 0}}
    answer = http.post(PATH, json=wrong)
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"#/per_minute", "#/canary/size"}
    answer = http.post(PATH, json={"name": "w", "body": "Hi {{nick}}", "audience": {"x": 1}})
    found = {(e["pointer"], e["code"]) for e in answer.json()["errors"]}
    assert ("#/body", "unknown_placeholder") in found
    assert any(pointer.startswith("#/audience") for pointer, _ in found)


def test_nobody_sees_anothers_campaign(http: httpx.Client, stranger: Caller) -> None:
    made = make(http, "private")
    for method, path in (
        ("GET", ""), ("GET", "/recipients"), ("GET", "/events"), ("POST", "/start"),
        ("POST", "/pause"), ("POST", "/resume"), ("POST", "/cancel"), ("POST", "/retry"),
    ):  # fmt: skip
        theirs = http.request(method, f"{PATH}/{made['id']}{path}", headers=stranger.headers)
        nobodys = http.request(method, f"{NOBODY}{path}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json()["detail"] == nobodys.json()["detail"]
    assert http.get(PATH, headers=stranger.headers).json()["data"] == []


@pytest.mark.parametrize("cursor", ["x", "", "%00"])
def test_a_cursor_of_nobodys_is_refused(http: httpx.Client, cursor: str) -> None:
    assert http.get(PATH, params={"cursor": cursor}).status_code in {200, 422}
