"""Where does the next page begin? An opaque cursor, and the link that carries it."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlencode
from uuid import UUID

from cryptography.fernet import InvalidToken
from starlette.requests import Request

from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.runtime import Runtime

_BAD = FieldProblem(
    "#/cursor", "not_valid", "this is no cursor of ours; leave it out to begin at the newest"
)


class Listed(Protocol):
    """Whatever is listed by ids that grow with time."""

    @property
    def id(self) -> UUID:
        """What its place in the list is known by."""


def cursor_after(views: Sequence[Listed], limit: int) -> str | None:
    """What continues after the first `limit` of `views`; None if there are no more."""
    if len(views) <= limit:
        return None
    return urlsafe_b64encode(views[limit - 1].id.bytes).rstrip(b"=").decode()


def read_cursor(cursor: str | None) -> UUID | None:
    """The id a page ends before.

    Raises:
        InvalidRequestError: it is not a cursor.
    """
    if cursor is None:
        return None
    try:
        return UUID(bytes=urlsafe_b64decode(cursor.encode("ascii") + b"=="))
    except (ValueError, binascii.Error):
        raise InvalidRequestError([_BAD]) from None


def sealed_cursor(rt: Runtime, last: int) -> str:
    """What continues after this number; sealed, since the numbers of all tenants are one sequence."""
    return rt.sealer.encrypt(str(last).encode()).decode()


def open_cursor(rt: Runtime, cursor: str | None) -> int | None:
    """The number a page ends before.

    Raises:
        InvalidRequestError: it is not a cursor.
    """
    if cursor is None:
        return None
    try:
        return int(rt.sealer.decrypt(cursor))
    except (InvalidToken, ValueError):
        raise InvalidRequestError([_BAD]) from None


def next_link(request: Request, cursor: str | None) -> dict[str, str]:
    """The `Link` header to the next page (RFC 8288), if there is one."""
    if cursor is None:
        return {}
    kept = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
    return {"Link": f'<{request.url.path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'}
