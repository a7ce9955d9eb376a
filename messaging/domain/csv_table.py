"""How is a CSV file read that is believed only as a whole? Row by row, with the line each begins on.

The first line names the columns, in any order. An empty cell is a field left out; blank lines are
skipped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from messaging.domain.errors import FieldProblem
from messaging.domain.file_problems import refused


@dataclass(frozen=True, slots=True)
class Table:
    """What a file must look like."""

    columns: Sequence[str]
    """Every column there may be."""
    required: Sequence[frozenset[str]]
    """Of each of these sets, one column must be there."""
    max_rows: int
    family: str = ""
    """How other columns may begin, any number of them; what follows keeps its case."""

    def name_of(self, cell: str) -> str:
        """A column as a cell of the first line names it."""
        name, small = cell.strip(), cell.strip().lower()
        if self.family and small.startswith(self.family):
            return self.family + name[len(self.family) :]
        return small

    def knows(self, name: str) -> bool:
        """Whether there may be a column of this name."""
        return name in self.columns or bool(self.family and name.startswith(self.family))


@dataclass(frozen=True, slots=True)
class Row:
    """One row and the line of the file it begins on, the first being 1."""

    number: int
    cells: dict[str, str]
    """What is not empty, by the name of its column."""
    problem: FieldProblem | None = None

    @property
    def prefix(self) -> str:
        """Where its fields are, as a pointer."""
        return f"#/{self.number}"


def rows(text: str, table: Table) -> Iterator[Row]:
    """The rows of a file.

    Raises:
        InvalidRequestError: the file is not such a table, or has more rows than are taken.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] | None = None
    count = 0
    begins = 1
    try:
        for cells in reader:
            number, begins = begins, reader.line_num + 1
            if not any(map(str.strip, cells)):
                continue
            if columns is None:
                columns = _columns(cells, table)
                continue
            count += 1
            if count > table.max_rows:
                raise refused("too_long", f"at most {table.max_rows:,} rows are taken at once")
            yield _row(number, columns, cells)
    except csv.Error:
        raise refused(
            "not_csv", f"line {begins} is not comma-separated text; check its quotation marks"
        ) from None
    if columns is None:
        raise refused("empty", f"the first line must name the columns: {','.join(table.columns)}")


def _columns(cells: list[str], table: Table) -> list[str]:
    columns = list(map(table.name_of, cells))
    known = all(map(table.knows, columns)) and len(set(columns)) == len(columns)
    if not known or not all(names & set(columns) for names in table.required):
        needed = ",".join("|".join(sorted(names)) for names in table.required)
        raise refused(
            "columns",
            f"the first line must name columns, each once, of {','.join(table.columns)}; needed "
            f"are {needed}",
        )
    return columns


def _row(number: int, columns: list[str], cells: list[str]) -> Row:
    if len(cells) != len(columns):
        detail = f"has {len(cells)} cells where the first line has {len(columns)}"
        return Row(number, {}, FieldProblem(f"#/{number}", "columns", detail))
    named = zip(columns, map(str.strip, cells), strict=True)
    return Row(number, {name: cell for name, cell in named if cell})
