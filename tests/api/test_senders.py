"""`/v1/senders`: everything that can be sent from is added, looked at, changed and retired."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.runtime import Runtime
from tests.api.conftest import Caller

PATH = "/v1/senders"
MESSAGE = {"to": "+12025550123", "body": "Hello"}


def add(http: httpx.Client, address: str, **fields: Any) -> Any:
    answer = http.post(PATH, json={"address": address, **fields})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    return answer.json()


def change(http: httpx.Client, sender_id: Any, **fields: Any) -> Any:
    answer = http.patch(f"{PATH}/{sender_id}", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("raw", "fields", "found"),
    [
        ("+12025550150", {}, {"kind": "long_code", "mps": 1.0, "country": "US"}),
        ("+18885550150", {}, {"kind": "toll_free", "mps": 3.0, "reply_owner": "network"}),
        ("+5511955550150", {}, {"kind": "international", "mps": 1.0, "country": "BR"}),
        ("72345", {}, {"kind": "short_code", "mps": 100.0, "country": None}),
        ("Acme", {"country": "GB"}, {"kind": "alphanumeric", "mps": 1.0, "country": "GB"}),
        (
            "News@Example.com",
            {},
            {"kind": "email", "channel": "email", "capabilities": ["email"]},
        ),
        (
            "17841400000000000",
            {"channel": "instagram_dm"},
            {"kind": "instagram", "channel": "instagram_dm", "capabilities": ["instagram_dm"]},
        ),
    ],
)
def test_a_sender_of_every_kind_is_added(
    http: httpx.Client, raw: str, fields: dict[str, Any], found: dict[str, Any]
) -> None:
    made = add(http, raw, **fields)
    assert {name: made[name] for name in found} == found
    assert (made["state"], made["account"]) == ("fresh", "main")
    listed = {s["id"]: s for s in http.get(PATH).json()["data"]}
    assert listed[made["id"]] == made
    whole = http.get(f"{PATH}/{made['id']}").json()
    assert whole == made | {"history": []}


def test_what_is_said_of_a_sender_is_kept(http: httpx.Client) -> None:
    made = add(
        http,
        "+12025550150",
        account="main",
        capabilities=["sms", "mms", "flash"],
        mps=2.5,
        owner="ann",
        daily_recipients=40,
        ramp=[10, 20],
        pools=["main", "new one"],
        campaign="main",
        reply_owner="self",
        is_default=True,
    )
    assert made["capabilities"] == ["flash", "mms", "sms"]
    assert (made["mps"], made["owner"], made["reply_owner"]) == (2.5, "ann", "self")
    assert (made["campaign"], made["standing"], made["is_default"]) == ("main", "clear", True)
    assert made["pools"] == ["main", "new one"]
    limits = (made["daily_recipients"], made["ramp"], made["ramp_level"])
    assert limits == (40, [10, 20], 0)
    assert (made["allowance"], made["warming"], made["headroom"]) == (10, True, 1.0)


def test_a_sender_changes_part_by_part(http: httpx.Client, caller: Caller) -> None:
    http.post("/v1/pools", json={"name": "side"})
    sender_id = caller.sender.id
    found = change(http, sender_id, mps=4, capabilities=["sms", "mms"], owner="bob", country="CA")
    assert (found["mps"], found["capabilities"]) == (4.0, ["mms", "sms"])
    assert (found["owner"], found["country"], found["is_default"]) == ("bob", "CA", True)
    found = change(http, sender_id, owner=None, country=None, mps=None, capabilities=None)
    assert (found["owner"], found["country"]) == (None, "US")
    assert (found["mps"], found["capabilities"]) == (1.0, ["sms"])
    found = change(http, sender_id, daily_recipients=7, ramp="default", ramp_level=2)
    assert (found["ramp_level"], found["ramp"][2], found["daily_recipients"]) == (2, 500, 7)
    assert (found["warming"], found["allowance"]) == (False, 7)
    found = change(http, sender_id, ramp=None, daily_recipients=None)
    assert (found["ramp"], found["ramp_level"], found["allowance"]) == (None, 0, None)
    assert change(http, sender_id, pools=["side"])["pools"] == ["side"]
    assert change(http, sender_id, pools=["main", "side"])["pools"] == ["main", "side"]
    assert change(http, sender_id, pools=[], is_default=False)["pools"] == []
    assert change(http, sender_id, is_default=True)["is_default"] is True


def test_states_are_said_and_remembered(http: httpx.Client, caller: Caller) -> None:
    sender_id = caller.sender.id
    before = http.get(f"{PATH}/{sender_id}").json()
    found = change(http, sender_id, state="cordoned")
    assert (found["state"], found["state_reason"]) == ("cordoned", "operator")
    assert found["state_since"] > before["state_since"]
    assert change(http, sender_id, state="active")["state"] == "active"
    assert http.delete(f"{PATH}/{sender_id}").status_code == 204
    whole = http.get(f"{PATH}/{sender_id}").json()
    assert [h["state"] for h in whole["history"]] == ["retired", "active", "cordoned"]
    assert {h["reason"] for h in whole["history"]} == {"operator"}
    assert http.get(PATH).json()["data"] == []
    # Retired is for ever.
    assert http.delete(f"{PATH}/{sender_id}").status_code == 404
    assert http.patch(f"{PATH}/{sender_id}", json={"state": "active"}).status_code == 404
    again = http.post(PATH, json={"address": caller.sender.address})
    assert again.json()["errors"][0]["code"] == "taken"


def test_retiring_by_state_answers_with_the_sender(http: httpx.Client, caller: Caller) -> None:
    assert change(http, caller.sender.id, state="retired")["state"] == "retired"


TODAY = "(now() AT TIME ZONE 'America/Los_Angeles')::date"
DAY = (
    f"INSERT INTO rate_totals (day, key, used) VALUES ({TODAY}, :key, 8640), ({TODAY} - 1, :key, 99999)",
    "INSERT INTO rate_log (used) VALUES (jsonb_build_object(CAST(:key AS text), 8640))",
    f"INSERT INTO sender_recipients (sender_id, day, recipient_key) VALUES (:id, {TODAY}, 'a'), (:id, {TODAY}, 'b')",
    f"INSERT INTO sender_recipients (sender_id, day, recipient_key) VALUES (:id, {TODAY}, 'c'), (:id, {TODAY} - 1, 'd')",
    """INSERT INTO sender_stats (sender_id, template, bucket, sent, delivered, filtered) VALUES
       (:id, '', now(), 30, 19, 1), (:id, 'x', now() - interval '1 hour', 10, 0, 0),
       (:id, '', now() - interval '25 hours', 500, 500, 0)""",
)


def test_its_day_is_shown(rt: Runtime, http: httpx.Client, caller: Caller) -> None:
    sender_id = caller.sender.id
    change(http, sender_id, mps=1, daily_recipients=4)
    with rt.engine.begin() as db:
        for statement in DAY:
            db.execute(sa.text(statement), {"id": sender_id, "key": f"s:{sender_id}"})
    (found,) = http.get(PATH).json()["data"]
    assert found["today"] == {"segments": 17280.0, "share": 0.2, "recipients": 3}
    assert (found["headroom"], found["allowance"]) == (0.25, 4)
    assert (found["day"]["sent"], found["day"]["delivered"]) == (40, 19)
    ratios = found["day"]["ratios"]
    assert (ratios["delivered"], ratios["filtered"], ratios["replies"]) == (0.95, 0.05, 0.0)
    assert found["health"] == "filtered 5.0 % of 20"


def test_what_waited_for_a_sender_is_sent_from_a_new_one(
    http: httpx.Client, caller: Caller
) -> None:
    change(http, caller.sender.id, state="retired")
    assert http.post("/v1/messages", json=MESSAGE).status_code == 422
    add(http, "+12025550150", pools=["main"], campaign="main", is_default=True)
    assert http.post("/v1/messages", json=MESSAGE).status_code == 202


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "#/address"),
    ({"address": ""}, 422, "#/address"),
    ({"address": "+1202555"}, 422, "#/address"),
    ({"address": "twelve chars"}, 422, "#/address"),
    ({"address": "+12025550199"}, 422, "#/address"),
    ({"address": "+12025550151", "account": "none"}, 422, "#/account"),
    ({"address": "+12025550151", "campaign": "none"}, 422, "#/campaign"),
    ({"address": "+12025550151", "channel": "mms"}, 422, "#/channel"),
    ({"address": "+12025550151", "capabilities": ["email"]}, 422, "#/capabilities"),
    ({"address": "+12025550151", "capabilities": []}, 422, "#/capabilities"),
    ({"address": "+12025550151", "country": "XX"}, 422, "#/country"),
    ({"address": "+12025550151", "mps": 0}, 422, "#/mps"),
    ({"address": "+12025550151", "ramp": "slow"}, 422, "#/ramp"),
    ({"address": "+12025550151", "ramp": []}, 422, "#/ramp"),
    ({"address": "+12025550151", "daily_recipients": 0}, 422, "#/daily_recipients"),
    ({"address": "+12025550151", "pools": ["a\x00b"]}, 422, "#/pools/0"),
    ({"address": "+12025550151", "state": "active"}, 422, "#/state"),
    ({"address": "+12025550151", "pools": ["ghost"], "account": "none"}, 422, "#/account"),
]


@pytest.mark.parametrize(("body", "status", "pointer"), WRONG)
def test_a_sender_that_is_wrong_is_explained_and_not_added(
    http: httpx.Client, body: dict[str, Any], status: int, pointer: str
) -> None:
    before = [http.get(path).json() for path in (PATH, "/v1/pools")]
    answer = http.post(PATH, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert [http.get(path).json() for path in (PATH, "/v1/pools")] == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"pools": ["none"]}, "#/pools/0"),
        ({"pools": None}, "#/pools"),
        ({"state": "warming"}, "#/state"),
        ({"ramp_level": -1}, "#/ramp_level"),
        ({"capabilities": ["instagram_dm"]}, "#/capabilities"),
    ],
)
def test_a_change_that_is_wrong_changes_nothing(
    http: httpx.Client, caller: Caller, body: dict[str, Any], pointer: str
) -> None:
    where = f"{PATH}/{caller.sender.id}"
    before = http.get(where).json()
    answer = http.patch(where, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert http.get(where).json() == before


def test_with_two_accounts_one_must_be_named(
    rt: Runtime, http: httpx.Client, caller: Caller
) -> None:
    from messaging import accounts
    from messaging.accounts import NewAccount

    accounts.add(rt, caller.tenant, NewAccount("twilio", "second", "AC2", "secret"))
    answer = http.post(PATH, json={"address": "+12025550150"})
    assert answer.json()["errors"][0]["pointer"] == "#/account"
    assert add(http, "+12025550150", account="second")["account"] == "second"
