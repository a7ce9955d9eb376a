"""Paused texts, over HTTP and from a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import paused_templates
from tests.api.conftest import SECRET, Caller
from tests.journeys.household import Done, command, environment

REASON = "undelivered 41.0 % of 300 on 3 senders"
NAMES = ("spring sale", "über/50 %")


@pytest.fixture(autouse=True)
def _paused(rt: Runtime, caller: Caller, stranger: Caller) -> None:
    with rt.engine.begin() as db:
        for of in (caller, stranger):
            paused_templates.pause(db, [(of.tenant.id, name, REASON) for name in NAMES])


def names(http: httpx.Client) -> list[str]:
    return [row["template"] for row in http.get("/v1/templates/paused").json()["data"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_paused_template_is_shown_and_resumed_once(http: httpx.Client, name: str) -> None:
    rows = http.get("/v1/templates/paused").json()["data"]
    assert [row["template"] for row in rows] == sorted(NAMES)
    assert {row["reason"] for row in rows} == {REASON}
    path = f"/v1/templates/paused/{quote(name, safe='')}"
    answer = http.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert names(http) == [other for other in sorted(NAMES) if other != name]
    assert http.delete(path).status_code == 404


def test_another_tenants_stay_paused(http: httpx.Client, address: str, stranger: Caller) -> None:
    http.delete(f"/v1/templates/paused/{quote(NAMES[0])}")
    theirs = httpx.get(f"{address}/v1/templates/paused", headers=stranger.headers).json()["data"]
    assert len(theirs) == len(NAMES)


@pytest.mark.parametrize("name", ["", "x" * 129])
def test_what_is_no_name_is_refused(http: httpx.Client, name: str) -> None:
    assert http.delete(f"/v1/templates/paused/{name}").status_code in {404, 405, 422}


def test_a_message_of_a_paused_template_is_taken(http: httpx.Client) -> None:
    message = {"to": "+12025550123", "body": "Half price!", "template": NAMES[0]}
    answer = http.post("/v1/messages", json=message)
    assert answer.status_code == 202, answer.text
    kept = http.get(f"/v1/messages/{answer.json()['id']}").json()
    assert (kept["template"], kept["traffic"], kept["is_warmup"]) == (NAMES[0], "RealLead", False)


def test_from_a_terminal(tmp_path: Path, settings: Settings, caller: Caller) -> None:
    env = environment(
        tmp_path,
        POSTHORN_DATABASE_URL=settings.database_url,
        POSTHORN_REDIS_URL=settings.redis_url,
        POSTHORN_SECRET_KEY=SECRET,
        POSTHORN_TENANT=caller.tenant.name,
    )

    def run(*words: str) -> Done:
        return command("templates", *words, env=env)

    assert REASON in run("paused").stdout
    assert run("resume", NAMES[1]).returncode == 0
    found: Any = json.loads(run("paused", "-o", "json").stdout)
    assert [row["template"] for row in found] == [NAMES[0]]
    again = run("resume", NAMES[1])
    assert (again.returncode, "no paused template" in again.stderr) == (1, True)
