"""What does a file of line types say? Two columns, `to` and `line_type`, named by its first line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from messaging.domain.compliance.facts import LineType
from messaging.domain.errors import FieldProblem
from messaging.domain.file_problems import refused

MAX_ROWS = 500_000
COLUMNS = ("to", "line_type")
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
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] | None = None
    rows, begins = 0, 1
    try:
        for cells in table:
            number, begins = begins, table.line_num + 1
            cleaned = [cell.strip() for cell in cells]
            if not any(cleaned):
                continue
            if columns is None:
                columns = _columns(cleaned)
                continue
            rows += 1
            if rows > MAX_ROWS:
                raise refused("too_long", f"at most {MAX_ROWS:,} numbers are taken at once")
            yield _line(number, columns, cleaned)
    except csv.Error:
        detail = f"line {begins} is not comma-separated text; check its quotation marks"
        raise refused("not_csv", detail) from None
    if columns is None:
        raise refused("empty", f"the first line must name the columns: {','.join(COLUMNS)}")


def _columns(cells: list[str]) -> list[str]:
    columns = [cell.lower() for cell in cells]
    if sorted(columns) != sorted(COLUMNS):
        raise refused("columns", f"the first line must name the columns: {','.join(COLUMNS)}")
    return columns


def _line(number: int, columns: list[str], cells: list[str]) -> Line:
    if len(cells) != len(columns):
        detail = f"has {len(cells)} cells where the first line has {len(columns)}"
        return Line(number, "", FieldProblem(f"#/{number}", "columns", detail))
    row = dict(zip(columns, cells, strict=True))
    kind = _TYPES.get(row["line_type"].lower())
    if kind is None:
        detail = f"must be one of {', '.join(_TYPES)}"
        return Line(number, "", FieldProblem(f"#/{number}/line_type", "not_valid", detail))
    return Line(number, row["to"], kind)
