"""What does a file of contacts say? A row a contact, and of each what is right or wrong with it.

Columns are named as the fields of `ContactRequest`; `attributes.<name>` is an attribute. A cell with
several things parts them with semicolons. An attribute that reads as a JSON number, true, false or a
JSON string in quotation marks is that; everything else is text as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from messaging.domain import csv_table
from messaging.domain.contact import ADDRESSED, WORDS, Contact, ContactRequest, Scalar
from messaging.domain.csv_table import Row, Table
from messaging.domain.errors import FieldProblem
from messaging.domain.request import problems_of

MAX_ROWS = 250_000
ATTRIBUTES = "attributes."
_ALSO = {"phone": "phones", "email": "emails", "instagram_id": "instagram_ids"}
_LISTS = frozenset({*ADDRESSED, "tags"})
COLUMNS = ("ref", "first_name", "last_name", *ADDRESSED, "tags", *WORDS[2:])
"""What a file that was written here has; attributes follow."""
_TABLE = Table(
    columns=(*COLUMNS, "name", *_ALSO),
    required=(frozenset({"ref", "name", "first_name", *ADDRESSED, *_ALSO}),),
    max_rows=MAX_ROWS,
    family=ATTRIBUTES,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a contact, or what is wrong with its form."""

    number: int
    read: ContactRequest | list[FieldProblem]

    @property
    def prefix(self) -> str:
        """Where its fields are, as a pointer."""
        return f"#/{self.number}"


def lines(text: str) -> Iterator[Line]:
    """The contacts of a file, each read or with what is wrong with it.

    Raises:
        InvalidRequestError: the file is not such a table, or has more than `MAX_ROWS` rows.
    """
    return map(_line, csv_table.rows(text, _TABLE))


def _line(row: Row) -> Line:
    if row.problem is not None:
        return Line(row.number, [row.problem])
    fields: dict[str, Any] = {}
    for column, cell in row.cells.items():
        name = _ALSO.get(column, column)
        if name in _LISTS:
            fields.setdefault(name, []).extend(filter(None, map(str.strip, cell.split(";"))))
        elif name.startswith(ATTRIBUTES):
            fields.setdefault("attributes", {})[name.removeprefix(ATTRIBUTES)] = value_of(cell)
        else:
            fields[name] = cell
    try:
        return Line(row.number, ContactRequest.model_validate(fields))
    except ValidationError as error:
        return Line(row.number, problems_of(error, row.prefix))


def value_of(cell: str) -> Scalar:
    """What an attribute is that is written so."""
    found = _json(cell)
    return cell if found is None else found


_FIRST = frozenset('"-0123456789tf')
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)


def _json(text: str) -> Scalar | None:
    """The JSON scalar that a text is; None if it is none, or more than one."""
    if text[:1] not in _FIRST:
        return None
    try:
        found = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str | bool | int | float) else None


def cells(contact: Contact, attributes: list[str]) -> list[str]:
    """A contact as a row below `COLUMNS` and these attributes."""
    lists: Mapping[str, tuple[str, ...]] = {
        "tags": contact.tags,
        **{name: contact.addresses.get(at[0], ()) for name, at in ADDRESSED.items()},
    }
    plain = (
        ";".join(lists[name]) if name in lists else getattr(contact, name) or "" for name in COLUMNS
    )
    return [*plain, *(_cell(contact.attributes.get(name)) for name in attributes)]


def _cell(value: Scalar | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and _json(value) is None and value == value.strip() and value:
        return value
    return json.dumps(value, ensure_ascii=False)
