"""Files and functions stay small, names say what is inside, and the top level stays as it is."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.repository import PACKAGES, ROOT, TREES, name, sources

LONGEST_FILE = 300
LONGEST_FUNCTION = 60

LONG_FILES = {
    "messaging/store/migrations/versions/0001_first_schema.py": "a migration is never edited again",
    "messaging/store/migrations/versions/0002_compliance.py": "as above",
}
LONG_FUNCTIONS = {
    "messaging/sandbox/command.py:sandbox": "one command line: an option a line, no decision",
}
# What grows without end because nothing says what does not belong in it.
NAMES_OF_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "models", "misc"}

TOP_LEVEL = {
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "docker-compose.yml",
    "messaging",
    "pyproject.toml",
    "requirements-image.lock",
    "requirements.lock",
    "schedules",
    "tests",
    "workers",
}
NOT_KEPT = {"__pycache__", "bench.json", "dist", "build"}
"""Made by commands and ignored by git."""

FILES = sources(*TREES)


def _length(path: Path) -> int:
    return len(path.read_text().splitlines())


def _functions(path: Path) -> dict[str, int]:
    """Lines of each function, by its name in the repository."""
    return {
        f"{name(path)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_a_file_is_read_in_one_sitting() -> None:
    long = {name(path) for path in FILES if _length(path) > LONGEST_FILE}
    assert long <= LONG_FILES.keys()


def test_a_function_fits_a_screen() -> None:
    lengths = {f: n for path in FILES for f, n in _functions(path).items()}
    long = {function for function, lines in lengths.items() if lines > LONGEST_FUNCTION}
    assert long <= LONG_FUNCTIONS.keys()


def test_no_exception_has_outlived_its_reason() -> None:
    lengths = {f: n for path in FILES for f, n in _functions(path).items()}
    assert all(_length(ROOT / file) > LONGEST_FILE for file in LONG_FILES)
    assert all(lengths[function] > LONGEST_FUNCTION for function in LONG_FUNCTIONS)


def test_a_name_says_what_is_inside() -> None:
    named = {name(path): {path.stem, path.parent.name} for path in FILES}
    assert not [file for file, words in named.items() if words & NAMES_OF_NOTHING]


def test_a_module_says_which_question_it_answers() -> None:
    silent = [
        name(path)
        for path in sources(*PACKAGES)
        if "migrations" not in path.parts and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_the_top_level_is_what_readers_know() -> None:
    found = {entry.name for entry in ROOT.iterdir() if not entry.name.startswith(".")}
    found = {entry for entry in found if not entry.endswith(".egg-info")} - NOT_KEPT
    assert found <= TOP_LEVEL
    assert found >= TOP_LEVEL - {"LICENSE"}
