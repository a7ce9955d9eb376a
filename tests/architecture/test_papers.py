"""What the papers say is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.main import get_command

from messaging import __version__
from messaging.cli import app
from messaging.domain import compliance
from messaging.domain.lifecycle import diagram
from messaging.queues import TASK_QUEUES, WorkQueue
from messaging.settings import Settings
from messaging.store.tables import metadata
from tests.architecture import compose
from tests.architecture.repository import ROOT, pyproject

PAPERS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
README, ARCHITECTURE, CONTRIBUTING, CHANGELOG = ((ROOT / name).read_text() for name in PAPERS)


def _rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table after `heading`."""
    table = text.partition(heading)[2].partition("\n|")[2].partition("\n\n")[0]
    return [[c.strip() for c in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 200


def test_the_diagram_is_the_lifecycle() -> None:
    drawn = ARCHITECTURE.partition("<!-- lifecycle -->\n```mermaid\n")[2].partition("\n```")[0]
    assert drawn == diagram()


def _plain(value: object) -> str:
    value = value.get_secret_value() if isinstance(value, SecretStr) else value
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def test_every_setting_is_explained_with_its_default() -> None:
    said: dict[str, str] = {}
    for names, defaults, _ in _rows(ARCHITECTURE, "## Settings"):
        values = re.findall(r"`([^`]+)`", defaults) or [""]
        said |= dict(zip(re.findall(r"`(\w+)`", names), values, strict=True))
    known = {
        f"POSTHORN_{name.upper()}": _plain(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert said == known


def test_every_variable_a_paper_names_exists() -> None:
    client = {"POSTHORN_URL", "POSTHORN_API_KEY", "POSTHORN_TENANT"}
    known = {f"POSTHORN_{name.upper()}" for name in Settings.model_fields} | client
    for text in (README, ARCHITECTURE, CONTRIBUTING, CHANGELOG):
        assert set(re.findall(r"POSTHORN_[A-Z_]+", text)) <= known


def test_every_table_is_explained() -> None:
    explained = {
        name for row in _rows(ARCHITECTURE, "## Tables") for name in re.findall(r"`(\w+)`", row[0])
    }
    members = {"sender_pool_members"}
    assert explained == metadata.tables.keys() - members


def test_every_process_and_queue_is_listed() -> None:
    rows = _rows(ARCHITECTURE, "\n## Processes")
    assert {row[0].strip("`") for row in rows} == set(compose.services()) - {
        "postgres",
        "redis",
        "migrate",
    }
    served = {queue for row in rows for queue in re.findall(r"`(\w+)`", row[1])}
    assert served == {queue.value for queue in WorkQueue}


def test_every_task_is_explained() -> None:
    rows = _rows(ARCHITECTURE, "### Tasks")
    told = {name: row[1].strip("`") for row in rows for name in re.findall(r"`([\w.]+)`", row[0])}
    assert told == {task.value: queue.value for task, queue in TASK_QUEUES.items()}


def test_every_rule_is_listed_in_order() -> None:
    listed = re.findall(r"^(\d+)\. \*\*(\w+)\*\*: (.+)$", README, re.MULTILINE)
    asked = [(str(n), rule.id, rule.question) for n, rule in enumerate(compliance.RULES, start=1)]
    assert listed == asked


def test_make_has_every_target_a_paper_names() -> None:
    targets = set(re.findall(r"^([a-z]+): .*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for text in (README, CONTRIBUTING)
        for target in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)
    }
    assert {"demo", "up", "test", "check", "bench"} <= named <= targets


def test_every_command_a_paper_names_exists() -> None:
    command = get_command(app)
    known = set(command.commands)  # type: ignore[attr-defined]  # a group, as posthorn has commands
    named = {
        name
        for text in (README, ARCHITECTURE, CHANGELOG)
        for name in re.findall(r"(?:^|`)posthorn ([a-z]+)", text, re.MULTILINE)
    }
    assert {"up", "demo", "send", "doctor", "top", "status", "keys", "explain"} <= named <= known


def test_the_changelog_has_this_version() -> None:
    headings = re.findall(r"^## \[([^\]]+)\] - (.+)$", CHANGELOG, re.MULTILINE)
    assert headings[0][0] == __version__ == pyproject()["project"]["version"]
    assert all(re.fullmatch(r"Unreleased|\d{4}-\d\d-\d\d", date) for _, date in headings)


def test_links_and_paths_lead_somewhere() -> None:
    for text in (README, ARCHITECTURE, CONTRIBUTING):
        for target in re.findall(r"\]\(([A-Z][^)#]*)\)", text):
            assert (ROOT / target).exists(), target
        for path in re.findall(r"`((?:messaging|tests|domain|store|providers)/[\w/]+\.py)`", text):
            assert (ROOT / path).exists() or (ROOT / "messaging" / path).exists(), path


def test_decisions_carry_a_date_and_a_price() -> None:
    decisions = ARCHITECTURE.partition("\n## Decisions\n")[2].strip().split("\n\n")
    assert decisions
    for decision in decisions:
        assert re.match(r"\*\*20\d\d-\d\d · .+\*\* ", decision), decision
        assert "Given up:" in decision, decision


def test_the_layers_are_those_of_the_contract() -> None:
    (contract,) = (
        c for c in pyproject()["tool"]["importlinter"]["contracts"] if c["id"] == "layers"
    )
    drawn = ARCHITECTURE.partition("    messaging\n")[2].partition("\n    messaging/sandbox")[0]
    names = [re.split(" {3,}", line.strip())[0].split() for line in drawn.splitlines()]
    places = {name: n for n, line in enumerate(names) for name in line}
    layers = [re.findall(r"\w+", layer) for layer in contract["layers"]]
    drawn_elsewhere = {"sandbox"}
    assert places.keys() == {name for layer in layers for name in layer} - drawn_elsewhere
    for upper, lower in pairwise([n for n in layer if n in places] for layer in layers):
        assert max(places[name] for name in upper) < min(places[name] for name in lower)


@pytest.mark.parametrize("command", ["posthorn", "lint-imports", "pytest"])
def test_the_commands_are_installed(command: str) -> None:
    program = Path(sys.executable).with_name(command)
    done = subprocess.run([program, "--help"], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
