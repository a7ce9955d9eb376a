"""Suppressions in files: imported whole or not at all, exported by key."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from messaging import suppression, suppression_files
from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.suppression_calls import (
    CANARY,
    LONG_AGO,
    PATH,
    TO,
    check,
    held,
    send,
    status,
    upload,
)

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
