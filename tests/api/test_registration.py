"""Registrations over HTTP and from a terminal: a number is put in order, and what waited for it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from messaging import dispatch, outcomes
from messaging.dispatch import Summary
from messaging.domain.message import Queue
from messaging.runtime import Runtime
from messaging.window import Window
from tests.api.conftest import Caller
from tests.carrier import Carrier

MESSAGE = {"to": "+12025550123", "body": "Hello"}
NO_ID = "01a1f9e3-4346-75aa-bfeb-9203c57ca19b"


class Pump:
    """Takes whatever is due, as a worker would, and hands it to a carrier that accepts it."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self.carrier = Carrier()
        self._window = Window(self.carrier, 500, lambda results: outcomes.record(rt, results))

    def until(self, http: httpx.Client, message_id: str, status: str) -> Any:
        deadline = time.monotonic() + 20
        while True:
            dispatch.take(self._rt, self._window, Queue.NORMAL, 250, Summary())
            self._window.drain(5)
            found = http.get(f"/v1/messages/{message_id}").json()
            if found["status"] == status:
                return found
            assert time.monotonic() < deadline, found["status"]
            time.sleep(0.05)


@pytest.fixture
def pump(rt: Runtime) -> Iterator[Pump]:
    made = Pump(rt)
    yield made
    made.carrier.close()


def put(http: httpx.Client, path: str, **fields: Any) -> Any:
    answer = http.put(f"/v1/{path}", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def standing(http: httpx.Client) -> str:
    (sender,) = http.get("/v1/senders").json()["data"]
    return str(sender["standing"])


CAMPAIGN = {"brand": "main", "status": "verified"}


@pytest.mark.parametrize(
    ("path", "broken", "mended", "reason"),
    [
        ("brands/main", {"status": "suspended"}, {"status": "active"}, "brand_suspended"),
        ("brands/main", {"status": "pending"}, {"status": "active"}, "campaign_not_verified"),
        ("tendlc-campaigns/main", CAMPAIGN | {"status": "suspended"}, CAMPAIGN,
         "campaign_not_verified"),
    ],
)  # fmt: skip
def test_what_was_held_for_a_registration_is_sent_when_it_is_there(
    http: httpx.Client, pump: Pump, path: str, broken: Any, mended: Any, reason: str
) -> None:
    assert standing(http) == "clear"
    message_id = http.post("/v1/messages", json=MESSAGE).json()["id"]
    put(http, path, **broken)
    assert standing(http) == reason
    found = pump.until(http, message_id, "blocked_missing_campaign")
    assert found["status_reason"] == reason
    # Nothing of the kind is taken any more.
    answer = http.post("/v1/messages", json=MESSAGE)
    assert (answer.status_code, answer.json()["code"]) == (422, reason)
    put(http, path, **mended)
    assert standing(http) == "clear"
    pump.until(http, message_id, "sent")
    events = http.get(f"/v1/messages/{message_id}/events").json()["events"]
    assert [e["event"] for e in events] == [
        "submitted",
        "blocked_missing_campaign",
        "unblocked",
        "attempted",
        "accepted",
    ]
    assert http.post("/v1/messages", json=MESSAGE).status_code == 202


def test_a_number_is_taken_off_its_campaign_and_put_on_another(
    http: httpx.Client, caller: Caller
) -> None:
    where = f"/v1/senders/{caller.sender.id}"
    found = http.patch(where, json={"campaign": None}).json()
    assert (found["campaign"], found["standing"]) == (None, "campaign_not_verified")
    assert http.post("/v1/messages", json=MESSAGE).json()["code"] == "campaign_not_verified"
    put(http, "brands/side", status="active", provider_brand_id="BN1")
    put(http, "tendlc-campaigns/side", brand="side", status="verified", use_case="MIXED")
    found = http.patch(where, json={"campaign": "side", "reply_owner": "self"}).json()
    assert (found["campaign"], found["standing"]) == ("side", "clear")
    assert (found["reply_owner"], found["state"]) == ("self", "active")
    found = http.patch(where, json={"verification": "suspended"}).json()
    assert (found["standing"], found["reply_owner"]) == ("campaign_not_verified", "self")
    found = http.patch(where, json={"verification": "verified", "state": "cordoned"}).json()
    assert (found["standing"], found["state"]) == ("clear", "cordoned")
    (listed,) = http.get("/v1/senders").json()["data"]
    assert listed == found


def test_brands_and_campaigns_are_listed_as_they_were_put(http: httpx.Client) -> None:
    brand = put(http, "brands/Acme Ltd", status="pending", account="main")
    registered = {"provider_brand_id": None, "account": "main", "segments_per_day": None}
    assert brand == {"name": "Acme Ltd", "status": "pending", **registered}
    campaign = put(
        http,
        "tendlc-campaigns/alerts",
        brand="Acme Ltd",
        status="pending",
        provider_campaign_id="QE1",
        provider_service_id="MG1",
        has_links=False,
        age_gated=True,
        segments_per_minute=240,
    )
    assert campaign["has_links"] is False
    assert (campaign["provider_campaign_id"], campaign["provider_service_id"]) == ("QE1", "MG1")
    assert (campaign["has_phone_numbers"], campaign["age_gated"]) == (True, True)
    assert campaign["segments_per_minute"] == 240
    brands = http.get("/v1/brands").json()["data"]
    assert [b["name"] for b in brands] == ["Acme Ltd", "main"]
    assert brand in brands
    campaigns = http.get("/v1/tendlc-campaigns").json()["data"]
    assert [c["name"] for c in campaigns] == ["alerts", "main"]
    assert campaign in campaigns
    # Put whole: what is left out the second time is as it is by default.
    again = put(http, "tendlc-campaigns/alerts", brand="main", status="failed")
    assert (again["has_links"], again["provider_campaign_id"]) == (True, None)


def test_a_pool_is_limited_to_countries(http: httpx.Client) -> None:
    (pool,) = http.get("/v1/pools").json()["data"]
    assert (pool["name"], pool["regions"]) == ("main", None)
    limited = http.patch("/v1/pools/main", json={"regions": ["US", "CA"]}).json()
    assert limited == pool | {"regions": ["CA", "US"]}
    abroad = {"to": "+5511955550123", "body": "x", "pool": "main"}
    answer = http.post("/v1/messages", json=abroad)
    assert (answer.status_code, answer.json()["code"]) == (422, "region_not_permitted")
    assert http.post("/v1/messages", json=MESSAGE | {"pool": "main"}).status_code == 202
    assert http.patch("/v1/pools/main", json={"regions": None}).json()["regions"] is None
    assert http.post("/v1/messages", json=abroad).status_code == 202


SENDER = "PATCH", "/v1/senders/{sender}"
POOL = "PATCH", "/v1/pools/main"
BRAND = "PUT", "/v1/brands/x"
WRONG: list[tuple[tuple[str, str], Any, int, str | None]] = [
    (BRAND, {}, 422, "#/status"),
    (BRAND, {"status": "great"}, 422, "#/status"),
    (BRAND, {"status": "active", "extra": 1}, 422, "#/extra"),
    (BRAND, {"status": "active", "provider_brand_id": "a\x00b"}, 422, "#/provider_brand_id"),
    (BRAND, {"status": "active", "account": "none"}, 422, "#/account"),
    (("PUT", f"/v1/brands/{'x' * 81}"), {"status": "active"}, 422, "#/name"),
    (("PUT", "/v1/brands/a%00b"), {"status": "active"}, 422, "#/name"),
    (("PUT", "/v1/tendlc-campaigns/x"), {"brand": "none", "status": "pending"}, 422, "#/brand"),
    (("PUT", "/v1/tendlc-campaigns/x"), {"status": "pending"}, 422, "#/brand"),
    (SENDER, {}, 422, "#"),
    (SENDER, {"campaign": "none"}, 422, "#/campaign"),
    (SENDER, {"campaign": "a\x00b"}, 422, "#/campaign"),
    (BRAND, {"status": "active", "segments_per_day": 0}, 422, "#/segments_per_day"),
    (SENDER, {"verification": None}, 422, "#/verification"),
    (SENDER, {"provider_verification_id": "HH1"}, 422, "#/provider_verification_id"),
    (SENDER, {"address": "+12025550177"}, 422, "#/address"),
    (("PATCH", f"/v1/senders/{NO_ID}"), {"state": "active"}, 404, None),
    (("PATCH", "/v1/senders/12"), {"state": "active"}, 404, None),
    (POOL, {}, 422, "#"),
    (POOL, {"regions": ["us"]}, 422, "#/regions"),
    (POOL, {"regions": ["XX"]}, 422, "#/regions"),
    (POOL, {"regions": "US"}, 422, "#/regions"),
    (("PATCH", "/v1/pools/none"), {"regions": ["US"]}, 404, None),
]


@pytest.mark.parametrize(("request_", "body", "status", "pointer"), WRONG)
def test_what_was_asked_wrongly_is_explained_and_changes_nothing(
    http: httpx.Client,
    caller: Caller,
    request_: tuple[str, str],
    body: Any,
    status: int,
    pointer: str | None,
) -> None:
    before = everything(http)
    method, path = request_
    answer = http.request(method, path.format(sender=caller.sender.id), json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        (error,) = answer.json()["errors"]
        assert error["pointer"].startswith(pointer)
        assert error["detail"]
    assert everything(http) == before


def everything(http: httpx.Client) -> list[Any]:
    paths = ("brands", "tendlc-campaigns", "senders", "pools")
    return [http.get(f"/v1/{path}").json() for path in paths]


def test_a_stranger_neither_sees_nor_changes_it(
    http: httpx.Client, anonymous: httpx.Client, caller: Caller, stranger: Caller
) -> None:
    put(http, "brands/mine", status="active")
    before = everything(http)
    theirs: dict[str, Any] = {"headers": stranger.headers}
    assert "mine" not in anonymous.get("/v1/brands", **theirs).text
    where = f"/v1/senders/{caller.sender.id}"
    assert anonymous.patch(where, json={"campaign": "main"}, **theirs).status_code == 404
    campaign = {"brand": "mine", "status": "verified"}
    answer = anonymous.put("/v1/tendlc-campaigns/theirs", json=campaign, **theirs)
    assert answer.json()["errors"][0]["code"] == "unknown_brand"
    suspended = {"status": "suspended"}
    assert anonymous.put("/v1/brands/mine", json=suspended, **theirs).status_code == 200
    assert everything(http) == before
    for path in ("brands", "tendlc-campaigns", "pools"):
        assert anonymous.get(f"/v1/{path}").status_code == 401
