"""The arrows between modules hold, and each contract fails when its arrow is turned round."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
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
    """One line that must not pass."""

    contract: str
    file: str
    line: str


VIOLATIONS = (
    Violation("processes", "messaging/intake.py", "from workers import app"),
    Violation("processes", "workers/tasks.py", "from schedules import beat"),
    Violation("layers", "messaging/domain/retry.py", "from messaging import settings"),
    Violation("layers", "messaging/store/facts.py", "from messaging import intake"),
    Violation("layers", "messaging/dispatch.py", "from messaging import receipts"),
    Violation("layers", "messaging/runtime.py", "from messaging.api import schema"),
    Violation("layers", "messaging/throttle.py", "from messaging.store import pulse"),
    Violation("layers", "messaging/sandbox/ledger.py", "from messaging.domain import segments"),
    Violation("layers", "messaging/sandbox/wire.py", "from messaging.providers import twilio"),
    Violation("layers", "messaging/unplaced.py", "import json"),
    Violation("domain", "messaging/domain/compliance.py", "import time"),
    Violation("domain", "messaging/domain/selection.py", "import random"),
    Violation("domain", "messaging/domain/lifecycle.py", "import sqlalchemy"),
    Violation("adapters", "messaging/providers/twilio.py", "import time"),
    Violation("adapters", "messaging/providers/twilio.py", "import redis"),
    Violation("adapters", "messaging/providers/twilio_errors.py", "import os"),
    Violation(
        "adapters", "messaging/providers/twilio.py", "from messaging.providers import transport"
    ),
    Violation("registry", "messaging/dispatch.py", "from messaging.providers import twilio"),
    Violation("sockets", "messaging/reconcile.py", "import pycurl"),
    Violation("celery", "messaging/maintenance.py", "import celery"),
    Violation("api", "messaging/api/native.py", "from messaging.store import messages"),
    Violation("api", "messaging/api/webhooks.py", "from messaging import providers"),
    Violation("api", "messaging/api/sending.py", "from messaging import queues"),
    Violation("shells", "workers/tasks.py", "from messaging.store import backlog"),
    Violation("shells", "schedules/beat.py", "import redis"),
    Violation("sandbox", "messaging/dispatch.py", "from messaging import sandbox"),
    Violation("cycles", "messaging/store/tables.py", "from messaging.store import views"),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The packages without anything else, to be spoilt."""
    where = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, where / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", where)
    yield where
    shutil.rmtree(where)


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda v: f"{v.contract}-{v.file}-{v.line}")
def test_a_contract_fails_when_it_is_broken(copy: Path, violation: Violation) -> None:
    file = copy / violation.file
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}\n{violation.line}\n")
    try:
        done = _lint(copy, "--no-cache", "--contract", violation.contract)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept, 1 broken" in done.stdout
    module = violation.file.removesuffix(".py").replace("/", ".")
    assert module.rpartition(".")[2] in done.stdout.partition("Broken contracts")[2]


def test_every_contract_is_broken_by_some_violation() -> None:
    assert {contract["id"] for contract in contracts()} == {v.contract for v in VIOLATIONS}


def test_every_adapter_is_held_to_the_contracts_of_adapters() -> None:
    held = {contract["id"]: contract for contract in contracts()}
    for provider in PROVIDERS:
        module = f"messaging.providers.{provider}"
        assert module in held["adapters"]["source_modules"]
        assert module in held["registry"]["protected_modules"]
