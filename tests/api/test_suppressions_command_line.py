"""Suppressions from a terminal, on the database the application uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from messaging.settings import Settings
from tests.api.conftest import SECRET, Caller
from tests.journeys.household import Done, command, environment

TO = "+12025550187"


class Terminal:
    """`posthorn suppressions` as one tenant."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env

    def run(self, *words: str) -> Done:
        return command("suppressions", *words, env=self._env)

    def done(self, *words: str) -> Done:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done

    def held(self, *words: str) -> list[tuple[str, str, str]]:
        found: Any = json.loads(self.done("check", TO, *words, "-o", "json").stdout)
        return [(row["kind"], row["scope"], row["source"]) for row in found]


@pytest.fixture
def terminal(tmp_path: Path, settings: Settings, caller: Caller) -> Terminal:
    return Terminal(
        environment(
            tmp_path,
            POSTHORN_DATABASE_URL=settings.database_url,
            POSTHORN_REDIS_URL=settings.redis_url,
            POSTHORN_SECRET_KEY=SECRET,
            POSTHORN_TENANT=caller.tenant.name,
        )
    )


def test_somebody_is_suppressed_and_lifted(terminal: Terminal, http: httpx.Client) -> None:
    http.post("/v1/messages", json={"to": TO, "body": "Hello"})
    done = terminal.done("add", TO, "--scope", "all", "--evidence", "ticket 4711")
    assert (done.stdout, done.stderr) == ("", "suppressed; messages canceled: 1\n")
    assert terminal.held() == [("opt_out", "all", "api")]
    shown = terminal.done("check", TO, "--history")
    assert "ticket 4711" in shown.stdout
    assert TO not in shown.stdout + shown.stderr
    assert terminal.done("lift", TO).stderr == "lifted\n"
    assert terminal.held() == []
    assert terminal.done("check", TO).stderr == "not suppressed\n"
    assert terminal.run("lift", TO).returncode == 1
    terminal.done("add", TO, "--complaint")
    assert terminal.held("--channel", "mms") == [("complaint", "all", "complaint")]


def test_what_cannot_be_read_is_one_line(terminal: Terminal) -> None:
    done = terminal.run("add", "12")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    done = terminal.run("add", TO, "--at", "2126-01-01T00:00:00Z")
    assert (done.returncode, done.stderr) == (
        2,
        "posthorn: at: must not be in the future; nobody said it\n",
    )


def test_files_go_out_and_come_in(terminal: Terminal, tmp_path: Path) -> None:
    good, bad, out = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "out.csv"
    good.write_text(f"to,source\n{TO},complaint\n+12025550188,\n")
    bad.write_text(f"to\n+12025550189\n{TO}123456\n")
    done = terminal.run("import", str(bad))
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 3" in done.stderr
    assert TO not in done.stderr
    assert "2 rows: 4 new, messages canceled: 0" in terminal.done("import", str(good)).stderr
    assert terminal.held() == [("complaint", "all", "complaint")]
    terminal.done("export", str(out))
    assert len(out.read_text().splitlines()) == 5
    assert terminal.done("export").stdout.splitlines() == out.read_text().splitlines()
    assert "4 rows: 0 new" in terminal.done("import", str(out)).stderr
    assert terminal.run("import", str(tmp_path / "none.csv")).returncode == 2
