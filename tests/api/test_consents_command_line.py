"""Consent and do-not-call lists from a terminal, on the database the application uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from messaging.settings import Settings
from tests.api.conftest import SECRET, Caller
from tests.journeys.household import Done, command, environment

TO = "+12025550187"
HEADER = "to,action,basis,source,at\n"
LONG_AGO = "2026-01-05T10:00:00Z"


class Terminal:
    """The command line as one tenant."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env

    def run(self, *words: str) -> Done:
        return command(*words, env=self._env)

    def done(self, *words: str) -> Done:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self.done(*words, "-o", "json").stdout)


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


def test_consent_is_recorded_and_shown_without_the_number(terminal: Terminal) -> None:
    assert terminal.json("consents", "check", TO)["lacking"]["reason"] == "no_consent"
    words = ("--basis", "express_written", "--source", "till", "--evidence", '{"form": "vip"}')
    assert terminal.done("consents", "record", TO, "grant", *words).stderr == "recorded\n"
    found = terminal.json("consents", "check", TO)
    assert (found["to"], found["lacking"]) == ("+1202***0187", None)
    assert (found["consent"]["action"], found["consent"]["source"]) == ("grant", "till")
    shown = terminal.done("consents", "check", TO)
    assert TO not in shown.stdout + shown.stderr
    assert "express_written" in shown.stdout
    assert TO in terminal.done("consents", "check", TO, "--reveal").stdout
    terminal.done("consents", "record", TO, "revoke")
    assert "consent was revoked" in terminal.done("consents", "check", TO).stdout


def test_a_file_of_consents_is_imported_or_explained(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "consents.csv"
    file.write_text(f"{HEADER}{TO},grant,express_written,till,{LONG_AGO}\n12,grant,,till,soon\n")
    refused = terminal.run("consents", "import", str(file))
    assert refused.returncode == 2
    lines = refused.stderr.splitlines()
    assert any(line.startswith("posthorn: 3/at: line 3: ") for line in lines)
    assert terminal.json("consents", "check", TO)["consent"] is None
    file.write_text(f"{HEADER}{TO},grant,express_written,till,{LONG_AGO}\n")
    assert "recorded 1" in terminal.done("consents", "import", str(file)).stderr
    assert terminal.json("consents", "check", TO)["consent"]["source"] == "till"


def test_a_scrub_is_imported_and_its_freshness_is_listed(
    terminal: Terminal, tmp_path: Path
) -> None:
    (before,) = terminal.json("dnc", "list")
    assert (before["registry"], before["scrubbed_at"], before["days_left"]) == ("US", None, 0.0)
    file = tmp_path / "listed.csv"
    file.write_text(f"number\n{TO}\n+12025550124\n")
    words = ("dnc", "import", "US", str(file), "--scrubbed-at", LONG_AGO)
    assert "US lists 2 numbers now" in terminal.done(*words).stderr
    (after,) = terminal.json("dnc", "list")
    assert (after["numbers"], after["fresh_until"]) == (2, "2026-02-05T10:00:00Z")
    assert "US" in terminal.done("dnc", "list").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("consents", "record", TO, "grant"), "basis: a grant needs"),
        (("consents", "record", "nobody", "revoke"), "to: This is not a phone number"),
        (("consents", "record", TO, "perhaps"), "perhaps"),
        (("consents", "record", TO, "ask", "--evidence", "[]"), "must be a JSON object"),
        (("consents", "record", TO, "ask", "--source", ""), "source: must have at least 1"),
        (("consents", "import", "/nowhere/at-all.csv"), "cannot be read"),
        (("dnc", "import", "US", "/nowhere/at-all.csv"), "Missing option"),
    ],
)
def test_what_was_asked_wrongly_is_one_sentence(
    terminal: Terminal, words: tuple[str, ...], said: str
) -> None:
    done = terminal.run(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert TO not in done.stderr
