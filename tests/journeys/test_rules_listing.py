"""`posthorn rules`, where no server is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from messaging.domain.compliance.jurisdictions import RULESET, rows
from tests.journeys.household import command, environment


def test_it_lists_every_rule_with_its_source(home: Path) -> None:
    done = command("rules", env=environment(home))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == len(rows()) + 1
    assert all(
        row.id in line and row.source in line for row, line in zip(rows(), lines[1:], strict=True)
    )
    assert RULESET in done.stderr


@pytest.mark.parametrize("form", [("--json",), ("-o", "json")])
def test_a_country_has_its_states_with_it(home: Path, form: tuple[str, ...]) -> None:
    done = command("rules", "--country", "us", *form, env=environment(home))
    assert done.returncode == 0
    found = {row["id"]: row for row in json.loads(done.stdout)}
    assert {"us_federal", "us_fl", "us_fl_cap", "us_tx"} <= found.keys()
    assert all(row["where"].startswith("US") for row in found.values())
    assert found["us_tx"]["what"] == "Mon-Fri 09:00-21:00, Sat 09:00-21:00, Sun 12:00-21:00"
    assert found["us_tx"]["from"] == "2025-09-01"
    assert found["us_al"]["from"] == "unknown"


def test_a_country_without_a_rule_is_shown_the_default(home: Path) -> None:
    done = command("rules", "--country", "ZA", "--json", env=environment(home))
    assert [row["id"] for row in json.loads(done.stdout)] == ["default"]
    assert "no rule names ZA" in done.stderr
