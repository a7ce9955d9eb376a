"""What is known of people: their suppressions, their consent, their numbers, their erasure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messaging.client.reading import Result


@dataclass(frozen=True, slots=True)
class Held(Result):
    """One suppression that holds."""

    kind: str
    scope: str
    source: str
    since: datetime


@dataclass(frozen=True, slots=True)
class SuppressionState(Result):
    """Whether somebody must not be written to on this channel."""

    suppressed: bool
    suppressions: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Stopped(SuppressionState):
    """The state after a STOP, and how many messages will not leave because of it."""

    canceled: int


@dataclass(frozen=True, slots=True)
class SuppressionKey(Held):
    """One suppression of somebody whose address is not kept; `key` stands for it."""

    key: str
    channel: str


@dataclass(frozen=True, slots=True)
class SuppressionEntry(Result):
    """One line of the ledger; `action` is suppress or lift."""

    action: str
    kind: str
    scope: str
    source: str
    evidence: str | None
    at: datetime
    """When it was said."""
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ImportedSuppressions(Result):
    """What a file came to."""

    rows: int
    new: int
    canceled: int


@dataclass(frozen=True, slots=True)
class Recorded(Result):
    """How many events were recorded."""

    recorded: int


@dataclass(frozen=True, slots=True)
class Consent(Result):
    """The latest word of a person."""

    action: str
    basis: str | None
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Lack(Result):
    """What is lacking, and by which rule."""

    reason: str
    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Marketing(Result):
    """Whether marketing could be sent now; `verdict` is allow, defer or block."""

    verdict: str
    until: datetime | None
    reason: str | None
    rule: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class ConsentState(Result):
    """What consent there is, and what it is good for."""

    category: str
    consent: Consent | None
    lapses_at: datetime | None
    lacking: Lack | None
    marketing: Marketing


@dataclass(frozen=True, slots=True)
class ConsentEvent(Result):
    """One grant, revocation or question."""

    category: str
    action: str
    basis: str | None
    source: str
    text_version: str | None
    evidence: Mapping[str, Any] | None
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Registry(Result):
    """A do-not-call registry and how fresh the last scrub against it is."""

    registry: str
    numbers: int
    scrubbed_at: datetime | None
    required: bool
    fresh_until: datetime | None
    days_left: float | None


@dataclass(frozen=True, slots=True)
class Scrub(Result):
    """What a scrub came to; `skipped` numbers are in use nowhere."""

    registry: str
    listed: int
    skipped: int
    scrubbed_at: datetime


@dataclass(frozen=True, slots=True)
class LineType(Result):
    """What somebody who knows said of a line."""

    type: str
    source: str
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Number(Result):
    """What is known of a number; `refused` is the type for which no message goes there."""

    type: str
    region: str | None
    refused: str | None
    line: LineType | None


@dataclass(frozen=True, slots=True)
class Learned(Result):
    """How many numbers' types of line were kept."""

    learned: int


@dataclass(frozen=True, slots=True)
class Erasure(Result):
    """A request to erase somebody, and how far it has come; it does not say whom."""

    id: str
    channel: str
    requested_at: datetime
    finished_at: datetime | None
    """None while something is left, such as a message under way."""
    messages: int
    receipts: int
