"""The arrows between modules hold, and each contract fails when its arrow is turned round."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

from messaging.providers import PROVIDERS
from tests.architecture.repository import PACKAGES, ROOT, contracts

_LINT = Path(sys.executable).with_name("lint-imports")


def _lint(where: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_LINT, "--no-logo", *options],
        cwd=where,
        env={**os.environ, "COLUMNS": "400", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_contract_is_kept() -> None:
    done = _lint(ROOT, "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


class Violation(NamedTuple):
    """One import that must not pass."""

    contract: str
    module: str
    imported: str

    @property
    def line(self) -> str:
        """The import as it is seen."""
        package, _, name = self.imported.rpartition(".")
        return f"from {package} import {name}" if package else f"import {name}"


VIOLATIONS = (
    Violation("processes", "messaging.intake", "workers.app"),
    Violation("processes", "workers.tasks", "schedules.beat"),
    Violation("layers", "messaging.domain.retry", "messaging.settings"),
    Violation("layers", "messaging.store.facts", "messaging.intake"),
    Violation("layers", "messaging.dispatch", "messaging.receipts"),
    Violation("layers", "messaging.runtime", "messaging.api.schema"),
    Violation("layers", "messaging.rates", "messaging.store.pulse"),
    Violation("layers", "messaging.sandbox.ledger", "messaging.domain.segments"),
    Violation("layers", "messaging.sandbox.twilio_wire", "messaging.providers.twilio"),
    Violation("domain", "messaging.domain.compliance", "time"),
    Violation("domain", "messaging.domain.selection", "random"),
    Violation("domain", "messaging.domain.lifecycle", "sqlalchemy"),
    Violation("adapters", "messaging.providers.twilio", "time"),
    Violation("adapters", "messaging.providers.twilio", "redis"),
    Violation("adapters", "messaging.providers.twilio_errors", "os"),
    Violation("adapters", "messaging.providers.twilio", "messaging.providers.transport"),
    Violation("registry", "messaging.dispatch", "messaging.providers.twilio"),
    Violation("sockets", "messaging.reconcile", "pycurl"),
    Violation("celery", "messaging.maintenance", "celery"),
    Violation("api", "messaging.api.native", "messaging.store.messages"),
    Violation("api", "messaging.api.webhooks", "messaging.providers"),
    Violation("api", "messaging.api.sending", "messaging.queues"),
    Violation("shells", "workers.tasks", "messaging.store.backlog"),
    Violation("shells", "schedules.beat", "redis"),
    Violation("client", "messaging.client", "messaging.settings"),
    Violation("client", "messaging.client.reading", "sqlalchemy"),
    Violation("sandbox", "messaging.dispatch", "messaging.sandbox"),
)


def _spoilt(where: Path, lines: dict[str, list[str]]) -> Path:
    """A copy of the packages, with these lines added to these modules."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, where / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", where)
    for module, added in lines.items():
        with (where / f"{module.replace('.', '/')}.py").open("a") as file:
            file.write("\n".join(["", *added, ""]))
    return where


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each contract, by its id, when every violation is made at once."""
    lines: dict[str, list[str]] = defaultdict(list)
    for violation in VIOLATIONS:
        lines[violation.module].append(violation.line)
    where = _spoilt(tmp_path_factory.mktemp("copy"), lines)
    done = _lint(where, "--no-cache")
    shutil.rmtree(where)
    assert done.returncode == 1, done.stdout + done.stderr
    text = done.stdout.partition("Broken contracts")[2]
    starts = {c["id"]: text.find(f"\n{c['name']}\n") for c in contracts()}
    ends = sorted([*starts.values(), len(text)])
    return {
        key: text[start : next(end for end in ends if end > start)]
        for key, start in starts.items()
        if start >= 0
    }


@pytest.mark.parametrize(
    "violation", VIOLATIONS, ids=lambda v: f"{v.contract}: {v.module} -> {v.imported}"
)
def test_a_contract_fails_when_it_is_broken(
    complaints: dict[str, str], violation: Violation
) -> None:
    assert f"{violation.module} -> {violation.imported}" in complaints[violation.contract]


def test_a_new_module_must_be_given_its_place(tmp_path: Path) -> None:
    where = _spoilt(tmp_path, {"messaging.unplaced": ["import json"]})
    done = _lint(where, "--no-cache", "--contract", "layers")
    assert done.returncode == 1
    assert "unplaced" in done.stdout


def test_a_cycle_is_seen(tmp_path: Path) -> None:
    where = _spoilt(tmp_path, {"messaging.store.tables": ["from messaging.store import views"]})
    done = _lint(where, "--no-cache", "--contract", "cycles")
    assert done.returncode == 1
    assert "No cycles are allowed in messaging.store" in done.stdout


def test_every_contract_is_broken_by_some_violation() -> None:
    broken = {violation.contract for violation in VIOLATIONS} | {"cycles"}
    assert {contract["id"] for contract in contracts()} == broken


def test_every_adapter_is_held_to_the_contracts_of_adapters() -> None:
    held = {contract["id"]: contract for contract in contracts()}
    for provider in PROVIDERS:
        module = f"messaging.providers.{provider}"
        assert module in held["adapters"]["source_modules"]
        assert module in held["registry"]["protected_modules"]
