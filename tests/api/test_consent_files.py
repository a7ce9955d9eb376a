"""Files of consent events: imported whole or not at all, each wrong line named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from messaging.domain.consent_csv import MAX_ROWS
from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.consent_calls import CA, US, ago, check, iso, problems

HEADER = "to,channel,category,action,basis,source,text_version,at,evidence\n"


def upload(http: httpx.Client, content: str | bytes) -> httpx.Response:
    return http.post("/v1/consents/import", content=content, headers={"Content-Type": "text/csv"})


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
