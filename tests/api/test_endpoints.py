"""`/v1/endpoints`: added, changed, tried, rotated, removed; and what they were told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging import deliveries
from messaging.courier import Courier
from messaging.domain.notices import Kind
from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.receiver import Receiver, receiver

PATH = "/v1/endpoints"
NOBODY = f"{PATH}/00000000-0000-0000-0000-000000000000"
LONG_AGO = {"since": "2020-01-01T00:00:00Z"}


@pytest.fixture
def customer() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def add(http: httpx.Client, url: str, **fields: Any) -> Any:
    answer = http.post(PATH, json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def problem(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    return error["pointer"], error["code"]


def deliver(rt: Runtime) -> None:
    courier = Courier(rt.settings.callback_allowed)
    deliveries.run(rt, courier, seconds=30)
    courier.close()


def told(http: httpx.Client, endpoint: Any, **query: Any) -> Any:
    answer = http.get(f"{PATH}/{endpoint['id']}/notices", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_an_endpoint_is_added_read_changed_and_removed(
    http: httpx.Client, customer: Receiver
) -> None:
    made = add(http, customer.url)
    assert made["secret"].startswith("whsec_")
    assert made["events"] == [kind.value for kind in Kind]
    where = f"{PATH}/{made['id']}"
    shown = {k: v for k, v in made.items() if k != "secret"}
    assert http.get(where).json() == shown
    assert http.get(PATH).json() == {"data": [shown]}
    changed = http.patch(where, json={"events": ["message.failed"], "enabled": False}).json()
    assert (changed["events"], changed["enabled"]) == (["message.failed"], False)
    assert (changed["disabled_reason"], changed["disabled_at"] is None) == ("asked", False)
    assert http.post(f"{where}/test").status_code == 409
    assert http.post(f"{where}/replay", json=LONG_AGO).status_code == 409
    assert http.patch(where, json={"enabled": True}).json() == shown | {
        "events": ["message.failed"]
    }
    moved = customer.url + "/elsewhere"
    assert http.patch(where, json={"url": moved}).json()["url"] == moved
    assert http.delete(where).status_code == 204
    assert http.delete(where).status_code == http.get(where).status_code == 404
    assert http.get(PATH).json() == {"data": []}


REFUSED = [
    ("https://10.0.0.1/", "not_public"),
    ("https://169.254.169.254/latest/meta-data", "not_public"),
    ("https://[::1]/", "not_public"),
    ("https://[64:ff9b::7f00:1]/", "not_public"),
    ("http://8.8.8.8/", "not_https"),
    ("https://8.8.8.8:22/", "port_not_allowed"),
    ("https://user:secret@8.8.8.8/", "user_in_url"),
    ("https://2130706433/", "not_a_url"),
    ("ftp://8.8.8.8/", "not_a_url"),
    ("nonsense", "not_a_url"),
]


@pytest.mark.parametrize(("url", "code"), REFUSED)
def test_a_url_that_leads_inside_is_refused_with_a_remedy(
    http: httpx.Client, customer: Receiver, url: str, code: str
) -> None:
    answer = http.post(PATH, json={"url": url})
    assert problem(answer) == ("#/url", code)
    assert url not in answer.text
    assert len(answer.json()["errors"][0]["detail"]) > 20
    made = add(http, customer.url)
    assert problem(http.patch(f"{PATH}/{made['id']}", json={"url": url})) == ("#/url", code)
    assert http.get(f"{PATH}/{made['id']}").json()["url"] == customer.url


def test_what_is_asked_wrongly_is_said(http: httpx.Client, customer: Receiver) -> None:
    made = add(http, customer.url)
    where = f"{PATH}/{made['id']}"
    assert http.post(PATH, json={"url": customer.url}).status_code == 409
    other = add(http, customer.url + "2")
    assert http.patch(f"{PATH}/{other['id']}", json={"url": customer.url}).status_code == 409
    for body in ({"url": customer.url, "events": []}, {"url": customer.url, "events": ["x"]}, {}):
        assert http.post(PATH, json=body).status_code == 422
    assert http.patch(where, json={}).status_code == 422
    assert http.post(f"{where}/test", json={"type": "x"}).status_code == 422
    assert http.post(f"{where}/replay", json={}).status_code == 422
    assert http.post(f"{where}/replay", json={"since": "2020-01-01T00:00:00"}).status_code == 422
    assert problem(http.get(f"{where}/notices?cursor=x")) == ("#/cursor", "not_valid")
    for method, path in (
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test"),
        ("GET", "/notices"), ("POST", "/replay"),
    ):  # fmt: skip
        given: Any = (
            {"enabled": True} if method == "PATCH" else LONG_AGO if path == "/replay" else None
        )
        assert http.request(method, NOBODY + path, json=given).status_code == 404
        assert http.request(method, f"{PATH}/x{path}", json=given).status_code == 404


def test_there_is_a_most_of_endpoints(http: httpx.Client, customer: Receiver) -> None:
    for n in range(16):
        add(http, f"{customer.url}/{n}")
    answer = http.post(PATH, json={"url": f"{customer.url}/more"})
    assert (answer.status_code, "remove one" in answer.text) == (409, True)


def test_an_example_arrives_and_is_listed(
    http: httpx.Client, rt: Runtime, customer: Receiver
) -> None:
    made = add(http, customer.url, events=["message.received"])
    answer = http.post(f"{PATH}/{made['id']}/test", json={"type": "message.failed"})
    assert answer.status_code == 202
    (waiting,) = told(http, made)
    assert waiting | {"at": "", "due_at": ""} == {
        "id": answer.json()["id"], "type": "message.failed", "message_id": None, "at": "",
        "state": "waiting", "due_at": "", "tries": 0, "last_status": None, "last_error": None,
        "delivered_at": None,
    }  # fmt: skip
    deliver(rt)
    (heard,) = customer.heard
    assert heard.verified(made["secret"])["data"]["test"] is True
    assert heard.id == waiting["id"]
    (delivered,) = told(http, made)
    assert (delivered["state"], delivered["last_status"]) == ("delivered", 204)
    assert delivered["due_at"] is None


def test_what_a_message_does_is_told_listed_by_state_and_page_and_told_again(
    http: httpx.Client, rt: Runtime, customer: Receiver
) -> None:
    made = add(http, customer.url)
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()  # noqa: TID251 - the caller's clock
    ids = []
    for _ in range(5):
        message = {"to": "+12025550123", "body": "Hi", "scheduled_for": later}
        ids.append(http.post("/v1/messages", json=message).json()["id"])
        assert http.post(f"/v1/messages/{ids[-1]}/cancel").status_code == 200
    assert [n["message_id"] for n in told(http, made)] == ids[::-1]
    customer.says(204, 500)
    with rt.engine.begin() as db:
        db.execute(sa.text("UPDATE notices SET gives_up_at = now()"))
    deliver(rt)
    assert len(told(http, made, state="dead")) == 4
    assert len(told(http, made, state="delivered")) == 1
    seen: list[str] = []
    url: str | None = f"{PATH}/{made['id']}/notices?limit=2"
    while url:
        answer = http.get(url)
        seen += [n["id"] for n in answer.json()["data"]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == [n["id"] for n in told(http, made)]
    customer.says(204)
    again = http.post(f"{PATH}/{made['id']}/replay", json=LONG_AGO)
    assert (again.status_code, again.json()["replayed"], again.json()["more"]) == (202, 4, False)
    deliver(rt)
    assert {n["state"] for n in told(http, made)} == {"delivered"}
    whole = {**LONG_AGO, "state": "all", "message_id": ids[0]}
    assert http.post(f"{PATH}/{made['id']}/replay", json=whole).json()["replayed"] == 1


def test_a_new_secret_signs_beside_the_old_one(
    http: httpx.Client, rt: Runtime, customer: Receiver
) -> None:
    made = add(http, customer.url)
    rotated = http.post(f"{PATH}/{made['id']}/rotate").json()
    assert rotated["secret"] != made["secret"]
    assert rotated["two_secrets_until"] is not None
    http.post(f"{PATH}/{made['id']}/test")
    deliver(rt)
    (heard,) = customer.heard
    assert heard.verified(made["secret"]) == heard.verified(rotated["secret"])


def test_a_secret_is_nowhere_in_clear(
    http: httpx.Client, rt: Runtime, caller: Caller, customer: Receiver
) -> None:
    made = add(http, customer.url)
    with rt.engine.connect() as db:
        query = sa.text("SELECT * FROM endpoints WHERE tenant_id = :id")
        (row,) = db.execute(query, {"id": caller.tenant.id}).mappings()
    assert made["secret"] not in str(dict(row))
    assert rt.sealer.decrypt(row["secret_sealed"]).decode() == made["secret"]
