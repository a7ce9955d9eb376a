"""`/v1/pools`: senders are grouped, many to many."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import Caller

PATH = "/v1/pools"
PLAIN = {
    "regions": None,
    "sticky": True,
    "local": True,
    "local_km": 400,
    "segments_per_second": None,
    "senders": 0,
}


def make(http: httpx.Client, name: str, **fields: Any) -> Any:
    answer = http.post(PATH, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_pool_is_made_and_changed(http: httpx.Client) -> None:
    assert make(http, "plain") == {"name": "plain"} | PLAIN
    said = {"sticky": False, "local": False, "local_km": 50, "segments_per_second": 2.5}
    made = make(http, "said", regions=["US", "CA"], **said)
    assert made == {"name": "said", "regions": ["CA", "US"], "senders": 0} | said
    assert [p["name"] for p in http.get(PATH).json()["data"]] == ["main", "plain", "said"]
    changed = http.patch(f"{PATH}/said", json={"segments_per_second": None, "sticky": True})
    assert changed.json() == made | {"segments_per_second": None, "sticky": True}
    assert http.post(PATH, json={"name": "said"}).status_code == 409


def test_a_sender_is_in_several_pools(http: httpx.Client, caller: Caller) -> None:
    make(http, "second")
    member = f"{PATH}/second/senders/{caller.sender.id}"
    assert [http.put(member).status_code for _ in range(2)] == [204, 204]
    (sender,) = http.get("/v1/senders").json()["data"]
    assert sender["pools"] == ["main", "second"]
    assert {p["name"]: p["senders"] for p in http.get(PATH).json()["data"]} == {
        "main": 1,
        "second": 1,
    }
    message = {"to": "+12025550123", "body": "x", "pool": "second"}
    assert http.post("/v1/messages", json=message).status_code == 202
    assert [http.delete(member).status_code for _ in range(2)] == [204, 404]
    answer = http.post("/v1/messages", json=message)
    assert (answer.status_code, answer.json()["code"]) == (422, "no_sender_in_pool")


def test_a_pool_that_is_needed_is_not_deleted(http: httpx.Client, caller: Caller) -> None:
    make(http, "second")
    member = f"{PATH}/second/senders/{caller.sender.id}"
    http.put(member)
    binding = {"kind": "campaign", "ref": "spring", "pool": "second"}
    assert http.put("/v1/bindings", json=binding).status_code == 200
    message = {"to": "+12025550123", "body": "x", "pool": "second"}
    waiting = http.post("/v1/messages", json=message).json()["id"]

    def refused(word: str) -> None:
        answer = http.delete(f"{PATH}/second")
        assert answer.status_code == 409, answer.text
        assert word in answer.json()["detail"]

    refused("bound")
    http.request("DELETE", "/v1/bindings", json=binding)
    refused("senders")
    http.delete(member)
    refused("wait")
    assert http.post(f"/v1/messages/{waiting}/cancel").status_code == 200
    assert http.delete(f"{PATH}/second").status_code == 204
    assert http.delete(f"{PATH}/second").status_code == 404


def test_a_pool_of_retired_senders_can_be_deleted(http: httpx.Client, caller: Caller) -> None:
    http.delete(f"/v1/senders/{caller.sender.id}")
    assert http.delete(f"{PATH}/main").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "pointer"),
    [
        ("POST", "", {}, 422, "#/name"),
        ("POST", "", {"name": "a\x00"}, 422, "#/name"),
        ("POST", "", {"name": "x", "regions": ["XX"]}, 422, "#/regions"),
        ("POST", "", {"name": "x", "local_km": -1}, 422, "#/local_km"),
        ("POST", "", {"name": "x", "segments_per_second": 0}, 422, "#/segments_per_second"),
        ("PATCH", "/main", {"name": "y"}, 422, "#/name"),
        ("PATCH", "/main", {"sticky": None}, 422, "#/sticky"),
        ("PATCH", "/none", {"sticky": True}, 404, None),
        ("PUT", "/none/senders/{sender}", None, 404, None),
        ("PUT", "/main/senders/12", None, 404, None),
        ("PUT", "/main/senders/01a1f9e3-4346-75aa-bfeb-9203c57ca19b", None, 404, None),
        ("DELETE", "/none/senders/{sender}", None, 404, None),
        ("DELETE", "/none", None, 404, None),
    ],
)
def test_what_was_asked_wrongly_changes_nothing(
    http: httpx.Client,
    caller: Caller,
    method: str,
    path: str,
    body: Any,
    status: int,
    pointer: str | None,
) -> None:
    before = http.get(PATH).json()
    answer = http.request(method, PATH + path.format(sender=caller.sender.id), json=body)
    assert answer.status_code == status, answer.text
    if pointer is not None:
        assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert http.get(PATH).json() == before
