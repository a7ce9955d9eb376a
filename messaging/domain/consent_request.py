"""What may be said about somebody's consent: one event, as a caller writes it.

HTTP, the command line and imported files read it with `ConsentRequest`, so a rule about a field stands
in one place.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)
from pydantic_core import PydanticCustomError

from messaging.domain.compliance.facts import Basis, ConsentAction
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Category, Channel
from messaging.domain.request import Instant, plain_json, storable

MAX_EVIDENCE = 16_384
"""Bytes of evidence to an event, as JSON."""
_SKEW = timedelta(minutes=5)
"""How far a caller's clock may be ahead of ours."""
_ANSWERS = frozenset({None, Basis.EXPRESS, Basis.EXPRESS_WRITTEN})


def _check_text(value: str) -> str:
    if not storable(value):
        raise PydanticCustomError("key_not_text", "not text")
    return value


def _check_evidence(value: dict[str, Any]) -> dict[str, Any]:
    return plain_json(value, MAX_EVIDENCE)


def _written_out(value: object) -> object:
    """A bare number is no date: `20260301` would be read as seconds since 1970."""
    if isinstance(value, str) and "-" not in value[1:]:
        raise PydanticCustomError("datetime_parsing", "not a time")
    if isinstance(value, int | float):
        raise PydanticCustomError("datetime_type", "not a time")
    return value


Text = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_check_text)]
Moment = Annotated[Instant, BeforeValidator(_written_out)]
"""A point in time with its UTC offset, as `2026-03-01T12:00:00-05:00`."""


class ConsentRequest(BaseModel):
    """Something a person said, or was asked, and what proves it."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(description="whose consent", examples=["+12025550123"])]
    channel: Channel = Channel.SMS
    category: Category = Category.MARKETING
    action: Annotated[
        ConsentAction,
        Field(description="ask opens a double opt-in: the person's YES will be the grant"),
    ]
    basis: Annotated[
        Basis | None,
        Field(description="how it was given; for ask, what YES will give; none for revoke"),
    ] = None
    source: Annotated[Text, Field(description="where it was said", examples=["web"])]
    text_version: Annotated[Text | None, Field(description="which wording the person saw")] = None
    evidence: Annotated[
        Annotated[dict[str, Any], AfterValidator(_check_evidence)] | None,
        Field(description="what proves it, such as address, browser and form; up to 16 KiB"),
    ] = None
    at: Annotated[
        Moment | None,
        Field(description="when it was said; now, if left out"),
    ] = None

    def said_at(self, now: datetime) -> datetime:
        """When it was said. Never after `now`: a clock that is ahead must not outrank the next word."""
        return now if self.at is None else min(self.at, now)


def problems(request: ConsentRequest, now: datetime, prefix: str = "#") -> list[FieldProblem]:
    """What the fields of a request say against each other."""
    found = []
    basis = _basis_problem(request.action, request.basis)
    if basis is not None:
        found.append(FieldProblem(f"{prefix}/basis", *basis))
    if request.at is not None and request.at > now + _SKEW:
        found.append(
            FieldProblem(
                f"{prefix}/at", "in_the_future", "must not be in the future; nobody said it"
            )
        )
    return found


def _basis_problem(action: ConsentAction, basis: Basis | None) -> tuple[str, str] | None:
    if action is ConsentAction.GRANT and basis is None:
        words = ", ".join(Basis)
        return "required", f"a grant needs to say how it was given: one of {words}"
    if action is ConsentAction.REVOKE and basis is not None:
        return "not_allowed", "a revocation ends consent however it was given; leave basis out"
    if action is ConsentAction.ASK and basis not in _ANSWERS:
        return (
            "not_allowed",
            "an answer is express or express_written; implied consent is not asked",
        )
    return None
