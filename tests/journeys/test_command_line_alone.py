"""The command line where no Posthorn is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from messaging import __version__
from messaging.cli import COMMANDS
from tests.journeys.household import command, environment, program

TO = "+12125550123"
KEY = "k" * 40
NOBODY = {
    "POSTHORN_DATABASE_URL": "postgresql://somebody:pass-canary@127.0.0.1:1/none",
    "POSTHORN_REDIS_URL": "redis://:pass-canary@127.0.0.1:1/0",
    "POSTHORN_SECRET_KEY": KEY,
}


@pytest.mark.parametrize(
    "words",
    [
        ("send", TO, "x"),
        ("status", "01a1f9e3-4346-75aa-bfeb-9203c57ca19b"),
        ("top", "--once"),
        ("senders", "list"),
        ("keys", "create"),
        ("exporter",),
    ],
)
def test_with_nothing_configured_it_says_what_to_do(home: Path, words: tuple[str, ...]) -> None:
    done = command(*words, env=environment(home))
    assert done.returncode == 2
    assert "run 'posthorn up'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [("send", TO, "x"), ("migrate",), ("up",)])
def test_a_server_that_is_away_is_a_sentence(home: Path, words: tuple[str, ...]) -> None:
    done = command(*words, env=environment(home, **NOBODY))
    assert done.returncode == 1
    assert "POSTHORN_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "pass-canary" not in done.stderr


def test_no_answer_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.client.repeats._BACKOFF", lambda _state: 0.0)
    elsewhere = {"POSTHORN_URL": "http://127.0.0.1:1", "POSTHORN_API_KEY": "x"}
    away = command("send", TO, "x", env=environment(home, **elsewhere))
    assert away.returncode == 1
    assert away.stderr.startswith("posthorn: no answer")
    assert away.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", TO, "x", "--at", "tomorrow"), "must be as 2030"),
        (("send", TO, "x", "--at", "2030-01-31T09:00:00"), "must carry a UTC offset"),
        (("send", TO), "Missing argument"),
        (("status", "not-an-id"), "UUID"),
        (("keys", "make"), "No such command"),
        (("fly",), "No such command"),
        (("sned",), "Did you mean 'send'?"),
        (("migrate",), "set POSTHORN_DATABASE_URL"),
    ],
)
def test_a_command_asked_wrongly_says_what_it_takes(
    home: Path, words: tuple[str, ...], said: str
) -> None:
    done = command(*words, env=environment(home))
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_a_bad_setting_is_named(home: Path) -> None:
    done = command("up", env=environment(home, POSTHORN_WINDOW="0", POSTHORN_API_PORT="many"))
    assert done.returncode == 2
    assert "POSTHORN_WINDOW" in done.stderr
    assert "POSTHORN_API_PORT" in done.stderr
    assert done.stderr.count("\n") == 1


def test_doctor_names_every_server_that_is_away(home: Path) -> None:
    public = {"POSTHORN_ENVIRONMENT": "production", "POSTHORN_PUBLIC_URL": "http://localhost:8000"}
    done = command("doctor", "-o", "json", env=environment(home, **NOBODY, **public))
    assert done.returncode == 1
    failed = {f["check"] for f in json.loads(done.stdout) if f["health"] == "FAIL"}
    assert failed == {"public url", "database", "redis"}
    assert "pass-canary" not in done.stdout


def test_the_version_is_data(home: Path) -> None:
    shown = program("version", env=environment(home))
    assert shown.stdout == f"{__version__}\n"
    assert command("--version", env=environment(home)).stdout == shown.stdout


def test_help_names_every_command(home: Path) -> None:
    shown = command("--help", env=environment(home)).stdout
    assert re.findall(r"^  ([a-z][a-z-]*)  ", shown, re.MULTILINE) == [*COMMANDS]


@pytest.mark.parametrize("module", ["messaging.cli.messages", "messaging.cli.over_http"])
def test_what_sends_over_http_loads_no_server(module: str) -> None:
    asked = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    found = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True
    )
    heavy = {"alembic", "celery", "fastapi", "psycopg", "redis", "sqlalchemy"}
    assert heavy & set(found.stdout.split()) == set()
