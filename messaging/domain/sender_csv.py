"""What does a file of senders say? Every row is read before any is believed.

    address,account,pools,capabilities,mps,campaign
    +12025550100,main,main;alerts,sms;mms,1,alerts

A cell that holds several things parts them with semicolons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from messaging.domain import csv_table
from messaging.domain.csv_table import Row, Table
from messaging.domain.errors import FieldProblem
from messaging.domain.request import problems_of
from messaging.domain.sender_request import SenderRequest

MAX_ROWS = 10_000
COLUMNS = (
    "address",
    "channel",
    "account",
    "pools",
    "capabilities",
    "country",
    "owner",
    "mps",
    "daily_recipients",
    "ramp",
    "campaign",
    "reply_owner",
    "is_default",
)
_TABLE = Table(COLUMNS, (frozenset({"address"}),), MAX_ROWS)


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def _ramp(cell: str) -> str | list[str]:
    return "default" if cell.lower() == "default" else _parts(cell)


def _words(cell: str) -> list[str]:
    return _parts(cell.lower())


_READ: dict[str, Callable[[str], Any]] = {
    "channel": str.lower,
    "capabilities": _words,
    "country": str.upper,
    "pools": _parts,
    "ramp": _ramp,
    "reply_owner": str.lower,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One sender and the line of the file it begins on, the first being 1."""

    number: int
    read: SenderRequest | list[FieldProblem]

    @property
    def prefix(self) -> str:
        """Where its fields are, as a pointer."""
        return f"#/{self.number}"


def lines(text: str) -> Iterator[Line]:
    """The senders of a file, each read or with what is wrong with it.

    Raises:
        InvalidRequestError: the file is not such a table, or has more than `MAX_ROWS` rows.
    """
    return map(_line, csv_table.rows(text, _TABLE))


def _line(row: Row) -> Line:
    if row.problem is not None:
        return Line(row.number, [row.problem])
    fields = {name: _READ.get(name, str)(cell) for name, cell in row.cells.items()}
    try:
        return Line(row.number, SenderRequest.model_validate(fields))
    except ValidationError as error:
        return Line(row.number, problems_of(error, row.prefix))
