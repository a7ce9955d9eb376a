"""How is an answer shown? Data on standard output, as a table or as JSON; the rest on standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer


class Form(StrEnum):
    """How data is written."""

    TABLE = "table"
    JSON = "json"


Output = Annotated[Form, typer.Option("-o", "--output", help="How data is written.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show whole numbers and texts.")]


# Some keys are words of an enumeration.
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def note(text: str) -> None:
    """Say something to the person at the terminal."""
    sys.stderr.write(f"{text}\n")


def say(text: str) -> None:
    """A line of data on standard output."""
    sys.stdout.write(f"{text}\n")


def mask(number: str) -> str:
    """A number without the digits that make it one person's: +12025550123 is +1202***0123."""
    return f"{number[:5]}***{number[-4:]}" if len(number) > 10 else "***"


def write_json(data: object) -> None:
    """One JSON document on standard output."""
    text = orjson.dumps(data, default=str, option=_JSON)
    sys.stdout.write(f"{text.decode()}\n")


def show(data: Mapping[str, Any], form: Form) -> None:
    """One thing: its fields, one a line."""
    if form is Form.JSON:
        write_json(data)
        return
    width = max(map(len, data), default=0)
    for name, value in data.items():
        if value is not None:
            sys.stdout.write(f"{name:<{width}}  {plain(value)}\n")


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: Form) -> None:
    """Several things of one kind: a row each."""
    if form is Form.JSON:
        write_json(rows)
        return
    cells = [list(columns), *([plain(row[c]) for c in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def plain(value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
