from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.runtime import Runtime
from messaging.store import tables as t

MESSAGE = {"to": "+12025550123", "body": "Once"}


def post(client: httpx.Client, body: Any, key: str) -> httpx.Response:
    return client.post("/v1/messages", json=body, headers={"Idempotency-Key": key})


def kept(rt: Runtime, caller: Any) -> int:
    query = sa.select(sa.func.count()).where(t.messages.c.tenant_id == caller.tenant.id)
    with rt.engine.connect() as db:
        return int(db.execute(query).scalar_one())


def test_a_repeat_gets_the_first_answer(http: httpx.Client, rt: Runtime, caller: Any) -> None:
    first = post(http, MESSAGE, "order-1")
    again = post(http, MESSAGE, "order-1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert kept(rt, caller) == 1


def test_header_quoted_header_and_field_are_one_key(
    http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    answers = [
        post(http, MESSAGE, "order-2"),
        post(http, MESSAGE, '"order-2"'),
        http.post("/v1/messages", json=MESSAGE | {"idempotency_key": "order-2"}),
        post(http, MESSAGE | {"idempotency_key": "order-2"}, "order-2"),
    ]
    assert len({a.json()["id"] for a in answers}) == 1
    assert kept(rt, caller) == 1


def test_another_message_under_the_same_key_is_refused(http: httpx.Client) -> None:
    post(http, MESSAGE, "order-3")
    answer = post(http, MESSAGE | {"body": "Twice"}, "order-3")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_leaves_its_key_free(http: httpx.Client) -> None:
    assert post(http, MESSAGE | {"to": "12"}, "order-4").status_code == 422
    assert post(http, MESSAGE, "order-4").status_code == 202


def test_keys_of_two_tenants_are_two_keys(
    http: httpx.Client, anonymous: httpx.Client, stranger: Any
) -> None:
    mine = post(http, MESSAGE, "order-5").json()["id"]
    theirs = anonymous.post(
        "/v1/messages", json=MESSAGE, headers=stranger.headers | {"Idempotency-Key": "order-5"}
    )
    assert theirs.json()["id"] != mine


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([MESSAGE, MESSAGE], id="all good"),
        pytest.param([MESSAGE, {"to": "+12025550123"}, 5], id="some of no form"),
    ],
)
def test_a_list_has_one_key(
    http: httpx.Client, rt: Runtime, caller: Any, entries: list[Any]
) -> None:
    first = post(http, entries, "list")
    again = post(http, entries, "list")
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert kept(rt, caller) == first.json()["accepted"]
    other = post(http, [*entries, {"to": "x"}], "list")
    assert other.json()["code"] == "idempotency_key_reused"


def test_fifty_twins_at_once_are_one_message(http: httpx.Client, rt: Runtime, caller: Any) -> None:
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: post(http, MESSAGE, "twins"), range(50)))
    ids = {a.json()["id"] for a in answers if a.status_code == 202}
    busy = [a for a in answers if a.status_code != 202]
    assert len(ids) == 1
    assert {a.json()["code"] for a in busy} <= {"idempotency_in_progress"}
    assert all(a.headers["retry-after"] == "1" for a in busy)
    assert kept(rt, caller) == 1
    assert post(http, MESSAGE, "twins").json()["id"] in ids
