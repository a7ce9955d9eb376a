"""`/v1/use-cases`: a pool under an id, made, listed, switched off and removed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

PATH = "/v1/use-cases"
TO = "+12025550123"


def made(http: httpx.Client, name: str = "alerts", pool: str = "main") -> Any:
    answer = http.post(PATH, json={"name": name, "pool": pool})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_use_case_is_made_listed_changed_and_removed(http: httpx.Client) -> None:
    found = made(http)
    assert found == {
        "id": found["id"],
        "name": "alerts",
        "pool": "main",
        "active": True,
        "created_at": found["created_at"],
    }
    assert http.get(PATH).json() == {"data": [found]}
    mine = f"{PATH}/{found['id']}"
    http.post("/v1/pools", json={"name": "second"})
    changed = http.patch(mine, json={"active": False, "pool": "second"}).json()
    assert changed == found | {"active": False, "pool": "second"}
    assert http.delete(mine).status_code == 204
    assert [http.delete(mine).status_code, http.patch(mine, json={"active": True}).status_code] == [
        404,
        404,
    ]
    assert http.get(PATH).json() == {"data": []}


def test_messages_name_its_id_and_leave_from_its_pool(http: httpx.Client) -> None:
    found = made(http)
    message = {"to": TO, "body": "x", "use_case": found["id"]}
    assert http.post("/v1/messages", json=message).status_code == 202
    http.post("/v1/pools", json={"name": "second"})
    http.patch(f"{PATH}/{found['id']}", json={"pool": "second"})
    assert http.post("/v1/messages", json=message).json()["code"] == "no_sender_in_pool"
    http.delete(f"{PATH}/{found['id']}")
    (error,) = http.post("/v1/messages", json=message).json()["errors"]
    assert error["code"] == "unknown_use_case"


def test_one_name_is_used_once_and_again_once_it_is_free(http: httpx.Client) -> None:
    found = made(http)
    assert http.post(PATH, json={"name": "alerts", "pool": "main"}).status_code == 409
    http.delete(f"{PATH}/{found['id']}")
    assert made(http)["id"] != found["id"]


def test_its_pool_cannot_be_deleted_until_it_is_removed(http: httpx.Client) -> None:
    http.post("/v1/pools", json={"name": "empty"})
    found = made(http, pool="empty")
    assert http.delete("/v1/pools/empty").status_code == 409
    http.delete(f"{PATH}/{found['id']}")
    assert http.delete("/v1/pools/empty").status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"pool": "main"}, "#/name"),
        ({"name": "", "pool": "main"}, "#/name"),
        ({"name": "a", "pool": "nowhere"}, "#/pool"),
        ({"name": "a", "pool": "main", "more": 1}, "#/more"),
    ],
)
def test_what_is_wrong_is_pointed_at(
    http: httpx.Client, body: dict[str, Any], pointer: str
) -> None:
    answer = http.post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


def test_of_another_tenants_nothing_is_seen(
    http: httpx.Client, address: str, stranger: Any
) -> None:
    found = made(http)
    with httpx.Client(base_url=address, headers=stranger.headers) as foreign:
        assert foreign.get(PATH).json() == {"data": []}
        assert foreign.delete(f"{PATH}/{found['id']}").status_code == 404
        assert foreign.patch(f"{PATH}/{found['id']}", json={"active": False}).status_code == 404
    assert http.get(PATH).json() == {"data": [found]}


def test_who_changed_one_is_written_down(http: httpx.Client) -> None:
    mine = f"{PATH}/{made(http)['id']}"
    http.patch(mine, json={"active": False, "pool": "main"})
    http.delete(mine)
    found = [e for e in http.get("/v1/audit").json()["data"] if e["action"].startswith("use_case.")]
    assert [(e["action"], e["target"], e["fields"]) for e in found] == [
        ("use_case.deleted", mine.rpartition("/")[2], []),
        ("use_case.changed", mine.rpartition("/")[2], ["active", "pool_id"]),
        ("use_case.created", mine.rpartition("/")[2], []),
    ]
