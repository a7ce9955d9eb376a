"""What `messaging.client` answers: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message the server keeps."""

    id: str
    status: str
    replayed: bool = False
    """Whether this is the answer to an earlier request with the same key."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry of a list the server does not keep."""

    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the server knows it; `raw` has every field."""

    id: str
    status: str
    status_reason: str | None
    to: str
    sender: str | None
    """The sender's address (`from`)."""
    body: str
    segments: int
    selection_reason: str | None
    error_code: str | None
    attempts: int
    created_at: datetime
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """A message's events and attempts, oldest first, and what its provider reported."""

    events: tuple[Mapping[str, Any], ...]
    attempts: tuple[Mapping[str, Any], ...]
    receipts: tuple[Mapping[str, Any], ...] = ()


def message(raw: Mapping[str, Any]) -> Message:
    """A message from its JSON."""
    return Message(
        id=raw["id"],
        status=raw["status"],
        status_reason=raw["status_reason"],
        to=raw["to"],
        sender=raw["from"],
        body=raw["body"],
        segments=raw["segments"],
        selection_reason=raw["selection_reason"],
        error_code=raw["error_code"],
        attempts=raw["attempts"],
        created_at=datetime.fromisoformat(raw["created_at"]),
        raw=raw,
    )
