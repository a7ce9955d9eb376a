"""Consent over HTTP: recorded, asked about, and what it means for marketing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import Caller
from tests.api.consent_calls import CA, GRANT, US, ago, check, problems, put, record


def test_nobody_agreed_until_it_is_recorded(http: httpx.Client) -> None:
    before = check(http)
    assert before["consent"] is None
    assert (before["lacking"]["reason"], before["lacking"]["rule"]) == ("no_consent", "us_tcpa")
    assert US not in before["lacking"]["detail"]
    record(http, at=ago(days=1))
    after = check(http, "(202) 555-0123")
    assert after["lacking"] is None
    assert after["lapses_at"] is None
    assert after["consent"]["action"] == "grant"
    assert after["consent"]["basis"] == "express_written"


def test_a_revocation_ends_it_and_a_later_grant_restores_it(http: httpx.Client) -> None:
    record(http, at=ago(days=3))
    http.post("/v1/consents", json={"to": US, "action": "revoke", "source": "phone"})
    assert check(http)["lacking"]["reason"] == "no_consent"
    # What was said before the revocation does not undo it, whenever we are told.
    record(http, at=ago(days=2))
    assert check(http)["consent"]["action"] == "revoke"
    record(http)
    assert check(http)["lacking"] is None


def test_revoking_consent_suppresses_nobody(http: httpx.Client) -> None:
    http.post("/v1/consents", json={"to": US, "action": "revoke", "source": "phone"})
    found = http.post("/v1/suppressions/check", json={"to": US}).json()
    assert found["suppressed"] is False


def test_a_question_is_open_until_it_is_answered(http: httpx.Client) -> None:
    answer = http.post("/v1/consents", json={"to": US, "action": "ask", "source": "web"})
    assert answer.status_code == 201
    found = check(http)
    assert found["consent"]["action"] == "ask"
    assert "asked" in found["lacking"]["detail"]


def test_implied_consent_shows_when_it_ends_and_that_it_ended(http: httpx.Client) -> None:
    record(http, to=CA, basis="implied_inquiry", at=ago(days=10))
    found = check(http, CA)
    assert found["lacking"] is None
    assert ago() < found["lapses_at"] < ago(days=-180)
    other = "+16135550187"
    record(http, to=other, basis="implied_purchase", at="2020-02-29T10:00:00Z")
    lapsed = check(http, other)
    assert lapsed["lacking"] == {
        "reason": "consent_lapsed",
        "rule": "ca_casl",
        "detail": ("Canada: implied consent from a purchase on 2020-02-29 lapsed on 2022-02-28"),
    }
    assert lapsed["lapses_at"] is None


def test_marketing_to_somebody_suppressed_is_blocked_whatever_they_agreed_to(
    http: httpx.Client,
) -> None:
    record(http)
    http.post("/v1/suppressions", json={"to": US})
    found = check(http)
    assert found["lacking"] is None
    assert (found["marketing"]["verdict"], found["marketing"]["reason"]) == ("block", "opted_out")


def test_what_marketing_would_be_told_is_what_its_judge_says(http: httpx.Client) -> None:
    before = check(http)["marketing"]
    assert (before["verdict"], before["reason"]) == ("block", "no_consent")
    assert before["rule"] == "consent:us_tcpa"
    assert "no consent is recorded" in before["detail"]
    record(http)
    # By now only the hour may stand against it.
    assert check(http)["marketing"]["reason"] in {None, "quiet_hours"}
    assert http.patch("/v1/policy", json={"destinations": {"regions": ["BR"]}}).status_code == 200
    assert check(http)["marketing"]["reason"] == "region_not_permitted"


def test_consent_kept_elsewhere_is_a_matter_of_policy_not_of_record(http: httpx.Client) -> None:
    http.patch("/v1/policy", json={"marketing_consent": "attested_elsewhere"})
    put(http, "US", "+12025550124")
    found = check(http)
    assert found["lacking"]["reason"] == "no_consent"
    assert found["marketing"]["reason"] in {None, "quiet_hours"}
    put(http, "US", US)
    assert check(http)["marketing"]["reason"] == "dnc_listed"
    # Express written consent is an exemption from the registry.
    record(http)
    assert check(http)["marketing"]["reason"] in {None, "quiet_hours"}


def test_consent_is_of_one_category(http: httpx.Client) -> None:
    record(http, category="NOTIFICATION")
    assert check(http)["consent"] is None
    found = check(http, category="NOTIFICATION")
    assert found["consent"]["action"] == "grant"
    # To marketing they still did not agree.
    assert found["lacking"]["reason"] == "no_consent"


def test_history_is_whole_newest_first_and_keeps_the_evidence(http: httpx.Client) -> None:
    evidence = {"ip": "192.0.2.7", "form": "https://shop.example/vip"}
    record(http, evidence=evidence, text_version="v7", at="2026-01-05T10:00:00-05:00")
    record(http, category="NOTIFICATION", at="2026-01-06T10:00:00Z")
    answer = http.post("/v1/consents/history", json={"to": US})
    newest, oldest = answer.json()["data"]
    assert newest["category"] == "NOTIFICATION"
    assert oldest["evidence"] == evidence
    assert (oldest["text_version"], oldest["at"]) == ("v7", "2026-01-05T15:00:00Z")
    assert US not in answer.text


def test_a_clock_a_little_ahead_does_not_outrank_the_next_word(http: httpx.Client) -> None:
    record(http, at=ago(seconds=-120))
    http.post("/v1/consents", json={"to": US, "action": "revoke", "source": "phone"})
    assert check(http)["consent"]["action"] == "revoke"


def test_tenants_know_nothing_of_each_other(
    address: str, http: httpx.Client, stranger: Caller
) -> None:
    record(http)
    put(http, "US", US)
    with httpx.Client(base_url=address, headers=stranger.headers, timeout=20) as other:
        assert check(other)["consent"] is None
        assert other.post("/v1/consents/history", json={"to": US}).json() == {"data": []}
        assert [r["scrubbed_at"] for r in other.get("/v1/dnc").json()["data"]] == [None]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"basis": None}, {"#/basis": "required"}),
        ({"action": "revoke"}, {"#/basis": "not_allowed"}),
        ({"action": "ask", "basis": "implied_purchase"}, {"#/basis": "not_allowed"}),
        ({"action": "maybe"}, {"#/action": "not_allowed"}),
        ({"basis": "guessed"}, {"#/basis": "not_allowed"}),
        ({"to": "nobody"}, {"#/to": "not_a_number"}),
        ({"to": "nobody", "basis": None}, {"#/to": "not_a_number", "#/basis": "required"}),
        ({"source": ""}, {"#/source": "too_short"}),
        ({"source": "x" * 101}, {"#/source": "too_long"}),
        ({"text_version": "x" * 101}, {"#/text_version": "too_long"}),
        ({"source": "a\0b"}, {"#/source": "not_text"}),
        ({"source": None}, {"#/source": "not_text"}),
        ({"at": ago(days=-1)}, {"#/at": "in_the_future"}),
        ({"at": "2026-01-05T10:00:00"}, {"#/at": "no_time_zone"}),
        ({"at": "20260105"}, {"#/at": "not_valid"}),
        ({"at": 20260105}, {"#/at": "not_valid"}),
        ({"evidence": "a form"}, {"#/evidence": "not_an_object"}),
        ({"evidence": {"x": "a\0b"}}, {"#/evidence": "not_text"}),
        ({"evidence": {"x": 2**70}}, {"#/evidence": "not_text"}),
        ({"evidence": {"x": "y" * 17_000}}, {"#/evidence": "too_large"}),
        ({"colour": "red"}, {"#/colour": "unknown_field"}),
    ],
)
def test_an_event_that_cannot_be_is_refused_and_says_why(
    http: httpx.Client, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert problems(http.post("/v1/consents", json=GRANT | changes)) == expected
    assert check(http)["consent"] is None


def test_a_key_is_needed(anonymous: httpx.Client) -> None:
    for path in ("/v1/consents", "/v1/consents/check", "/v1/consents/history"):
        assert anonymous.post(path, json=GRANT).status_code == 401
    assert anonymous.post("/v1/consents/import", content="to").status_code == 401
    assert anonymous.get("/v1/dnc").status_code == 401
    assert anonymous.put("/v1/dnc/US", content=US).status_code == 401
