"""Where is what these tests read?"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("messaging", "workers", "schedules")
TREES = (*PACKAGES, "tests")


def sources(*trees: str) -> list[Path]:
    """Every Python file below `trees`."""
    return sorted(path for tree in trees for path in (ROOT / tree).rglob("*.py"))


def name(path: Path) -> str:
    """A file as it is called in the repository."""
    return path.relative_to(ROOT).as_posix()


def pyproject() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def contracts() -> list[dict[str, Any]]:
    """The import contracts."""
    found: list[dict[str, Any]] = pyproject()["tool"]["importlinter"]["contracts"]
    return found
