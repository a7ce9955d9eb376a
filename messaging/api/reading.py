"""What did the caller send? The body within its limit, as JSON that means one thing only."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from messaging.domain.errors import FieldProblem, InvalidRequestError, PosthornError
from messaging.domain.request import MAX_KEY

MIB = 1 << 20
OBJECT_LIMIT = MIB
LIST_LIMIT = 16 * MIB
_DRAINED = 64 * MIB
"""How much more of a body that is too large is read: a caller who is still writing sees no answer."""


class MalformedJsonError(PosthornError):
    """The body is not JSON, or not unambiguous JSON."""

    code = "malformed_json"


class TooLargeError(PosthornError):
    """The body is larger than is taken here."""

    code = "payload_too_large"


class ForbiddenError(PosthornError):
    """A webhook that is not signed by the account it names."""

    code = "forbidden"


async def body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        TooLargeError: it has more than `limit` bytes.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size > limit + _DRAINED:
            break
    if size > limit:
        raise TooLargeError(f"at most {_size(limit)} are taken here; send less at once")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class Bounded:
    """No more of a body is read than its limit, for routes whose body the framework reads.

    Plain ASGI. Files (`text/csv`) have limits of their own, and are read by `body`.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or _is_file(scope):
            await self._app(scope, receive, send)
            return
        size = 0

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size <= self._limit:
                return message
            while message.get("more_body") and size <= self._limit + _DRAINED:
                message = await receive()
                size += len(message.get("body", b""))
            raise HTTPException(413)  # what FastAPI lets through while it reads a body

        await self._app(scope, bounded, send)


def _is_file(scope: Scope) -> bool:
    return Headers(scope=scope).get("content-type", "").startswith("text/csv")


def _size(limit: int) -> str:
    return f"{limit // MIB} MiB" if limit >= MIB else f"{limit // 1024} KiB"


def decode(raw: bytes, many: str | None = None) -> Any:
    """The JSON value of a body; `many` is the field that makes an object one for many people.

    Raises:
        MalformedJsonError: not JSON, not UTF-8, NaN or an infinite number, or a repeated name.
        TooLargeError: more than 1 MiB that is neither a list nor for many.
    """
    try:
        value = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError):
        raise MalformedJsonError(
            "the body must be JSON in UTF-8, without repeated names, NaN or infinite numbers"
        ) from None
    if len(raw) > OBJECT_LIMIT and not isinstance(value, list) and not _for_many(value, many):
        raise TooLargeError("at most 1 MiB are taken for one message; send less")
    return value


def _for_many(value: Any, many: str | None) -> bool:
    return many is not None and isinstance(value, dict) and value.get(many) is not None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of a repeated name may each take another value; so it is refused."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated name")
    return found


def _constant(_name: str) -> Any:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("too large a number")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite
)


def idempotency_key(header: str | None, field: str | None) -> str | None:
    """The one key of a request, from its header, bare or quoted, or from its field.

    Raises:
        InvalidRequestError: they differ, or the header is no key.
    """
    if header is None:
        return field
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= MAX_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidRequestError(
            [
                FieldProblem(
                    "#/idempotency_key",
                    "not_valid",
                    f"the Idempotency-Key header must have 1 to {MAX_KEY} printable characters",
                )
            ]
        )
    if field is not None and field != key:
        raise InvalidRequestError(
            [
                FieldProblem(
                    "#/idempotency_key",
                    "contradiction",
                    "differs from the Idempotency-Key header; send only one of them",
                )
            ]
        )
    return key


CSV_BODY: Any = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
}
"""What the API's document says of a route that takes a file."""
