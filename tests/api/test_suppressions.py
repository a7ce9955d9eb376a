"""Suppressions over HTTP: said, lifted, asked about and listed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.suppression_calls import (
    CANARY,
    LONG_AGO,
    PATH,
    TO,
    check,
    held,
    lift,
    send,
    status,
)


def test_a_suppression_is_added_once_and_lifted_once(http: httpx.Client) -> None:
    somebody = {"to": "(202) 555-0123"}
    assert check(http) == {"suppressed": False, "suppressions": []}
    assert http.post(PATH, json=somebody).status_code == 201
    again = http.post(PATH, json=somebody)
    assert (again.status_code, again.json()["canceled"]) == (200, 0)
    assert held(http) == [("opt_out", "all", "api")]
    assert held(http, channel="mms") == [("opt_out", "all", "api")]
    assert check(http)["suppressions"][0]["since"].endswith("Z")
    assert [lift(http), lift(http)] == [204, 404]
    assert held(http, channel="mms") == []


def test_the_answer_says_how_many_messages_were_canceled(http: httpx.Client, rt: Runtime) -> None:
    later = (rt.now() + timedelta(days=1)).isoformat()
    mine = [send(http), send(http, scheduled_for=later)]
    other = send(http, "+12025550124")
    answer = http.post(PATH, json={"to": TO, "evidence": "ticket 4711"})
    assert answer.status_code == 201
    assert answer.json()["canceled"] == 2
    assert answer.json()["suppressed"] is True
    assert {status(http, m) for m in mine} == {("canceled", "opted_out")}
    assert status(http, other)[0] == "queued"


def test_a_scope_is_of_one_category(http: httpx.Client) -> None:
    message = send(http, category="TRANSACTIONAL")
    answer = http.post(PATH, json={"to": TO, "scope": "MARKETING"})
    assert answer.json()["canceled"] == 0
    assert held(http) == [("opt_out", "MARKETING", "api")]
    assert status(http, message)[0] == "queued"


def test_a_complaint_ends_only_when_it_is_named(http: httpx.Client) -> None:
    http.post(PATH, json={"to": TO, "source": "complaint"})
    assert held(http) == [("complaint", "all", "complaint")]
    assert lift(http) == 404
    assert lift(http, kind="complaint", evidence="they wrote to us") == 204
    assert held(http) == []


def test_what_was_said_before_the_latest_lift_changes_nothing(http: httpx.Client) -> None:
    http.post(PATH, json={"to": TO})
    lift(http)
    answer = http.post(PATH, json={"to": TO, "at": LONG_AGO})
    assert answer.status_code == 200
    assert answer.json() == {"suppressed": False, "suppressions": [], "canceled": 0}


def test_the_history_tells_everything_oldest_first(http: httpx.Client) -> None:
    http.post(PATH, json={"to": TO, "at": LONG_AGO, "evidence": "letter"})
    lift(http, evidence="a form")
    http.post(PATH, json={"to": TO, "scope": "NOTIFICATION"})
    entries = http.post(f"{PATH}/history", json={"to": TO}).json()["data"]
    told = [(e["action"], e["scope"], e["evidence"]) for e in entries]
    assert told == [
        ("suppress", "all", "letter"),
        ("lift", "all", "a form"),
        ("suppress", "NOTIFICATION", None),
    ]
    assert datetime.fromisoformat(entries[0]["at"]) == datetime.fromisoformat(LONG_AGO)
    assert entries[0]["recorded_at"] > entries[0]["at"]


def test_nobody_sees_another_tenants_suppressions(
    http: httpx.Client, anonymous: httpx.Client, stranger: Caller
) -> None:
    http.post(PATH, json={"to": TO})
    theirs = {"json": {"to": TO}, "headers": stranger.headers}
    assert anonymous.post(f"{PATH}/check", **theirs).json()["suppressed"] is False  # type: ignore[arg-type]
    assert anonymous.post(f"{PATH}/history", **theirs).json() == {"data": []}  # type: ignore[arg-type]
    assert anonymous.request("DELETE", PATH, **theirs).status_code == 404  # type: ignore[arg-type]
    assert anonymous.get(PATH, headers=stranger.headers).json()["data"] == []
    exported = anonymous.get(f"{PATH}/export", headers=stranger.headers).text
    assert exported.splitlines() == ["key,channel,kind,scope,source,at"]
    assert held(http) == [("opt_out", "all", "api")]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"to": "5"}, "#/to", "short_code"),
    ({"to": TO, "scope": "SPAM"}, "#/scope", "not_allowed"),
    ({"to": TO, "source": "inbound"}, "#/source", "not_allowed"),
    ({"to": TO, "source": "provider"}, "#/source", "not_allowed"),
    ({"to": TO, "at": "2126-01-01T00:00:00Z"}, "#/at", "in_the_future"),
    ({"to": TO, "at": "2026-01-01T00:00:00"}, "#/at", "no_time_zone"),
    ({"to": TO, "evidence": "x" * 501}, "#/evidence", "too_long"),
    ({"to": TO, "evidence": "a\0b"}, "#/evidence", "not_text"),
    ({"to": TO, "kind": "opt_out"}, "#/kind", "unknown_field"),
]


@pytest.mark.parametrize(("body", "pointer", "code"), REFUSED)
def test_what_cannot_be_read_is_refused(
    http: httpx.Client, body: dict[str, Any], pointer: str, code: str
) -> None:
    answer = http.post(PATH, json=body)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]
    assert held(http) == []


def test_the_list_is_walked_page_by_page_without_addresses(http: httpx.Client) -> None:
    for n in range(5):
        http.post(PATH, json={"to": f"+120255501{n:02}"})
    seen: list[Any] = []
    url = f"{PATH}?limit=3"
    pages = 0
    while url:
        pages += 1
        answer = http.get(url)
        seen += answer.json()["data"]
        assert "+1" not in answer.text
        url = answer.links.get("next", {}).get("url", "")
        assert bool(url) is bool(answer.json()["next_cursor"])
    assert pages == 4
    assert len(seen) == len({(s["channel"], s["key"]) for s in seen}) == 10
    assert [s["channel"] for s in seen] == ["sms"] * 5 + ["mms"] * 5
    assert {(len(s["key"]), s["kind"], s["scope"]) for s in seen} == {(32, "opt_out", "all")}


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "é", "Ilwi"])
def test_a_cursor_that_is_none_is_refused(http: httpx.Client, cursor: str) -> None:
    answer = http.get(PATH, params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/cursor"


def test_the_ledger_knows_no_address_and_outlives_it(
    http: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    send(http, CANARY)
    http.post(PATH, json={"to": CANARY, "evidence": "ticket"})
    with rt.engine.begin() as db:
        for table in ("suppressions", "suppression_events"):
            text = db.execute(sa.text(f"SELECT t::text FROM {table} t")).scalars().all()
            assert text
            assert not [line for line in text if CANARY[2:] in line]
        # Whoever is erased leaves nothing but what stands for them.
        db.execute(
            sa.text("DELETE FROM messages WHERE tenant_id = :tenant"), {"tenant": caller.tenant.id}
        )
    assert held(http, CANARY) == [("opt_out", "all", "api")]
