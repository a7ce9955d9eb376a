"""Why is a message where it is? Its story in plain sentences.

The story holds no address and no body, so an operator may paste it into a ticket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messaging.domain import choice_wording
from messaging.domain.choice_wording import Chosen
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.compliance.wording import WORDS
from messaging.domain.lifecycle import Status

SENDER = "sender"
"""The `rule` of a verdict that no rule gave: there was nobody to send it from."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One verdict of the rules."""

    at: datetime
    stage: str
    outcome: str
    """`allow`, `defer` or `block`."""
    version: str
    rule: str | None
    reason: str | None
    detail: str | None
    until: datetime | None
    inputs: dict[str, Any] | None
    choice: Chosen | None = None
    """Under the claim: the sender that was chosen, and who was passed over."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt."""

    number: int
    sender: str
    """Masked."""
    chosen_by: str
    started_at: datetime
    outcome: str
    """`accepted`, `open`, `in_doubt`, or a class of failure."""
    settled_by: str | None
    code: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Reported:
    """Something the provider reported."""

    at: datetime
    """When it happened, or else when it came."""
    word: str
    """The provider's own."""
    code: str | None
    detail: str | None
    result: str
    """`applied`, or why it changed nothing."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything known about one message that explains it."""

    status: Status
    status_reason: str | None
    scheduled_reason: str | None
    scheduled_for: datetime | None
    next_attempt_at: datetime | None
    entered_at: datetime | None
    """When the present status was entered."""
    created_at: datetime
    verdicts: Sequence[Judged] = ()
    attempts: Sequence[Tried] = ()
    receipts: Sequence[Reported] = ()


def summary(story: Story) -> str:
    """The answer in one sentence."""
    return _SUMMARIES.get(story.status, _ended)(story)


def sentences(story: Story) -> list[str]:
    """The whole chain, oldest first: verdicts, choices and attempts."""
    steps = [(story.created_at, f"Taken in {_when(story.created_at)}.")]
    for v in story.verdicts:
        if v.rule != SENDER:
            steps.append((v.at, _judged(v)))
        if v.choice is not None:
            steps.append((v.at, choice_wording.sentence(v.choice)))
    steps += [(a.started_at, _tried(a)) for a in story.attempts]
    steps += [(r.at, _reported(r)) for r in story.receipts]
    told = [sentence for _, sentence in sorted(steps, key=lambda step: step[0])]
    return [*told, summary(story)]


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else "at a time that was not noted"


def _draft(_story: Story) -> str:
    return "It is a draft: nobody has submitted it yet."


def _scheduled(story: Story) -> str:
    if story.scheduled_reason == "requested":
        return f"It waits for {_when(story.scheduled_for)}, the time its sender asked for."
    last = story.verdicts[-1] if story.verdicts else None
    why = (story.scheduled_reason or "").partition(":")[0]
    # A message may wait for something no rule said, long after a rule let it wait.
    if last is None or last.outcome != "defer" or last.reason != why:
        return f"It waits to be looked at again: {_words(story.scheduled_reason)}."
    return f"It waits until {_when(last.until)}, since {_because(last)}."


def _queued(story: Story) -> str:
    if not story.attempts:
        return f"It is ready and waits for a worker since {_when(story.entered_at)}."
    last = story.attempts[-1]
    if story.next_attempt_at is None:
        return f"It waits for another attempt; the last one ended as {_outcome(last)}."
    return (
        f"It waits for its next attempt at {_when(story.next_attempt_at)}, because the last one "
        f"ended as {_outcome(last)}."
    )


def _sending(story: Story) -> str:
    last = story.attempts[-1] if story.attempts else None
    if last is not None and last.outcome == "in_doubt":
        return (
            f"Attempt {last.number} left at {_when(last.started_at)} and its outcome is not known "
            f"({last.code or 'no reply'}); evidence is being looked for, and nothing is sent again "
            "before it is found."
        )
    return f"It is being handed to the provider since {_when(story.entered_at)}."


def _sent(story: Story) -> str:
    return (
        f"The provider took it {_by(story)}at {_when(story.entered_at)}; no delivery receipt has "
        "come yet."
    )


def _delivered(story: Story) -> str:
    return f"It was sent {_by(story)}and delivered at {_when(story.entered_at)}."


_CALLED_OFF = {
    "opted_out": "the recipient opted out",
    "unreachable": "the recipient's number turned out to be out of service",
    "complaint": "the recipient complained",
    "erased": "the recipient was erased",
}
"""Why a message was called off, where it was not its sender who did."""


def _canceled(story: Story) -> str:
    because = _CALLED_OFF.get(story.status_reason or "")
    if because is not None:
        return f"It was called off at {_when(story.entered_at)}, before it was sent, because {because}."
    return f"It was called off by its sender at {_when(story.entered_at)}, before it was sent."


def _received(story: Story) -> str:
    return f"It came in at {_when(story.entered_at)}."


def _ended(story: Story) -> str:
    block = next((v for v in reversed(story.verdicts) if v.outcome == "block"), None)
    if block is not None and block.reason == story.status_reason:
        return f"It was not sent because {_because(block)}."
    if not story.attempts:
        return f"It was not sent: {_words(story.status_reason)}."
    last = story.attempts[-1]
    how = "delivered" if last.outcome == "accepted" else "sent"
    told = f" ({last.code})" if last.code and last.outcome != "accepted" else ""
    tries = f"{len(story.attempts)} attempts" if len(story.attempts) > 1 else "one attempt"
    return f"It was not {how} after {tries}: {_words(story.status_reason or last.outcome)}{told}."


_SUMMARIES = {
    Status.DRAFT: _draft,
    Status.SCHEDULED: _scheduled,
    Status.QUEUED: _queued,
    Status.SENDING: _sending,
    Status.SENT: _sent,
    Status.DELIVERED: _delivered,
    Status.CANCELED: _canceled,
    Status.RECEIVED: _received,
}


def _words(reason: str | None) -> str:
    return (reason or "no reason was noted").replace("_", " ")


def _by(story: Story) -> str:
    if not story.attempts:
        return ""
    last = story.attempts[-1]
    return f"from {last.sender} ({last.chosen_by}) "


def _because(verdict: Judged) -> str:
    words = WORDS.get(Reason(verdict.reason)) if verdict.reason in set(Reason) else None
    clause = words.because if words is not None else _words(verdict.reason)
    detail = f": {verdict.detail}" if verdict.detail else ""
    return f"{clause} (rule {verdict.rule}{detail})"


def _judged(verdict: Judged) -> str:
    where = "At intake" if verdict.stage == "intake" else "Before dispatch"
    head = f"{where}, {_when(verdict.at)}, the rules of {verdict.version}"
    if verdict.outcome == "allow":
        until = f", to arrive before {_when(verdict.until)}" if verdict.until else ""
        return f"{head} had no objection{until}{_seen(verdict)}."
    if verdict.outcome == "defer":
        return f"{head} asked it to wait until {_when(verdict.until)}, since {_because(verdict)}."
    return f"{head} refused it, since {_because(verdict)}{_seen(verdict)}."


def _seen(verdict: Judged) -> str:
    """The inputs a person would ask about."""
    seen = verdict.inputs or {}
    told = []
    consent = seen.get("consent")
    if consent:
        basis = f" {_words(consent['basis'])}" if consent.get("basis") else ""
        told.append(f"consent {consent['action']}{basis} of {str(consent['at'])[:10]}")
    elif "consent" in seen:
        told.append("no consent on record")
    if seen.get("consent_policy") == "attested_elsewhere":
        told.append("the tenant keeps consent elsewhere")
    if seen.get("zones"):
        told.append(f"local time of {', '.join(seen['zones'])} by {_words(seen['zones_from'])}")
    return f" ({'; '.join(told)})" if told else ""


def _tried(attempt: Tried) -> str:
    head = (
        f"Attempt {attempt.number}, {_when(attempt.started_at)}, from {attempt.sender}, chosen by "
        f"{attempt.chosen_by}:"
    )
    return f"{head} {_outcome(attempt)}."


_CHANGED_NOTHING = {
    "duplicate": "which was known",
    "late": "which came too late to change anything",
    "contradiction": "which a stronger report contradicts",
    "heeded": "which concerns the person and not the message",
    "stale": "which is about an earlier attempt",
}


def _reported(receipt: Reported) -> str:
    code = f" ({receipt.code})" if receipt.code else ""
    said = f", {receipt.detail.rstrip('.')}" if receipt.detail else ""
    why = _CHANGED_NOTHING.get(receipt.result)
    rest = f", {why}" if why else ""
    return f"The provider reported, {_when(receipt.at)}: {receipt.word}{code}{said}{rest}."


def _outcome(attempt: Tried) -> str:
    if attempt.outcome == "accepted":
        known = f", known by {attempt.settled_by}" if attempt.settled_by else ""
        return f"the provider took it{known}"
    code = f" ({attempt.code})" if attempt.code else ""
    said = f", {attempt.detail.rstrip('.')}" if attempt.detail else ""
    return f"{_words(attempt.outcome)}{code}{said}"
