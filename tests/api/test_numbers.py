"""Line types over HTTP: asked, imported whole or not at all, and each tenant's own."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import Caller

US, BR = "+12025550123", "+5511955550123"
HEADER = "to,line_type\n"


def check(http: httpx.Client, to: str = US) -> dict[str, Any]:
    answer = http.post("/v1/numbers/check", json={"to": to})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def upload(http: httpx.Client, content: str | bytes) -> httpx.Response:
    return http.post("/v1/numbers/import", content=content, headers={"Content-Type": "text/csv"})


def problems(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {e["pointer"]: e["code"] for e in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("to", "kind", "region", "refused"),
    [
        (US, "fixed_line_or_mobile", "US", None),
        ("(202) 555-0123", "fixed_line_or_mobile", "US", None),
        (BR, "mobile", "BR", None),
        ("+551133330123", "fixed_line", "BR", "fixed_line"),
        ("+18005550199", "toll_free", "US", "toll_free"),
        ("+80012345678", "toll_free", None, "toll_free"),
    ],
)
def test_the_plan_says_whether_messages_may_go_there(
    http: httpx.Client, to: str, kind: str, region: str | None, refused: str | None
) -> None:
    assert check(http, to) == {"type": kind, "region": region, "refused": refused, "line": None}


def test_what_is_imported_is_known_and_the_newest_word_holds(http: httpx.Client) -> None:
    answer = upload(http, f"{HEADER}(202) 555-0123,Landline\n\n{BR},mobile\n{BR},voip\n")
    assert (answer.status_code, answer.json()) == (201, {"learned": 2})
    line = check(http)["line"]
    assert (line["type"], line["source"]) == ("landline", "import")
    assert check(http, BR)["line"]["type"] == "voip"
    swapped = f"line_type,to\nmobile,{US}\n"
    assert upload(http, swapped.encode("utf-8-sig")).status_code == 201
    assert check(http)["line"]["type"] == "mobile"


def test_what_one_tenant_knows_no_other_is_told(
    http: httpx.Client, stranger: Caller, address: str
) -> None:
    upload(http, f"{HEADER}{US},landline\n")
    with httpx.Client(base_url=address, headers=stranger.headers) as other:
        assert check(other)["line"] is None


def test_a_file_with_a_mistake_is_refused_whole_and_line_by_line(http: httpx.Client) -> None:
    content = f"{HEADER}{US},landline\n12,mobile\n{BR},fixed\n{BR}\n{BR},\n"
    answer = upload(http, content)
    assert problems(answer) == {
        "#/3/to": "short_code",
        "#/4/line_type": "not_valid",
        "#/5": "columns",
        "#/6/line_type": "not_valid",
    }
    assert "line 4: must be one of mobile, landline, voip" in answer.text
    assert BR not in answer.text
    assert check(http)["line"] is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"to,kind\n", "columns"),
        (b"to,line_type,to\n", "columns"),
        (b"\xff\xfe", "not_text"),
        (b'to,line_type\n"+12025550123,mobile\n', "not_csv"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(
    http: httpx.Client, content: bytes, code: str
) -> None:
    assert problems(upload(http, content)) == {"#": code}


def test_a_header_alone_teaches_nothing(http: httpx.Client) -> None:
    assert upload(http, HEADER).json() == {"learned": 0}


def test_what_is_no_number_is_refused(http: httpx.Client) -> None:
    answer = http.post("/v1/numbers/check", json={"to": "nobody"})
    assert problems(answer) == {"#/to": "not_a_number"}


def test_nobody_is_told_without_a_key(anonymous: httpx.Client) -> None:
    assert anonymous.post("/v1/numbers/check", json={"to": US}).status_code == 401
    assert upload(anonymous, HEADER).status_code == 401
