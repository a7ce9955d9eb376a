from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.report import REQUIRED, ROOT


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_a_quick_run_loses_nothing_and_has_every_figure(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick", "--output", str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(output.read_text())
    assert set(REQUIRED) <= set(figures)
    assert all(figures[name] > 0 for name in REQUIRED)
