"""The table of providers' errors that may lie beside the repository, as rows to compare with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_FILE = next(Path(__file__).parents[3].glob("*/vectors/error_classes.json"), None)
beside = pytest.mark.skipif(
    _FILE is None, reason="the table of errors is not beside the repository"
)


def rows_of(provider: str, phase: str = "sync") -> list[dict[str, Any]]:
    """A provider's rows; none where the table is not there."""
    rows = json.loads(_FILE.read_text())["rows"] if _FILE is not None else []
    return [row for row in rows if (row["provider"], row["phase"]) == (provider, phase)]
