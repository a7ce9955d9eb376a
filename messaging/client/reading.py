"""How does JSON become a value? By the declared types of its fields, so that a result is a declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import httpx

from messaging.client.errors import UnreadableError

T = TypeVar("T")
Convert = Callable[[Any], Any]

_SIMPLE: dict[Any, Convert] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    Decimal: Decimal,
}
"""Types that JSON has as text."""
FROM = {"json": "from"}
"""The metadata of a field that JSON calls `from`, which Python does not allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Something the server said; `raw` has every field of it, also those this client does not know."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def read(kind: type[T], raw: Any) -> T:
    """A result from its JSON; what this client does not know of stays in `raw`.

    Raises:
        UnreadableError: a field is missing, or is not what the API's document says.
    """
    wanted: Any = kind
    try:
        return _of(wanted)(raw)  # type: ignore[no-any-return]  # what `_of` makes is of that kind
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        # What is wrong with it stands in the cause: it may name what a person wrote.
        raise UnreadableError(f"the answer is no {kind.__name__} as we know it") from error


def into(kind: type[T]) -> Callable[[httpx.Response], T]:
    """What reads a response as a result."""
    return lambda response: read(kind, document(response))


def each(kind: type[T]) -> Callable[[httpx.Response], tuple[T, ...]]:
    """What reads a response as all the results it lists."""
    return lambda response: tuple(read(kind, item) for item in listed(document(response)))


def document(response: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of a response.

    Raises:
        UnreadableError: it has none: something else than a Posthorn answered.
    """
    try:
        found = response.json()
    except ValueError as error:
        raise UnreadableError(
            "the answer is not JSON; is this the address of a Posthorn?"
        ) from error
    if not isinstance(found, dict):
        raise UnreadableError("the answer is not a JSON object")
    return found


def listed(found: Mapping[str, Any]) -> Iterable[Any]:
    """What a page or a list holds.

    Raises:
        UnreadableError: it is no list.
    """
    if not isinstance(found.get("data"), list):
        raise UnreadableError("the answer is no list")
    data: list[Any] = found["data"]
    return data


def nothing(_response: httpx.Response) -> None:
    """What reads a response that says nothing but that it was done."""


@cache
def _of(kind: Any) -> Convert:
    """What makes a value of a declared type."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if is_dataclass(kind):
        return _dataclass(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple:
        item = _of(inner[0])
        return lambda value: tuple(item(one) for one in value)
    if origin is Mapping:
        item = _of(inner[1])
        return lambda value: {name: item(one) for name, one in value.items()}
    if origin is UnionType and len(inner) == 2 and inner[1] is NoneType:
        item = _of(inner[0])
        return lambda value: None if value is None else item(value)
    return lambda value: value


def _dataclass(kind: Any) -> Convert:
    hints = get_type_hints(kind)
    known = [
        (f.name, f.metadata.get("json", f.name), _of(hints[f.name]), _absent(f, hints[f.name]))
        for f in fields(kind)
        if f.name != "raw"
    ]

    def made(value: Any) -> Any:
        found = {
            name: convert(value[key]) if key in value or absent is MISSING else absent
            for name, key, convert, absent in known
        }
        return kind(**found, raw=value)

    return made


def _absent(declared: Field[Any], hint: Any) -> Any:
    """What a field is that JSON does not name; MISSING if it must.

    What may be null may be missing: an older server does not know of it.
    """
    if declared.default is MISSING and NoneType in get_args(hint):
        return None
    return declared.default
