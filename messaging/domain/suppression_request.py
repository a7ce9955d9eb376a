"""What may be said about somebody who must not be written to: one statement, as a caller writes it.

HTTP, the command line and imported files read it with these, so a rule about a field stands in one
place.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from messaging.domain.compliance.facts import SuppressionKind
from messaging.domain.consent_request import Moment, Text
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Channel

_SKEW = timedelta(minutes=5)
"""How far a caller's clock may be ahead of ours."""


class SuppressionScope(StrEnum):
    """Which messages somebody must not get: all of them, or those of one category."""

    ALL = "all"
    TRANSACTIONAL = "TRANSACTIONAL"
    MARKETING = "MARKETING"
    NOTIFICATION = "NOTIFICATION"


class Source(StrEnum):
    """Where we know it from; callers may name those after `PROVIDER`."""

    INBOUND = "inbound"
    """The person wrote STOP, or words to that effect."""
    PROVIDER = "provider"
    API = "api"
    IMPORT = "import"
    COMPLAINT = "complaint"


_OURS = frozenset({Source.INBOUND, Source.PROVIDER})

Evidence = Annotated[
    Text | None,
    Field(
        max_length=500,
        description="what proves it, such as a ticket; kept for ever, so no address and no name",
    ),
]
SaidAt = Annotated[
    Moment | None,
    Field(description="when it was said, if not now; older than a later START, it changes nothing"),
]


class Statement(BaseModel):
    """That somebody must not be written to, and how it is known."""

    model_config = ConfigDict(extra="forbid")

    channel: Annotated[
        Channel, Field(description="sms and mms are one: suppressing either suppresses both")
    ] = Channel.SMS
    scope: Annotated[SuppressionScope, Field(description="a category, or all messages")] = (
        SuppressionScope.ALL
    )
    evidence: Evidence = None
    at: SaidAt = None


class StopRequest(Statement):
    """Stop writing to somebody."""

    to: Annotated[str, Field(description="the address", examples=["+12025550123"])]
    source: Annotated[
        Source, Field(description="api, import or complaint; a complaint is not lifted by START")
    ] = Source.API


class StopLine(Statement):
    """One row of an imported file: an address, or the key that stands for it here."""

    to: str | None = None
    key: Annotated[str | None, Field(pattern=r"^[0-9a-f]{32}$")] = None
    kind: SuppressionKind | None = None
    source: Source = Source.IMPORT


def kind_of(source: Source) -> SuppressionKind:
    """What a statement from this source is, if nothing else is said."""
    return SuppressionKind.COMPLAINT if source is Source.COMPLAINT else SuppressionKind.OPT_OUT


def problems(
    request: StopRequest | StopLine, now: datetime, prefix: str = "#"
) -> list[FieldProblem]:
    """What cannot be right about a statement whose form is."""
    found = []
    if isinstance(request, StopRequest) and request.source in _OURS:
        detail = "must be api, import or complaint; Posthorn itself notes the others"
        found.append(FieldProblem(f"{prefix}/source", "not_allowed", detail))
    if isinstance(request, StopLine) and (request.to is None) == (request.key is None):
        detail = "needs either an address in to, or a key from an export"
        found.append(FieldProblem(f"{prefix}/to", "required", detail))
    if request.at is not None and request.at > now + _SKEW:
        detail = "must not be in the future; nobody said it"
        found.append(FieldProblem(f"{prefix}/at", "in_the_future", detail))
    return found
