"""Senders in files: the whole fleet comes in, or nothing of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging.domain import sender_csv
from messaging.domain.csv_table import Table

PATH = "/v1/senders/import"


def upload(http: httpx.Client, *lines: str) -> httpx.Response:
    return http.post(PATH, content="\n".join(lines))


def fleet(http: httpx.Client) -> dict[str, Any]:
    return {s["address"]: s for s in http.get("/v1/senders").json()["data"]}


def test_a_file_adds_a_fleet(http: httpx.Client) -> None:
    answer = upload(
        http,
        "address,channel,account,pools,capabilities,country,owner,mps,daily_recipients,ramp,"
        "campaign,reply_owner,is_default",
        "+12025550150,,main,main; far,SMS;mms,,ann,2,100,10;20,main,SELF,true",
        "",
        "(202) 555-0151,sms,,far,,us,,,,default,,,",
        "72345,,,,,,,,,,,,",
        "Acme,,,,,GB,,,,,,,",
        "news@example.com,,,,,,,,,,,,",
        "17841400000000000,instagram_dm,,,,,,,,,,,",
    )
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"added": 6}
    found = fleet(http)
    first = found["+12025550150"]
    assert (first["pools"], first["capabilities"]) == (["far", "main"], ["mms", "sms"])
    assert (first["owner"], first["mps"], first["is_default"]) == ("ann", 2.0, True)
    assert (first["ramp"], first["allowance"], first["reply_owner"]) == ([10, 20], 10, "self")
    assert (first["campaign"], first["standing"]) == ("main", "clear")
    assert (found["+12025550151"]["allowance"], found["72345"]["mps"]) == (100, 100.0)
    assert found["Acme"]["country"] == "GB"
    kinds = {found[a]["kind"] for a in ("news@example.com", "17841400000000000")}
    assert kinds == {"email", "instagram"}


def test_one_wrong_line_keeps_all_of_it_out(http: httpx.Client) -> None:
    before = http.get("/v1/senders").json(), http.get("/v1/pools").json()
    answer = upload(
        http,
        "address,account,pools,mps,campaign,ramp",
        "+12025550150,main,ghost,1,main,",
        "canary7,main,,0,,",
        "+1202555,,,,,",
        "+12025550199,,,,,",
        "+12025550150,,,,,",
        "+12025550151,none,,,none,1;x",
        "+12025550152,none,,,none,",
        "+12025550153",
    )
    assert answer.status_code == 422
    errors = [(e["pointer"], e["detail"].split(":")[0]) for e in answer.json()["errors"]]
    assert sorted(errors) == [
        ("#/3/mps", "line 3"),
        ("#/4/address", "line 4"),
        ("#/5/address", "line 5"),
        ("#/6/address", "line 6"),
        ("#/7/ramp/1", "line 7"),
        ("#/8/account", "line 8"),
        ("#/8/campaign", "line 8"),
        ("#/9", "line 9"),
    ]
    assert "canary" not in answer.text
    assert (http.get("/v1/senders").json(), http.get("/v1/pools").json()) == before


def test_a_file_that_is_sent_again_names_every_line(http: httpx.Client) -> None:
    lines = ["address", *(f"+1202555{n:04}" for n in range(100, 180))]
    assert upload(http, *lines).json() == {"added": 80}
    again = upload(http, *lines).json()["errors"]
    assert {e["code"] for e in again} == {"taken"}
    assert len(again) == 80


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"channel,mps\nsms,1\n", "columns"),
        (b"address,name\n+12025550150,Ann\n", "columns"),
        (b'address\n"+12025550150\n', "not_csv"),
        ("address\n+12025550150é\n".encode("latin-1"), "not_text"),
    ],
)
def test_what_is_no_such_file_is_refused(http: httpx.Client, content: bytes, code: str) -> None:
    answer = http.post(PATH, content=content)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)


def test_a_file_is_taken_up_to_its_limit(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sender_csv, "_TABLE", Table(sender_csv.COLUMNS, (frozenset({"address"}),), 2)
    )
    rows = ["address", "+12025550150", "+12025550151", "+12025550152"]
    assert upload(http, *rows).json()["errors"][0]["code"] == "too_long"
    assert upload(http, *rows[:3]).json() == {"added": 2}
