"""How are server-sent events read, of which a piece may hold several, or a part of one?

https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as the API uses it: comments, by which it
says that it is there, and events whose data is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from messaging.client.errors import UnreadableError
from messaging.client.reading import read

T = TypeVar("T")


def events(kind: type[T]) -> Callable[[], Callable[[bytes], list[T]]]:
    """What makes a reader of one stream: it takes a piece and says which events are whole with it."""

    def reader() -> Callable[[bytes], list[T]]:
        rest = b""

        def take(piece: bytes) -> list[T]:
            nonlocal rest
            *whole, rest = (rest + piece).split(b"\n\n")
            return [read(kind, _json(data)) for event in whole if (data := _data(event))]

        return take

    return reader


def _data(event: bytes) -> bytes:
    """The data of an event; empty for a comment."""
    lines = (line for line in event.split(b"\n") if line.startswith(b"data:"))
    return b"\n".join(line.removeprefix(b"data:").removeprefix(b" ") for line in lines)


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError as error:
        raise UnreadableError("the data of an event is not JSON") from error
