"""Suppressions over HTTP: said, lifted, asked about, listed, and moved in files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging import suppression, suppression_files
from messaging.runtime import Runtime
from tests.api.conftest import Caller

PATH = "/v1/suppressions"
TO = "+12025550123"
CANARY = "+12025550177"
LONG_AGO = "2026-01-05T10:00:00+00:00"


def check(http: httpx.Client, to: str = TO, channel: str = "sms") -> Any:
    answer = http.post(f"{PATH}/check", json={"to": to, "channel": channel})
    assert answer.status_code == 200
    return answer.json()


def held(http: httpx.Client, to: str = TO, channel: str = "sms") -> list[tuple[str, str, str]]:
    state = check(http, to, channel)
    assert state["suppressed"] is bool(state["suppressions"])
    return [(s["kind"], s["scope"], s["source"]) for s in state["suppressions"]]


def lift(http: httpx.Client, **fields: Any) -> int:
    return http.request("DELETE", PATH, json={"to": TO} | fields).status_code


def upload(http: httpx.Client, *lines: str) -> httpx.Response:
    content = "\n".join(lines).encode()
    return http.post(f"{PATH}/import", content=content, headers={"Content-Type": "text/csv"})


def send(http: httpx.Client, to: str = TO, **fields: Any) -> str:
    answer = http.post("/v1/messages", json={"to": to, "body": "Hello"} | fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def status(http: httpx.Client, message_id: str) -> tuple[str, str]:
    found = http.get(f"/v1/messages/{message_id}").json()
    return found["status"], found["status_reason"]


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


HEADER = "to,channel,scope,source,at,evidence"


def test_a_file_suppresses_everybody_in_it_and_only_once(http: httpx.Client) -> None:
    waiting = send(http, "+12025550102")
    lines = [
        HEADER,
        f"{TO},sms,all,complaint,{LONG_AGO},ticket 4711",
        "(202) 555-0102,,,,,",
        "",
        '+12025550103,MMS,marketing,,,"said ""no"" twice"',
        "+12025550102,sms,,import,,",
    ]
    first = upload(http, *lines)
    assert first.status_code == 201, first.text
    assert first.json() == {"rows": 4, "new": 6, "canceled": 1}
    assert held(http) == [("complaint", "all", "complaint")]
    assert held(http, "+12025550102") == [("opt_out", "all", "import")]
    assert held(http, "+12025550103") == [("opt_out", "MARKETING", "import")]
    assert status(http, waiting) == ("canceled", "opted_out")
    ledger = http.post(f"{PATH}/history", json={"to": "+12025550102"}).json()
    assert upload(http, *lines).json() == {"rows": 4, "new": 0, "canceled": 0}
    assert http.post(f"{PATH}/history", json={"to": "+12025550102"}).json() == ledger
    assert len(ledger["data"]) == 1


def test_a_file_with_wrong_lines_suppresses_nobody(http: httpx.Client) -> None:
    lines = [
        HEADER,
        f"{TO},sms,all,,,",
        f"{CANARY}5,sms,all,,,",
        "+12025550103,fax,all,,,",
        "+12025550104,sms,all,,2126-01-01T00:00:00Z,",
        "+12025550105,sms",
        ",sms,all,,,",
    ]
    answer = upload(http, *lines)
    assert answer.status_code == 422
    errors = {e["pointer"]: (e["code"], e["detail"].split(":")[0]) for e in answer.json()["errors"]}
    assert errors == {
        "#/3/to": ("not_possible", "line 3"),
        "#/4/channel": ("not_allowed", "line 4"),
        "#/5/at": ("in_the_future", "line 5"),
        "#/6": ("columns", "line 6"),
        "#/7/to": ("required", "line 7"),
    }
    assert CANARY not in answer.text
    assert held(http) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"channel,scope\nsms,all\n", "columns"),
        (b"to,to\n+12025550123,1\n", "columns"),
        (b"to,name\n+12025550123,Ann\n", "columns"),
        (b'to\n"+12025550123\n', "not_csv"),
        ("to\n+12025550123é\n".encode("latin-1"), "not_text"),
    ],
)
def test_what_is_no_such_file_is_refused(http: httpx.Client, content: bytes, code: str) -> None:
    answer = http.post(f"{PATH}/import", content=content)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == code


def test_more_rows_than_are_taken_are_refused(http: httpx.Client) -> None:
    answer = upload(http, "to", *["+12025550123"] * 100_001)
    assert answer.json()["errors"][0]["code"] == "too_long"
    assert held(http) == []


def test_what_is_exported_can_be_imported_again(http: httpx.Client) -> None:
    http.post(PATH, json={"to": TO, "at": LONG_AGO})
    http.post(PATH, json={"to": TO, "source": "complaint", "scope": "MARKETING"})
    before = check(http)
    exported = http.get(f"{PATH}/export")
    assert exported.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(exported.text)))
    assert {(r["channel"], r["kind"], r["scope"]) for r in rows} == {
        (channel, kind, scope)
        for channel in ("sms", "mms")
        for kind, scope in (("opt_out", "all"), ("complaint", "MARKETING"))
    }
    assert "+1" not in exported.text.replace("+00:00", "")
    assert upload(http, exported.text).json() == {"rows": 4, "new": 0, "canceled": 0}
    assert check(http) == before


def test_an_export_that_is_long_is_whole(
    http: httpx.Client, rt: Runtime, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_files, "_PAGE", 7)
    numbers = [f"+120255501{n:02}" for n in range(21)]
    assert upload(http, "to", *numbers).json()["new"] == 42
    rows = list(csv.DictReader(io.StringIO("".join(suppression_files.export(rt, caller.tenant)))))
    assert len({(r["key"], r["channel"]) for r in rows}) == len(rows) == 42


def test_a_file_is_written_in_lots_that_are_told(
    rt: Runtime, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_files, "_LOT", 4)
    content = "\n".join(["to", *(f"+120255501{n:02}" for n in range(10))]).encode()
    told: list[int] = []
    done = suppression_files.import_file(rt, caller.tenant, content, told.append)
    assert (done.rows, done.new) == (10, 20)
    assert told == [11, 4, 8, 10]


def test_a_file_that_was_cut_short_by_a_fall_is_simply_sent_again(
    http: httpx.Client, rt: Runtime, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [f"+120255501{n:02}" for n in range(6)]
    content = "\n".join(["to", *numbers]).encode()
    suppress: Callable[..., Any] = suppression.suppress
    calls: list[int] = []

    def falls(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ConnectionError
        return suppress(*args)

    with monkeypatch.context() as broken:
        broken.setattr(suppression_files, "_LOT", 4)
        broken.setattr(suppression, "suppress", falls)
        with pytest.raises(ConnectionError):
            suppression_files.import_file(rt, caller.tenant, content)
    assert [bool(held(http, n)) for n in numbers] == [True] * 4 + [False] * 2
    assert suppression_files.import_file(rt, caller.tenant, content).new == 4
    assert all(held(http, n) for n in numbers)


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
