"""Contacts in files: all of a file comes in, or nothing of it, or its good lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from messaging import contact_files
from messaging.domain import contact_csv
from messaging.domain.csv_table import Table
from messaging.domain.errors import InvalidRequestError
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import contacts as store
from tests.api.conftest import SECRET, Caller
from tests.journeys.household import Done, command, environment

PATH = "/v1/contacts"
Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, settings: Settings, caller: Caller) -> Run:
    env = environment(
        tmp_path,
        POSTHORN_DATABASE_URL=settings.database_url,
        POSTHORN_REDIS_URL=settings.redis_url,
        POSTHORN_SECRET_KEY=SECRET,
        POSTHORN_TENANT=caller.tenant.name,
    )
    return lambda *words: command(*words, env=env)


def upload(http: httpx.Client, *lines: str, **query: Any) -> httpx.Response:
    return http.post(f"{PATH}/import", content="\n".join(lines), params=query)


def people(http: httpx.Client) -> dict[str, dict[str, Any]]:
    return {one["ref"]: one for one in http.get(PATH).json()["data"]}


GOOD = (
    "ref,name,phone,Emails,tags,attributes.Plan,attributes.n,company,time_zone,first_name",
    'a,Ana de Lima,(202) 555-0123; +12025550124,ana@example.com,"vip;Import 10/05/25",pro,12,"Acme, Inc.",Europe/Lisbon,',
    "",
    'b,,,,,"""12""",true,,,Bo',
    ",Cy,,,,02139,1.50,,,",
)
WRONG = (
    "ref,phones,time_zone,first_name",
    "a,+12025550123,,A",
    "b,canary7,,B",
    ",,,",
    "c,+1202555,Mars/Base,C",
    "a,,,",
    "d,+12025550124",
    "e,,,E",
    ",,Europe/Lisbon,",
)
PROBLEMS = [
    ("#/3/phones/0", "letters"),
    ("#/5/time_zone", "unknown_time_zone"),
    ("#/5/phones/0", "not_possible"),
    ("#/6/ref", "repeated"),
    ("#/7", "columns"),
    ("#/9", "not_valid"),
]


def test_a_file_adds_and_changes(http: httpx.Client) -> None:
    http.post(PATH, json={"ref": "b", "last_name": "Ek", "tags": ["old"]})
    answer = upload(http, *GOOD)
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"rows": 3, "new": 2, "changed": 1, "skipped": 0, "errors": []}
    found = people(http)
    assert found["a"]["phones"] == ["+12025550123", "+12025550124"]
    assert found["a"]["tags"] == ["vip", "Import 10/05/25"]
    assert found["a"]["attributes"] == {"Plan": "pro", "n": 12}
    assert (found["a"]["last_name"], found["a"]["company"]) == ("de Lima", "Acme, Inc.")
    assert (found["b"]["name"], found["b"]["tags"]) == ("Bo Ek", ["old"])
    assert found["b"]["attributes"] == {"Plan": "12", "n": True}
    rest = next(one for one in http.get(PATH).json()["data"] if one["first_name"] == "Cy")
    assert rest["attributes"] == {"Plan": "02139", "n": 1.5}


def test_one_wrong_line_keeps_all_of_it_out(http: httpx.Client) -> None:
    answer = upload(http, *WRONG)
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [(e["pointer"], e["code"]) for e in errors] == PROBLEMS
    assert all(e["detail"].startswith(f"line {e['pointer'].split('/')[1]}: ") for e in errors)
    assert "canary" not in answer.text
    assert people(http) == {}


def test_the_good_lines_can_be_taken(http: httpx.Client) -> None:
    answer = upload(http, *WRONG, skip_invalid=True)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["rows"], body["new"], body["skipped"]) == (7, 2, 5)
    assert [(e["pointer"], e["code"]) for e in body["errors"]] == PROBLEMS
    assert people(http).keys() == {"a", "e"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "not_text"),
        (b"ref,ghost\n", "columns"),
        (b"ref,Ref\n", "columns"),
        (b"company\nAcme\n", "columns"),
        (b"ref,attributes.a,Attributes.a\n", "columns"),
        (b'ref\n"a', "not_csv"),
        (b"ref,attributes.a b\nr,1\n", "not_a_name"),
        (b"ref,attributes.\nr,1\n", "not_a_name"),
    ],
)
def test_what_is_no_such_file(http: httpx.Client, content: bytes, code: str) -> None:
    answer = http.post(f"{PATH}/import", content=content)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == code


def test_too_many_rows(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    table = contact_csv._TABLE
    small = Table(table.columns, table.required, 2, table.family)
    monkeypatch.setattr(contact_csv, "_TABLE", small)
    answer = upload(http, "ref", "a", "b", "c", skip_invalid=True)
    assert answer.json()["errors"][0]["code"] == "too_long"
    assert people(http) == {}


def test_a_server_that_falls_leaves_nothing(
    rt: Runtime, http: httpx.Client, caller: Caller
) -> None:
    put, lots = store.put, 0

    def falls(*given: Any) -> Any:
        nonlocal lots
        lots += 1
        if lots == 2:
            raise ConnectionError
        return put(*given)

    content = "\n".join(["ref", *(f"r{n}" for n in range(3_000))]).encode()
    ticks: list[int] = []
    with patch.object(store, "put", falls), pytest.raises(ConnectionError):
        contact_files.import_file(rt, caller.tenant, content, ticks.append)
    assert people(http) == {}
    assert ticks == [1001, 2001, 3001, 3001, 1000, 2000]
    assert contact_files.import_file(rt, caller.tenant, content).new == 3_000
    assert contact_files.import_file(rt, caller.tenant, content).changed == 3_000


def test_what_is_exported_can_be_imported(
    http: httpx.Client, rt: Runtime, caller: Caller, stranger: Caller
) -> None:
    upload(http, *GOOD)
    odd = {"x": "true", "y": '"quoted"', "z": " spaced", "e": "", "m": 'a"b', "n": None}
    http.post(PATH, json={"ref": "odd", "first_name": 'Q", x', "attributes": odd})
    exported = http.get(f"{PATH}/export").content
    rows = list(csv.reader(io.StringIO(exported.decode())))
    assert len(rows) == 5
    done = contact_files.import_file(rt, stranger.tenant, exported)
    assert (done.new, done.skipped) == (4, 0)
    again = "".join(contact_files.export(rt, stranger.tenant))
    assert sorted(again.splitlines()) == sorted(exported.decode().splitlines())
    assert contact_files.import_file(rt, caller.tenant, exported).changed == 3


def test_the_problems_of_a_wrong_file_end_at_a_hundred(rt: Runtime, caller: Caller) -> None:
    content = "\n".join(["phones", *["x"] * 150]).encode()
    with pytest.raises(InvalidRequestError) as raised:
        contact_files.import_file(rt, caller.tenant, content)
    assert len(raised.value.problems) == 101
    skipping = contact_files.import_file(rt, caller.tenant, content, skip_invalid=True)
    assert (skipping.skipped, len(skipping.errors)) == (150, 100)


def test_contacts_from_a_terminal(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("\n".join(GOOD))
    done = run("contacts", "import", str(file))
    assert (done.returncode, done.stderr.strip()) == (0, "added 3, changed 0")
    file.write_text("\n".join(WRONG))
    done = run("contacts", "import", str(file))
    assert (done.returncode, "line 3" in done.stderr) == (2, True)
    done = run("contacts", "import", str(file), "--skip-invalid")
    assert (done.returncode, "line 3" in done.stderr) == (0, True)
    assert done.stderr.strip().endswith("added 1, changed 1, 5 skipped")
    words = ("--name=Di Ek", "--phone=+12025550125", "--tag=x", "--attribute=n=5")
    assert run("contacts", "add", "--ref=d", *words).stderr.strip() == "added d"
    assert run("contacts", "change", "d", "--phone=", "--company=Acme").returncode == 0
    (found,) = json.loads(run("contacts", "list", "--search=di ek", "-o", "json").stdout)
    assert (found["phones"], found["company"]) == ([], "Acme")
    assert (found["attributes"], found["tags"]) == ({"n": 5}, ["x"])
    table = run("contacts", "list").stdout
    assert ("5550123" in table, "ana@" in table, "a•••" in table) == (False, False, True)
    assert "+12025550123" in run("contacts", "show", "a", "--reveal").stdout
    assert run("contacts", "change", "d").returncode == 2
    assert run("contacts", "remove", "d").returncode == 0
    assert run("contacts", "show", "d").returncode == 1
    assert run("contacts", "export", str(tmp_path / "out.csv")).returncode == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 5
