"""`posthorn preview`, which needs no Posthorn."""

from __future__ import annotations

import json
from pathlib import Path

from tests.journeys.household import command, environment


def test_it_shows_what_a_text_costs(home: Path) -> None:
    done = command("preview", "amanhã em bit.ly/x", env=environment(home))
    assert done.returncode == 0
    shown = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    assert shown["encoding"].strip() == "UCS-2"
    assert "U+00E3 LATIN SMALL LETTER A WITH TILDE x1" in shown["forces UCS-2"]
    assert done.stderr.startswith("public_shortener: ")


def test_it_writes_json_and_reads_standard_input(home: Path) -> None:
    words = ("preview", "-", "--smart-encoding", "--fold-accents", "--json")
    done = command(*words, env=environment(home), stdin="“amanhã”\n")
    assert json.loads(done.stdout) == {
        "body": '"amanha"',
        "encoding": "GSM-7",
        "units": 8,
        "segments": 1,
        "units_per_segment": [8],
        "forces_ucs2": [],
        "warnings": [],
    }
    same = command(*words[:-1], "-o", "json", env=environment(home), stdin="“amanhã”\n")
    assert same.stdout == done.stdout


def test_bytes_that_are_no_text_are_refused(home: Path) -> None:
    done = command("preview", "a\udcff", env=environment(home))
    assert done.returncode == 2
    assert "UTF-8" in done.stderr
