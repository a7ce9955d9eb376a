"""What may be asked of a server? Requests as values; the two flavours of the client carry them out.

A `Call` is one request and how its answer is read. `Pages`, `Stream` and `Wait` say how several of them make
one list, one stream of events, or one wait.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from messaging.client.reading import document, into, listed, nothing, read

T = TypeVar("T")

KEY = "Idempotency-Key"
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_LONG = 300.0
"""Seconds a file may take to be read by the server."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    harmless: bool = False
    """Whether twice is as once, though it is a POST."""
    patience: float = 0.0
    """Seconds its answer may take, where that is longer than usual."""

    @property
    def repeatable(self) -> bool:
        """Whether it may be asked again when nobody knows if it was done: twice is then as once."""
        return self.harmless or self.method in _REPEATABLE or KEY in self.headers


@dataclass(frozen=True, slots=True)
class Pages(Generic[T]):
    """A list that comes in pages."""

    call: Call[Mapping[str, Any]]
    kind: type[T]
    mark: str = "next_cursor"
    """What a page calls the place where the next one begins."""
    name: str = "cursor"
    """What a request calls it."""

    def items(self, page: Mapping[str, Any]) -> Iterator[T]:
        """What a page holds."""
        return (read(self.kind, item) for item in listed(page))

    def after(self, page: Mapping[str, Any]) -> Call[Mapping[str, Any]] | None:
        """What asks for the next page; None after the last."""
        place = page.get(self.mark)
        if place is None:
            return None
        if self.call.json is not None:
            return replace(self.call, json={**self.call.json, self.name: place})
        return replace(self.call, query={**self.call.query, self.name: place})


@dataclass(frozen=True, slots=True)
class Stream(Generic[T]):
    """An answer that is used while it comes."""

    call: Call[None]
    reader: Callable[[], Callable[[bytes], list[T]]]
    """Makes what takes the bytes as they come and says what has become whole with them."""
    goes_on: Callable[[T], bool] = lambda _last: False
    """Whether there is more to come after what came last, so that one connects again."""


@dataclass(frozen=True, slots=True)
class Wait(Generic[T]):
    """Looking at something until it has got somewhere; `timeout` is in seconds."""

    look: Call[T]
    over: Callable[[T], bool]
    late: Callable[[T], str]
    """What to say of it if the time is over first."""
    timeout: float


def built(http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
    """The request of a call, with the time its answer may take."""
    usual = http.timeout.as_dict()
    if usual["read"] is not None:
        usual["read"] = max(usual["read"], call.patience)
    return http.build_request(
        call.method,
        call.path,
        params=dict(call.query) or None,
        json=call.json,
        content=call.content,
        headers=dict(call.headers),
        timeout=httpx.Timeout(**usual),
    )


def pauses() -> Iterator[float]:
    """Seconds between two looks at something that is waited for: soon at first, then patiently."""
    pause = 0.05
    while True:
        yield pause
        pause = min(pause * 1.5, 2.0)


def at(*parts: str) -> str:
    """The path of something below `/v1`; whatever a part holds, it stays one part."""
    return "/".join(["/v1", *map(_part, parts)])


def _part(text: str) -> str:
    # Dots alone would be taken for a step up the path.
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")


def get(kind: type[T], *parts: str) -> Call[T]:
    """Read one thing."""
    return Call("GET", at(*parts), into(kind))


def pages(kind: type[T], /, *parts: str, **query: Any) -> Pages[T]:
    """Read a list, page by page."""
    return Pages(Call("GET", at(*parts), document, query=given(query)), kind)


def search(kind: type[T], *parts: str, body: Mapping[str, Any]) -> Pages[T]:
    """Read a list whose conditions are no part of an address, page by page."""
    return Pages(Call("POST", at(*parts), document, json=given(body), harmless=True), kind)


def ask(
    kind: type[T], *parts: str, body: Mapping[str, Any] | None = None, patience: float = 0.0
) -> Call[T]:
    """Ask something by a POST that changes nothing, or nothing more if it comes again."""
    return replace(post(kind, *parts, body=body), harmless=True, patience=patience)


def post(kind: type[T], *parts: str, body: Mapping[str, Any] | None = None) -> Call[T]:
    """Make or do something; not repeated where nobody knows whether it was done."""
    return Call("POST", at(*parts), into(kind), json=None if body is None else given(body))


def put(kind: type[T], *parts: str, body: Mapping[str, Any]) -> Call[T]:
    """Set something."""
    return Call("PUT", at(*parts), into(kind), json=plain(body))


def patch(kind: type[T], *parts: str, body: Mapping[str, Any]) -> Call[T]:
    """Change what is named; None is null, which undoes."""
    return Call("PATCH", at(*parts), into(kind), json=plain(body))


def delete(*parts: str, body: Mapping[str, Any] | None = None) -> Call[None]:
    """Remove something."""
    return Call("DELETE", at(*parts), nothing, json=None if body is None else given(body))


def upload(
    kind: type[T], /, *parts: str, file: IO[bytes] | IO[str], method: str = "POST", **query: Any
) -> Call[T]:
    """Hand in a CSV file, from where it stands to its end."""
    content = file.read()
    return Call(
        method,
        at(*parts),
        into(kind),
        query=given(query),
        content=content.encode() if isinstance(content, str) else content,
        headers={"Content-Type": "text/csv"},
        patience=_LONG,
    )


def download(*parts: str) -> Stream[bytes]:
    """Fetch a file, piece by piece."""
    return Stream(Call("GET", at(*parts), nothing, patience=_LONG), lambda: lambda piece: [piece])


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as JSON has them, without those that are None."""
    return plain({name: value for name, value in fields.items() if value is not None})


def plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as JSON has them: times as text, `from_` by its own name."""
    return {"from" if name == "from_" else name: _value(v) for name, v in fields.items()}


def _value(value: Any) -> Any:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case uuid.UUID() | Decimal():
            return str(value)
        case Mapping():
            return {name: _value(item) for name, item in value.items()}
        case list() | tuple():
            return [_value(item) for item in value]
        case _:
            return value
