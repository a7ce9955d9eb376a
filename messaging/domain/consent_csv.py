"""What does a file of consent events say? Every line is read before any is believed.

The first line names the columns, in any order. An empty cell is a field left out; `evidence` is a JSON
object; `at` must be given, because the terms of implied consent run from it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from messaging.domain.consent_request import ConsentRequest
from messaging.domain.errors import FieldProblem
from messaging.domain.file_problems import refused
from messaging.domain.request import problems_of

MAX_ROWS = 100_000
COLUMNS = (
    "to", "channel", "category", "action", "basis", "source", "text_version", "at", "evidence",
)  # fmt: skip
_REQUIRED = ("to", "action", "source", "at")
_CASE = {"channel": str.lower, "category": str.upper, "action": str.lower, "basis": str.lower}


@dataclass(frozen=True, slots=True)
class Line:
    """One event and the line of the file it begins on, the first being 1."""

    number: int
    read: ConsentRequest | list[FieldProblem]

    @property
    def prefix(self) -> str:
        """Where its fields are, as a pointer."""
        return f"#/{self.number}"


def lines(text: str) -> Iterator[Line]:
    """The events of a file, each read or with what is wrong with it; blank lines are skipped.

    Raises:
        InvalidRequestError: the file is not such a table, or has more than `MAX_ROWS` events.
    """
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] | None = None
    rows = 0
    begins = 1
    try:
        for cells in table:
            number, begins = begins, table.line_num + 1
            if not any(map(str.strip, cells)):
                continue
            if columns is None:
                columns = _columns(cells)
                continue
            rows += 1
            if rows > MAX_ROWS:
                raise refused("too_long", f"at most {MAX_ROWS:,} events are taken at once")
            yield _line(number, columns, cells)
    except csv.Error:
        raise refused(
            "not_csv", f"line {begins} is not comma-separated text; check its quotation marks"
        ) from None
    if columns is None:
        raise refused("empty", f"the first line must name the columns: {','.join(COLUMNS)}")


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    known = set(columns) <= set(COLUMNS) and len(set(columns)) == len(columns)
    if not known or not set(_REQUIRED) <= set(columns):
        raise refused(
            "columns",
            f"the first line must name columns, each once, of {','.join(COLUMNS)}; needed are "
            f"{','.join(_REQUIRED)}",
        )
    return columns


def _line(number: int, columns: list[str], cells: list[str]) -> Line:
    prefix = f"#/{number}"
    if len(cells) != len(columns):
        detail = f"has {len(cells)} cells where the first line has {len(columns)}"
        return Line(number, [FieldProblem(prefix, "columns", detail)])
    fields: dict[str, Any] = {
        name: _CASE.get(name, str)(cell.strip())
        for name, cell in zip(columns, cells, strict=True)
        if cell.strip()
    }
    if "evidence" in fields:
        fields["evidence"] = _json(fields["evidence"])
    try:
        read = ConsentRequest.model_validate(fields)
    except ValidationError as error:
        found = problems_of(error, prefix)
    else:
        found = []
        if "at" in fields:
            return Line(number, read)
    if "at" not in fields:
        found.append(FieldProblem(f"{prefix}/at", "required", "is required in a file"))
    return Line(number, found)


def _json(text: str) -> Any:
    """The value of a cell; what is not JSON stays text, which no object is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
