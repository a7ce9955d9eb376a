"""`posthorn numbers` beside a running Posthorn."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.household import Household

pytestmark = pytest.mark.stack

NUMBER = "+12125550142"


def test_line_types_are_imported_and_shown(posthorn: Household, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(f"to,line_type\n{NUMBER},landline\n")
    done = posthorn.run("numbers", "import", str(file))
    assert (done.returncode, done.stdout) == (0, "")
    assert "line types learned: 1" in done.stderr
    found = posthorn.json("numbers", "show", NUMBER)
    assert (found["type"], found["refused"]) == ("fixed_line_or_mobile", None)
    assert (found["line"]["type"], found["line"]["source"]) == ("landline", "import")
    shown = posthorn.run("numbers", "show", NUMBER)
    assert NUMBER not in shown.stdout + shown.stderr
    assert NUMBER in posthorn.run("numbers", "show", NUMBER, "--reveal").stdout


def test_a_file_with_a_mistake_is_sentences(posthorn: Household, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    file.write_text(f"to,line_type\n{NUMBER},brick\n")
    done = posthorn.run("numbers", "import", str(file))
    assert done.returncode == 2
    assert "line 2: must be one of mobile, landline, voip" in done.stderr
    assert NUMBER not in done.stderr
