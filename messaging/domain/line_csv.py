"""What does a file of line types say? Two columns, `to` and `line_type`, named by its first line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from messaging.domain import csv_table
from messaging.domain.compliance.facts import LineType
from messaging.domain.csv_table import Row, Table
from messaging.domain.errors import FieldProblem

MAX_ROWS = 500_000
COLUMNS = ("to", "line_type")
_TABLE = Table(COLUMNS, [frozenset({name}) for name in COLUMNS], MAX_ROWS)
_TYPES = {kind.value: kind for kind in LineType if kind is not LineType.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Line:
    """One number and the line of the file it stands in, the first being 1."""

    number: int
    to: str
    line_type: LineType | FieldProblem


def lines(text: str) -> Iterator[Line]:
    """The numbers of a file, each with its line type or what is wrong; blank lines are skipped.

    Raises:
        InvalidRequestError: the file is not such a table, or has more than `MAX_ROWS` numbers.
    """
    return map(_line, csv_table.rows(text, _TABLE))


def _line(row: Row) -> Line:
    if row.problem is not None:
        return Line(row.number, "", row.problem)
    kind = _TYPES.get(row.cells.get("line_type", "").lower())
    if kind is None:
        detail = f"must be one of {', '.join(_TYPES)}"
        return Line(row.number, "", FieldProblem(f"{row.prefix}/line_type", "not_valid", detail))
    return Line(row.number, row.cells.get("to", ""), kind)
