from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.benchmarks.report import FILE, REQUIRED, ROOT


@pytest.mark.stack
@pytest.mark.timeout(170)
def test_a_quick_run_loses_nothing_and_has_every_figure() -> None:
    FILE.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=160,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(FILE.read_text())
    assert set(REQUIRED) <= set(figures)
    assert all(figures[name] > 0 for name in REQUIRED)
