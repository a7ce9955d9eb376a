"""What does a file of consent events say? Every line is read before any is believed.

The first line names the columns, in any order. An empty cell is a field left out; `evidence` is a JSON
object; `at` must be given, because the terms of implied consent run from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from messaging.domain import csv_table
from messaging.domain.consent_request import ConsentRequest
from messaging.domain.csv_table import Row, Table
from messaging.domain.errors import FieldProblem
from messaging.domain.request import problems_of

MAX_ROWS = 100_000
COLUMNS = (
    "to", "channel", "category", "action", "basis", "source", "text_version", "at", "evidence",
)  # fmt: skip
_TABLE = Table(COLUMNS, [frozenset({name}) for name in ("to", "action", "source", "at")], MAX_ROWS)
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
    return map(_line, csv_table.rows(text, _TABLE))


def _line(row: Row) -> Line:
    if row.problem is not None:
        return Line(row.number, [row.problem])
    fields: dict[str, Any] = {name: _CASE.get(name, str)(cell) for name, cell in row.cells.items()}
    if "evidence" in fields:
        fields["evidence"] = _json(fields["evidence"])
    try:
        read = ConsentRequest.model_validate(fields)
    except ValidationError as error:
        found = problems_of(error, row.prefix)
    else:
        found = []
        if "at" in fields:
            return Line(row.number, read)
    if "at" not in fields:
        found.append(FieldProblem(f"{row.prefix}/at", "required", "is required in a file"))
    return Line(row.number, found)


def _json(text: str) -> Any:
    """The value of a cell; what is not JSON stays text, which no object is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
