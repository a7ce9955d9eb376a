"""A tenant sees and changes what it decided about compliance."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging.domain.compliance import RULES

DEFAULTS = {"brand": "", "marketing_consent": "required", "over_cap": "defer"}


def test_a_policy_is_the_defaults_and_what_was_changed(http: httpx.Client) -> None:
    before = http.get("/v1/policy").json()
    assert {name: before[name] for name in DEFAULTS} == DEFAULTS
    changed = http.patch("/v1/policy", json={"brand": "Acme", "quiet_hours": {"opens": "09:00"}})
    assert changed.status_code == 200
    again = http.patch("/v1/policy", json={"quiet_hours": {"preset": "us_strict"}}).json()
    assert again == http.get("/v1/policy").json()
    assert (again["brand"], again["quiet_hours"]["opens"]) == ("Acme", "09:00:00")
    assert again["quiet_hours"]["preset"] == "us_strict"
    reset = http.patch("/v1/policy", json={"quiet_hours": None, "brand": None}).json()
    assert reset == before


@pytest.mark.parametrize(
    ("patch", "pointer", "code"),
    [
        ({"colour": "red"}, "#/colour", "unknown_field"),
        ({"over_cap": "shrug"}, "#/over_cap", "not_allowed"),
        ({"quiet_hours": {"preset": "never"}}, "#/quiet_hours/preset", "not_allowed"),
        ({"caps": [{"limit": 0, "hours": 24}]}, "#/caps/0/limit", "not_valid"),
        ({"lookup": {"account": "nobody"}}, "#/lookup/account", "unknown_account"),
        ({"quiet_hours": {"opens": "21:00", "closes": "09:00"}}, "#/quiet_hours", "never_open"),
        ({"quiet_hours": {"opens": "09:00", "closes": "09:00"}}, "#/quiet_hours", "never_open"),
        ({"quiet_hours": {"opens": "23:55"}}, "#/quiet_hours", "never_open"),
        (
            {"quiet_hours": {"preset": "us_strict", "opens": "18:00"}},
            "#/quiet_hours",
            "never_open",
        ),
        ({"quiet_hours": {"opens": "09:00+02:00"}}, "#/quiet_hours/opens", "not_valid"),
        ({"dnc_registries": {"US": 10**12}}, "#/dnc_registries/US", "not_valid"),
        ({"dnc_registries": {"US": 0}}, "#/dnc_registries/US", "not_valid"),
        ({"dnc_registries": {"a b": 1}}, "#/dnc_registries", "not_valid"),
        ({"destinations": {"regions": ["us"]}}, "#/destinations/regions/0", "not_valid"),
        ({"content": {"regulated": ["wine"]}}, "#/content/regulated/0", "not_allowed"),
        ({"caps": [{"limit": 1, "hours": 1}] * 21}, "#/caps", "not_valid"),
        ({"retention": {"body_days": 10**12}}, "#/retention/body_days", "not_valid"),
    ],
)
def test_what_cannot_be_is_refused_whole(
    http: httpx.Client, patch: dict[str, Any], pointer: str, code: str
) -> None:
    before = http.get("/v1/policy").json()
    answer = http.patch("/v1/policy", json={"brand": "Changed", **patch})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    assert http.get("/v1/policy").json() == before


def test_null_restores_a_default_also_within_what_was_never_decided(http: httpx.Client) -> None:
    before = http.get("/v1/policy").json()
    answer = http.patch("/v1/policy", json={"content": {"notice_days": None}, "lookup": {}})
    assert (answer.status_code, answer.json()) == (200, before)


def test_every_change_is_on_record(http: httpx.Client) -> None:
    http.patch("/v1/policy", json={"marketing_consent": "attested_elsewhere"})
    http.patch("/v1/policy", json={"marketing_consent": None})
    told = http.get("/v1/policy/history").json()["data"]
    assert [event["decisions"] for event in told] == [
        {},
        {"marketing_consent": "attested_elsewhere"},
    ]


def test_the_rules_are_listed_in_the_order_they_are_asked(http: httpx.Client) -> None:
    found = http.get("/v1/rules").json()
    assert [q["id"] for q in found["questions"]] == [rule.id for rule in RULES]
    florida = next(row for row in found["law"] if row["jurisdiction"] == "US-FL")
    assert florida["source"]
    assert florida["confidence"] in {"high", "medium", "low"}
