"""`/v1/billing` and `/v1/prices`: what a tenant is told of its money, and may say of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from messaging import billing
from messaging.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from messaging.domain.pricing import Price
from messaging.runtime import Runtime

PATH = "/v1/billing"


@pytest.fixture
def billed(rt: Runtime, caller: Any) -> None:
    billing.enable(rt, caller.tenant, "USD")
    billing.top_up(rt, caller.tenant, Decimal("12.50"))


def test_who_is_not_billed_is_told_so_and_has_no_caps(http: httpx.Client) -> None:
    answer = http.get(PATH).json()
    assert (answer.pop("billed"), answer.pop("campaigns")) == (False, [])
    assert set(answer.values()) == {None}
    assert http.put(f"{PATH}/caps", json={"cap": "1"}).status_code == 404


@pytest.mark.usefixtures("billed")
def test_a_balance_is_shown_in_decimal_strings(http: httpx.Client) -> None:
    answer = http.get(PATH).json()
    assert answer == {
        "billed": True,
        "currency": "USD",
        "balance": "12.5",
        "reserved": "0",
        "spent_today": "0",
        "day_cap": None,
        "enabled_at": answer["enabled_at"],
        "campaigns": [],
    }


@pytest.mark.usefixtures("billed")
def test_caps_are_set_and_lifted(http: httpx.Client) -> None:
    assert http.put(f"{PATH}/caps", json={"cap": "100"}).json()["day_cap"] == "100"
    capped = http.put(f"{PATH}/caps", json={"campaign": "spring", "cap": "25.50"}).json()
    assert capped["campaigns"] == [{"campaign": "spring", "cap": "25.5", "spent": "0"}]
    http.put(f"{PATH}/caps", json={"campaign": "spring", "cap": None})
    answer = http.put(f"{PATH}/caps", json={"cap": None}).json()
    assert (answer["day_cap"], answer["campaigns"]) == (None, [])


@pytest.mark.usefixtures("billed")
@pytest.mark.parametrize("body", [{}, {"cap": -1}, {"cap": "1e9"}, {"cap": "0.0000001"}, {"a": 1}])
def test_a_cap_is_a_decimal_string(http: httpx.Client, body: dict[str, Any]) -> None:
    assert http.put(f"{PATH}/caps", json=body).status_code == 422


def test_prices_are_listed_a_tenants_own_first(
    http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    everybody, own = Price(Decimal("0.04"), "USD"), Price(Decimal("0.0079"), "USD", country="US")
    billing.set_prices(rt, caller.tenant, [everybody])
    content = b"per_segment,country\n0.0079,US\n"
    assert billing.import_prices(rt, caller.tenant, content, own=True) == 1
    first, *others = http.get("/v1/prices").json()["data"]
    assert (first["own"], first["per_segment"], first["country"]) == (True, "0.0079", own.country)
    assert ("0.04", "*") in {(p["per_segment"], p["country"]) for p in others}
    assert not any(p["own"] for p in others)


def test_a_file_with_one_bad_price_is_not_taken(
    http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        billing.import_prices(rt, caller.tenant, b"per_segment\n0.01\nmuch\n", own=True)
    assert [p.pointer for p in refused.value.problems] == ["#/3/per_segment"]
    assert not any(p["own"] for p in http.get("/v1/prices").json()["data"])


@pytest.mark.usefixtures("billed")
def test_a_message_tells_its_price(http: httpx.Client) -> None:
    made = http.post("/v1/messages", json={"to": "+12025550123", "body": "x"}).json()
    shown = http.get(f"/v1/messages/{made['id']}").json()
    assert (shown["billable_amount"], shown["billing_status"]) == (None, None)


def test_billing_begins_once_and_only_then_is_there_a_balance(rt: Runtime, caller: Any) -> None:
    with pytest.raises(NotFoundError):
        billing.top_up(rt, caller.tenant, Decimal(1))
    billing.enable(rt, caller.tenant, "USD")
    with pytest.raises(ConflictError):
        billing.enable(rt, caller.tenant, "USD")
