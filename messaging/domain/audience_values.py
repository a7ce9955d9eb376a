"""What can be asked of a contact's fields, and which values does each question take?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from messaging.domain.contact import is_attribute
from messaging.domain.errors import FieldProblem
from messaging.domain.folding import folded
from messaging.domain.request import storable

MAX_VALUES = 1_000
_LONGEST = 1_000
_ATTRIBUTES = "attributes."
_BEYOND_64_BITS = 2**63


class Kind(StrEnum):
    """What a field is made of."""

    TEXT = "text"
    ADDRESS = "address"
    """Several texts, of which one is enough."""
    TAGS = "tags"
    ATTRIBUTE = "attribute"
    """A text, a number, true or false: what it is, differs from contact to contact."""
    TIME = "time"


class Operator(StrEnum):
    """What is asked."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    IN = "in"
    NOT_IN = "not_in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"


@dataclass(frozen=True, slots=True)
class Field:
    """Something that contacts have."""

    kind: Kind
    name: str
    """Of an attribute, its own name."""


FIELDS: dict[str, Field] = {
    **{
        name: Field(Kind.TEXT, name)
        for name in (
            "first_name", "last_name", "name", "company", "assignee", "source", "campaign", "agent",
            "postal_code", "time_zone", "ref",
        )
    },
    "email": Field(Kind.ADDRESS, "email"),
    "phone": Field(Kind.ADDRESS, "phone"),
    "instagram_id": Field(Kind.ADDRESS, "instagram_id"),
    "tags": Field(Kind.TAGS, "tags"),
    "created_at": Field(Kind.TIME, "created_at"),
}  # fmt: skip
"""By the names conditions use; attributes beside them."""

_O = Operator
_THERE = (_O.EXISTS, _O.NOT_EXISTS)
_TEXT = (
    _O.EQUALS, _O.NOT_EQUALS, _O.CONTAINS, _O.NOT_CONTAINS, _O.STARTS_WITH, _O.ENDS_WITH, _O.IN,
    _O.NOT_IN,
)  # fmt: skip
_ORDER = (_O.GT, _O.GTE, _O.LT, _O.LTE)
OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    Kind.TEXT: (*_TEXT, *_THERE),
    Kind.ADDRESS: (*_TEXT, *_THERE),
    Kind.TAGS: (_O.CONTAINS, _O.NOT_CONTAINS, _O.IN, _O.NOT_IN, *_THERE),
    Kind.ATTRIBUTE: (*_TEXT, *_ORDER, *_THERE),
    Kind.TIME: (_O.EQUALS, _O.NOT_EQUALS, *_ORDER),
}
"""What can be asked of each."""
_ALSO = {
    "not": _O.NOT_EQUALS,
    "eq": _O.EQUALS,
    "is": _O.EQUALS,
    "starts": _O.STARTS_WITH,
    "ends": _O.ENDS_WITH,
}
_LISTS = {_O.CONTAINS, _O.NOT_CONTAINS, _O.IN, _O.NOT_IN}
_ONLY_LISTS = {_O.IN, _O.NOT_IN}
_PARTS = {_O.CONTAINS, _O.NOT_CONTAINS, _O.STARTS_WITH, _O.ENDS_WITH}
_PHONE = re.compile(r"[\s()+.\-/0-9]+", re.ASCII)
_MARKS = str.maketrans("", "", " \t\n\r\f\v().-/")
_SHORTEST_PHONE = 7


def digits_of(text: str) -> str | None:
    """The digits of what looks like a phone number, with a + in front if it has one; else None."""
    if not _PHONE.fullmatch(text):
        return None
    bare = text.translate(_MARKS)
    return bare if len(bare) >= _SHORTEST_PHONE and bare.removeprefix("+").isdigit() else None


def field_of(name: object) -> Field | None:
    """The field of this name; None if contacts have none."""
    if not isinstance(name, str):
        return None
    if name.startswith(_ATTRIBUTES):
        own = name.removeprefix(_ATTRIBUTES)
        return Field(Kind.ATTRIBUTE, own) if is_attribute(own) else None
    return FIELDS.get(name)


def operator_of(field: Field, name: object) -> Operator | None:
    """The operator of this name; None if this field cannot be asked so."""
    if not isinstance(name, str):
        return None
    found = _ALSO.get(name.lower()) or next((o for o in Operator if o == name.lower()), None)
    return found if found in OPERATORS[field.kind] else None


Value = str | bool | Decimal | datetime


def values_of(
    field: Field, operator: Operator, raw: object, at: str
) -> tuple[Value, ...] | FieldProblem:
    """The values of a condition, typed as its field demands; or what is wrong with them.

    None for `exists`; a list where the operator takes one, and then any of it is meant.
    """
    if operator in _THERE:
        if raw is None or raw is True:
            return ()
        return FieldProblem(at, "not_allowed", "this operator takes no value; leave it out")
    listed = raw if isinstance(raw, list) else [raw]
    if isinstance(raw, list) != (operator in _ONLY_LISTS) and operator not in _LISTS - _ONLY_LISTS:
        word = "a list" if operator in _ONLY_LISTS else "one value"
        return FieldProblem(at, "not_a_list", f"this operator takes {word}")
    if not 1 <= len(listed) <= MAX_VALUES:
        return FieldProblem(at, "not_allowed", f"takes 1 to {MAX_VALUES:,} values")
    found = []
    for i, each in enumerate(listed):
        value = _value(field, operator, each)
        if value is None:
            where = f"{at}/{i}" if isinstance(raw, list) else at
            return FieldProblem(where, "not_valid", _EXPECTED[_takes(field, operator)])
        found.append(value)
    # True and 1 are the same to a dictionary.
    return tuple({(type(value), value): value for value in found}.values())


_EXPECTED = {
    "text": f"must be a string of 1 to {_LONGEST:,} characters",
    "time": "must be a time as in 2030-01-31T09:00:00-05:00, or a day as in 2030-01-31 (UTC)",
    "order": "must be a number, or a string, which is compared letter by letter",
    "any": f"must be a string of 1 to {_LONGEST:,} characters, a number, true or false",
}


def _takes(field: Field, operator: Operator) -> str:
    if field.kind is Kind.TIME:
        return "time"
    if field.kind is not Kind.ATTRIBUTE or operator in _PARTS:
        return "text"
    return "order" if operator in _ORDER else "any"


def _value(field: Field, operator: Operator, raw: Any) -> Value | None:
    takes = _takes(field, operator)
    if takes == "time":
        return _time(raw)
    if isinstance(raw, str):
        return _text(field, raw)
    if isinstance(raw, bool):
        return raw if takes == "any" else None
    if isinstance(raw, int | float) and takes != "text" and abs(raw) < _BEYOND_64_BITS:
        return Decimal(repr(raw))
    return None


def _text(field: Field, raw: str) -> str | None:
    if not 1 <= len(raw) <= _LONGEST or not storable(raw):
        return None
    text = folded(raw)
    return digits_of(text) or text if field == FIELDS["phone"] else text


def _time(raw: object) -> datetime | None:
    if not isinstance(raw, str):
        return None
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found if 1970 <= found.year < 9998 else None
