"""What does docker-compose.yml say, once its variables are filled in?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.architecture.repository import ROOT

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")
REQUIRED = re.compile(r":\?set (?P<name>[A-Z_]+)")


def text() -> str:
    """The file, without its comments."""
    lines = (ROOT / "docker-compose.yml").read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def document() -> dict[str, Any]:
    """The whole file, with merges resolved and variables as written."""
    found: dict[str, Any] = yaml.safe_load(text())
    return found


def services() -> dict[str, dict[str, Any]]:
    """Each service as it is written."""
    found: dict[str, dict[str, Any]] = document()["services"]
    return found


def variables() -> set[tuple[str, str]]:
    """The (name, what follows it) of every variable."""
    return {(m["name"], m["rest"]) for m in _VARIABLE.finditer(text())}


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """`value` with its variables replaced. KeyError for one that has no value."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda m: values[m["name"]], value)
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, values) for name, item in value.items()}
    return value
