"""Consent and do-not-call lists over HTTP: recorded, asked about, imported whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.domain.consent_csv import MAX_ROWS
from messaging.runtime import Runtime
from tests.api.conftest import Caller

US, CA = "+12025550123", "+14165550123"
HEADER = "to,channel,category,action,basis,source,text_version,at,evidence\n"
GRANT = {"to": US, "action": "grant", "basis": "express_written", "source": "web"}


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def ago(**time: int) -> str:
    return iso(datetime.now(UTC) - timedelta(**time))  # noqa: TID251 - as a caller's clock says


def check(http: httpx.Client, to: str = US, **more: str) -> dict[str, Any]:
    answer = http.post("/v1/consents/check", json={"to": to, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def record(http: httpx.Client, **fields: Any) -> None:
    answer = http.post("/v1/consents", json=GRANT | fields)
    assert (answer.status_code, answer.json()) == (201, {"recorded": 1}), answer.text


def upload(http: httpx.Client, content: str | bytes) -> httpx.Response:
    return http.post("/v1/consents/import", content=content, headers={"Content-Type": "text/csv"})


def problems(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {e["pointer"]: e["code"] for e in answer.json()["errors"]}


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
    assert http.post("/v1/suppressions/check", json={"to": US}).json() == {"suppressed": False}


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
    assert upload(anonymous, HEADER).status_code == 401
    assert anonymous.get("/v1/dnc").status_code == 401
    assert anonymous.put("/v1/dnc/US", content=US).status_code == 401


def test_a_file_is_imported_with_quotes_a_mark_crlf_and_any_order(http: httpx.Client) -> None:
    evidence = json.dumps({"ip": "192.0.2.7", "said": 'yes, "please"\nthanks'})
    quoted = evidence.replace('"', '""')
    text = (
        "\ufeffat,to,action,basis,source,evidence,category\r\n"
        f'2026-01-05T10:00:00Z,+1 202-555-0123,GRANT,Express_Written,till,"{quoted}",marketing\r\n'
        "\r\n"
        f"2026-01-06T10:00:00Z,{CA},revoke,,phone,,\r\n"
    )
    answer = upload(http, text)
    assert (answer.status_code, answer.json()) == (201, {"recorded": 2})
    (event,) = http.post("/v1/consents/history", json={"to": US}).json()["data"]
    assert event["evidence"] == json.loads(evidence)
    assert (event["at"], event["basis"]) == ("2026-01-05T10:00:00Z", "express_written")
    assert check(http, CA)["consent"]["action"] == "revoke"


def row(**changes: str) -> str:
    fields = {
        "to": US,
        "channel": "sms",
        "category": "MARKETING",
        "action": "grant",
        "basis": "express",
        "source": "till",
        "text_version": "",
        "at": "2026-01-05T10:00:00Z",
        "evidence": "",
    }
    return ",".join((fields | changes).values()) + "\n"


def test_each_wrong_line_is_named_and_nothing_is_imported(http: httpx.Client) -> None:
    text = (
        HEADER
        + row()
        + row(to="12")
        + row(action="", at="yesterday")
        + row(basis="", at=ago(days=-2))
        + '+12025550124,sms,MARKETING,grant,express,"two\nlines",,2026-01-05T10:00:00Z,\n'
        + row(evidence="[1]")
        + "one,two\n"
        + row(at="")
        + row(evidence="{oops")
    )
    answer = upload(http, text)
    assert problems(answer) == {
        "#/3/to": "short_code",
        "#/4/action": "required",
        "#/4/at": "not_valid",
        "#/5/basis": "required",
        "#/5/at": "in_the_future",
        "#/8/evidence": "not_an_object",
        "#/9": "columns",
        "#/10/at": "required",
        "#/11/evidence": "not_an_object",
    }
    details = [e["detail"] for e in answer.json()["errors"]]
    assert details[0].startswith("line 3: ")
    assert "yesterday" not in answer.text
    assert check(http)["consent"] is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (row(), "columns"),
        ("to,action,source\n", "columns"),
        ("to,to,action,source,at\n", "columns"),
        ("to,action,source,at,name\n", "columns"),
        (HEADER + 'x,"y"z\n', "not_csv"),
        (HEADER + '"never closed\n', "not_csv"),
        (b"\xff\xfe" + HEADER.encode("utf-16-le"), "not_text"),
        (HEADER + row() * (MAX_ROWS + 1), "too_long"),
    ],
)
def test_a_file_of_another_form_is_refused(
    http: httpx.Client, content: str | bytes, code: str
) -> None:
    assert problems(upload(http, content)) == {"#": code}
    assert check(http)["consent"] is None


def test_of_very_many_problems_the_first_hundred_are_told(http: httpx.Client) -> None:
    answer = upload(http, HEADER + row(to="12") * 250)
    errors = answer.json()["errors"]
    assert len(errors) == 101
    assert (errors[0]["pointer"], errors[99]["pointer"]) == ("#/2/to", "#/101/to")
    assert errors[100]["code"] == "more_problems"
    assert "150 more" in errors[100]["detail"]


def test_a_large_file_is_imported_whole_and_again_without_changing_anything(
    http: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    # There are few fictional numbers, so everybody comes up a hundred times.
    count = 30_000
    text = HEADER + "".join(
        row(to=f"+1{202 + n % 3}55501{n % 100:02}", at=iso(_minute(n))) for n in range(count)
    )
    for times in (1, 2):
        assert upload(http, text).json() == {"recorded": count}
        with rt.engine.connect() as db:
            kept = db.execute(
                sa.text("SELECT count(*) FROM consent_events WHERE tenant_id = :t"),
                {"t": caller.tenant.id},
            ).scalar_one()
        assert kept == times * count
        assert check(http, "+12025550100")["consent"]["at"] == iso(_minute(29_700))


def _minute(n: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)


def put(http: httpx.Client, registry: str, content: str, at: str | None = None) -> httpx.Response:
    moment = at or ago(days=1)
    return http.put(f"/v1/dnc/{registry}", content=content, params={"scrubbed_at": moment})


def registry(http: httpx.Client, name: str = "US") -> dict[str, Any]:
    (found,) = [r for r in http.get("/v1/dnc").json()["data"] if r["registry"] == name]
    return dict(found)


def test_a_scrub_is_replaced_whole_and_shows_how_fresh_it_is(http: httpx.Client) -> None:
    never = registry(http)
    assert (never["required"], never["scrubbed_at"], never["days_left"]) == (True, None, 0.0)
    answer = put(http, "US", f"number\n{US}\n(202) 555-0124,listed in 2003\n\n{US}\n")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["listed"], answer.json()["skipped"]) == (2, 0)
    found = registry(http)
    assert (found["numbers"], found["days_left"]) == (2, 30.0)
    assert found["fresh_until"] > found["scrubbed_at"]
    assert put(http, "US", "number\n", ago(hours=1)).json()["listed"] == 0
    assert registry(http)["numbers"] == 0


def test_a_registry_no_policy_asks_for_has_no_term(http: httpx.Client) -> None:
    put(http, "US-TX", US)
    found = registry(http, "US-TX")
    assert found["required"] is False
    assert found["fresh_until"] is found["days_left"] is None


def test_a_stale_scrub_has_no_days_left(http: httpx.Client) -> None:
    put(http, "US", US, ago(days=32))
    assert registry(http)["days_left"] == 0.0


def test_the_time_of_a_scrub_may_stand_in_a_header(http: httpx.Client) -> None:
    at = "2026-01-05T10:00:00-05:00"
    answer = http.put("/v1/dnc/US", content=US, headers={"X-Scrubbed-At": at})
    assert answer.json()["scrubbed_at"] == "2026-01-05T15:00:00Z"
    both = http.put(
        "/v1/dnc/US", content=US, headers={"X-Scrubbed-At": at}, params={"scrubbed_at": ago()}
    )
    assert problems(both) == {"#/scrubbed_at": "contradiction"}


def test_an_older_scrub_is_refused(http: httpx.Client) -> None:
    put(http, "US", US, ago(days=1))
    answer = put(http, "US", "+12025550124", ago(days=2))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert registry(http)["days_left"] == 30.0


@pytest.mark.parametrize(
    ("name", "content", "at", "expected"),
    [
        ("US", f"{US}\nnonsense\n12\n", None, {"#/2": "not_a_number", "#/3": "short_code"}),
        ("US", '{"numbers": []}', None, {"#/1": "not_a_number"}),
        ("US", "", None, {"#": "empty"}),
        ("US", "\n \n", None, {"#": "empty"}),
        ("US", "+10005550123\n", None, {"#": "not_valid"}),
        ("US", US, ago(days=-1), {"#/scrubbed_at": "in_the_future"}),
        ("US", US, "20260105", {"#/scrubbed_at": "not_valid"}),
        ("US", US, "2026-01-05T10:00:00", {"#/scrubbed_at": "no_time_zone"}),
        ("U%20S", US, None, {"#/registry": "not_valid"}),
        ("x" * 33, US, None, {"#/registry": "not_valid"}),
    ],
)
def test_a_scrub_that_cannot_be_is_refused_and_changes_nothing(
    http: httpx.Client, name: str, content: str, at: str | None, expected: dict[str, str]
) -> None:
    put(http, "US", "+12025550124", ago(days=3))
    before = http.get("/v1/dnc").json()
    assert problems(put(http, name, content, at)) == expected
    assert http.get("/v1/dnc").json() == before


def test_numbers_that_are_in_use_nowhere_are_skipped(http: httpx.Client) -> None:
    answer = put(http, "US", f"{US}\n+10005550123\n")
    assert (answer.json()["listed"], answer.json()["skipped"]) == (1, 1)


def test_a_scrub_says_when_it_was(http: httpx.Client) -> None:
    assert problems(http.put("/v1/dnc/US", content=US)) == {"#/scrubbed_at": "required"}


def test_a_file_too_large_is_refused_before_it_is_read(http: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(33):
            yield b"x" * (1 << 20)

    answer = http.put("/v1/dnc/US", content=endless(), params={"scrubbed_at": ago(days=1)})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
