"""The command line where no Posthorn is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeys.household import command, environment

KEY = "k" * 40
NOBODY = {
    "POSTHORN_DATABASE_URL": "postgresql://somebody:pass-canary@127.0.0.1:1/none",
    "POSTHORN_REDIS_URL": "redis://:pass-canary@127.0.0.1:1/0",
    "POSTHORN_SECRET_KEY": KEY,
}


@pytest.mark.parametrize(
    "words",
    [
        ("send", "+12125550123", "x"),
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


@pytest.mark.parametrize("words", [("send", "+12125550123", "x"), ("migrate",), ("up",)])
def test_a_server_that_is_away_is_a_sentence(home: Path, words: tuple[str, ...]) -> None:
    done = command(*words, env=environment(home, **NOBODY))
    assert done.returncode == 1
    assert "POSTHORN_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "pass-canary" not in done.stderr


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
    assert command("version", env=environment(home)).stdout == (
        command("--version", env=environment(home)).stdout
    )
