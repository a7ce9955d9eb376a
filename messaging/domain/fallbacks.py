"""What is sent in a message's place on another channel, and when does it have to?

A stand-in goes out when the first message can no longer arrive: it failed for good, cannot be
delivered, or was blocked because of its channel alone. Nobody is written to on another channel
because they said no on this one, nor because a rule about marketing, consent or content refused it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from messaging.domain.compliance.verdicts import Reason
from messaging.domain.errors import FieldProblem
from messaging.domain.failures import Kind
from messaging.domain.lifecycle import FINAL, UNKNOWN_OUTCOME, Status
from messaging.domain.message import Channel
from messaging.domain.request import SendRequest
from messaging.domain.request_parts import Fallback

_INHERITED = (
    "category", "priority", "metadata", "lead", "campaign", "source", "agent", "traffic", "content",
    "time_zone", "expires_at",
)  # fmt: skip
"""What holds for the stand-in as it does for the message: not its sender, pool, text id or time."""
_OWN = frozenset(Fallback.model_fields) - {"from_"} | {"from"}


def stand_in(request: SendRequest, fallback: Fallback) -> SendRequest:
    """The request that a message's fallback is."""
    said = {name: getattr(request, name) for name in _INHERITED if name in request.model_fields_set}
    said |= {name: getattr(fallback, name) for name in fallback.model_fields_set}
    if fallback.body is None:
        said["body"] = request.body
    return SendRequest.model_construct(**said)


def kept(asked: SendRequest, recipient: str) -> Mapping[str, Any]:
    """A stand-in as it is kept until it is needed: its fields in JSON, its address in the one spelling."""
    plain = asked.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return plain | {"to": recipient}


def pointed(problems: Iterable[FieldProblem]) -> list[FieldProblem]:
    """Problems of a stand-in as the request's own; what it inherited has been said already."""
    return [
        FieldProblem(f"#/fallback{p.pointer[1:]}", p.code, p.detail)
        for p in problems
        if p.pointer.removeprefix("#/") in _OWN
    ]


@dataclass(frozen=True, slots=True)
class Ended:
    """What has become of a message, as far as its stand-in is concerned."""

    channel: Channel
    status: Status
    reason: str | None
    since: datetime
    """Since when it is that."""
    erased: bool = False


class Step(StrEnum):
    """What becomes of a stand-in."""

    WAIT = "wait"
    SEND = "send"
    DROP = "drop"


PATIENCE = timedelta(days=7)
"""How long after a message left, or its fate became unknown, a stand-in still waits for news."""
_UNKNOWN = frozenset({UNKNOWN_OUTCOME, "outcome_unknown"})
"""It may have arrived. A late receipt can still say that it did not."""


def step(message: Ended, now: datetime) -> Step:
    """What becomes of the stand-in for a message, from what it has come to.

    Held messages (no registration, no balance) are not over: once freed they go out themselves.
    """
    status = message.status
    if message.erased or status is Status.DELIVERED:
        return Step.DROP
    unknown = status is Status.FAILED and message.reason in _UNKNOWN
    if status is Status.SENT or unknown:
        return Step.DROP if now - message.since > PATIENCE else Step.WAIT
    if status not in FINAL:
        return Step.WAIT
    return Step.SEND if serves(message.channel, status, message.reason) else Step.DROP


def serves(channel: Channel, status: Status, reason: str | None) -> bool:
    """Whether what a message on `channel` ended as may be mended on another channel."""
    if status is Status.UNDELIVERABLE:
        return True
    if status is Status.FAILED:
        return reason not in _UNKNOWN and reason != Reason.EXPIRED
    if status is not Status.BLOCKED_COMPLIANCE:
        return False
    # Instagram's window is shut, say we or its own word: that is no word of the person.
    refused = channel is Channel.INSTAGRAM_DM and reason == Kind.RECIPIENT
    return refused or reason == Reason.OUTSIDE_WINDOW
