"""What does a file of suppressions say? Every row is read before any is believed.

    to,channel,scope,source,at,evidence
    +12025550123,sms,all,complaint,2026-03-01T12:00:00-05:00,ticket 4711

An export has `key` in place of `to`, because addresses are not kept; it can be imported again where the
same pepper is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from messaging.domain import csv_table
from messaging.domain.csv_table import Table
from messaging.domain.errors import FieldProblem
from messaging.domain.request import problems_of
from messaging.domain.suppression_request import StopLine

MAX_ROWS = 100_000
EXPORTED = ("key", "channel", "kind", "scope", "source", "at")
COLUMNS = ("to", "key", "channel", "kind", "scope", "source", "at", "evidence")
_TABLE = Table(COLUMNS, (frozenset({"to", "key"}),), MAX_ROWS)
_CASE = {"channel": str.lower, "kind": str.lower, "source": str.lower, "key": str.lower}


@dataclass(frozen=True, slots=True)
class Line:
    """One statement and the line of the file it begins on, the first being 1."""

    number: int
    read: StopLine | list[FieldProblem]

    @property
    def prefix(self) -> str:
        """Where its fields are, as a pointer."""
        return f"#/{self.number}"


def lines(text: str) -> Iterator[Line]:
    """The statements of a file, each read or with what is wrong with it.

    Raises:
        InvalidRequestError: the file is not such a table, or has more than `MAX_ROWS` rows.
    """
    for row in csv_table.rows(text, _TABLE):
        if row.problem is not None:
            yield Line(row.number, [row.problem])
            continue
        fields = {name: _CASE.get(name, str)(cell) for name, cell in row.cells.items()}
        if "scope" in fields:
            scope = fields["scope"]
            fields["scope"] = scope.lower() if scope.lower() == "all" else scope.upper()
        try:
            yield Line(row.number, StopLine.model_validate(fields))
        except ValidationError as error:
            yield Line(row.number, problems_of(error, row.prefix))
