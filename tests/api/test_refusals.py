"""What a new user is told when a rule says no: the code, the headline and what to do, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.runtime import Runtime
from messaging.store import senders as sender_store
from messaging.store import tables as t
from tests.api.conftest import Caller

TO = "+12025550123"


def send(http: httpx.Client, **fields: Any) -> httpx.Response:
    return http.post("/v1/messages", json={"to": TO, "body": "Hello"} | fields)


def refused(answer: httpx.Response, code: str, pointer: str, *words: str) -> dict[str, Any]:
    """The problem document of a refusal, checked for what a person needs."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem["type"] == f"/problems/{code}"
    (error,) = problem["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    for word in words:
        assert word in problem["detail"]
    assert TO not in answer.text
    return problem


def empty_pool(rt: Runtime, caller: Caller) -> None:
    with rt.engine.begin() as db:
        sender_store.add_pool(db, caller.tenant.id, rt.new_id(), "empty")
    rt.forget(caller.tenant.id)


def test_a_pool_without_a_number(http: httpx.Client, rt: Runtime, caller: Caller) -> None:
    empty_pool(rt, caller)
    refused(
        send(http, pool="empty"), "no_sender_in_pool", "#/pool", "no number", "posthorn senders add"
    )


def test_us_long_codes_without_a_verified_campaign(http: httpx.Client) -> None:
    changed = http.put("/v1/tendlc-campaigns/main", json={"brand": "main", "status": "pending"})
    assert changed.status_code == 200, changed.text
    refused(send(http), "campaign_not_verified", "#/pool", "10DLC", "register")
    again = http.put("/v1/tendlc-campaigns/main", json={"brand": "main", "status": "verified"})
    assert again.status_code == 200
    assert send(http).status_code == 202


def test_a_suspended_brand_has_a_reason_of_its_own(http: httpx.Client) -> None:
    assert http.put("/v1/brands/main", json={"status": "suspended"}).status_code == 200
    refused(send(http), "brand_suspended", "#/pool", "brand", "suspended")
    assert send(http, to="+14165550123").status_code == 202, "Canada knows no 10DLC"


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("+442079460123", "landline"),
        ("+551125550123", "landline"),
        ("+18005550123", "number_type_refused"),
        ("+19005550123", "number_type_refused"),
    ],
)
def test_a_number_that_takes_no_messages(http: httpx.Client, to: str, code: str) -> None:
    problem = refused(send(http, to=to), code, "#/to", "mobile number")
    assert to not in str(problem)


@pytest.mark.parametrize("to", ["+1234567890", "11888888888", "+10005550123", "not a number"])
def test_a_number_that_is_none(http: httpx.Client, to: str) -> None:
    answer = send(http, to=to)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "#/to"


def test_a_number_that_a_provider_once_called_a_landline(http: httpx.Client) -> None:
    told = http.post(
        "/v1/numbers/import",
        content=f"to,line_type\n{TO},landline\n",
        headers={"Content-Type": "text/csv"},
    )
    assert told.status_code == 201, told.text
    refused(send(http), "landline", "#/to", "landline", "import")


def test_somebody_who_opted_out(http: httpx.Client) -> None:
    assert http.post("/v1/suppressions", json={"to": TO}).status_code == 201
    refused(send(http), "opted_out", "#/to", "opted out", "START")


def test_a_region_that_is_not_permitted(http: httpx.Client) -> None:
    assert (
        http.patch("/v1/policy", json={"destinations": {"regions": ["US", "CA"]}}).status_code
        == 200
    )
    refused(send(http, to="+5511955550123"), "region_not_permitted", "#/to", "BR", "regions")
    assert send(http).status_code == 202


def test_a_region_that_the_pool_does_not_serve(http: httpx.Client) -> None:
    assert http.patch("/v1/pools/main", json={"regions": ["US"]}).status_code == 200
    refused(
        send(http, to="+5511955550123", pool="main"), "region_not_permitted", "#/to", "sender pool"
    )


def test_a_flash_message_may_hold_no_link(http: httpx.Client) -> None:
    refused(
        send(http, flash=True, body="Grátis: https://exemplo.com.br"),
        "flash_url_forbidden",
        "#/body",
        "link",
    )


def test_a_flash_message_fits_in_one_segment(http: httpx.Client) -> None:
    refused(send(http, flash=True, body="a" * 161), "flash_too_long", "#/body", "one segment")


def test_flash_where_no_provider_offers_it(http: httpx.Client) -> None:
    refused(send(http, flash=True), "flash_not_offered", "#/flash", "ordinary message")
    taken = send(http, flash=True, flash_fallback=True)
    assert taken.status_code == 202
    assert http.get(taken.headers["location"]).json()["flash"] is False


def test_marketing_without_consent(http: httpx.Client) -> None:
    refused(send(http, category="MARKETING"), "no_consent", "#/category", "POST /v1/consents")
    consent = {"to": TO, "action": "grant", "basis": "express_written", "source": "form"}
    assert http.post("/v1/consents", json=consent).status_code == 201
    assert send(http, category="MARKETING").status_code == 202


def test_a_refusal_is_kept_as_a_verdict_without_the_address(
    http: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    http.post("/v1/suppressions", json={"to": TO})
    send(http)
    with rt.engine.connect() as db:
        kept = db.execute(
            sa.select(t.verdicts).where(t.verdicts.c.tenant_id == caller.tenant.id)
        ).one()
    assert (kept.stage, kept.outcome, kept.rule) == ("intake", "block", "suppressed")
    assert kept.message_id is None
    assert kept.recipient_key is not None
    assert TO not in str(kept)


def test_an_entry_of_a_list_is_kept_in_its_blocked_status(http: httpx.Client) -> None:
    http.post("/v1/suppressions", json={"to": TO})
    other = {"to": "+12025550124", "body": "Hello"}
    asked = [{"to": TO, "body": "Hello"}, other, other | {"category": "MARKETING"}]
    answer = http.post("/v1/messages", json=[*asked, {"to": "nobody", "body": "Hello"}])
    assert answer.status_code == 202
    data = answer.json()["data"]
    assert [entry.get("status") for entry in data] == [
        "opted_out",
        "queued",
        "blocked_compliance",
        None,
    ]
    blocked = http.get(f"/v1/messages/{data[0]['id']}").json()
    assert (blocked["status"], blocked["status_reason"]) == ("opted_out", "opted_out")
    assert blocked["blocked_at"] is not None
    said = http.get(f"/v1/messages/{data[0]['id']}/explain").json()
    assert said["summary"].startswith("It was not sent because the recipient has opted out")


# What the Brazilian document promises for its four troubles, in the native API's words.


def test_invalid_phone_format(http: httpx.Client) -> None:
    answer = send(http, to="11 8888-888")
    assert answer.status_code == 422
    assert "digits" in answer.json()["errors"][0]["detail"]


def test_authentication_error(anonymous: httpx.Client) -> None:
    answer = send(anonymous)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert "API key" in answer.json()["detail"]


def test_message_too_long(http: httpx.Client) -> None:
    answer = send(http, body="a" * 1601)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("#/body", "too_long")
    assert "1600" in error["detail"]


def test_empty_list_of_phones(http: httpx.Client) -> None:
    answer = http.post("/v1/messages", json=[])
    assert answer.status_code == 422
    assert "at least one message" in answer.json()["errors"][0]["detail"]
