"""What do a provider's refusals say about the person, and of the sender, beyond the one message?

An opt-out that a provider knows of holds for every provider, and cancels the rest of what waits
(law 7). A number that two messages could not reach, for a reason that does not pass, is not tried a
third time; since that is no word of the person, START does not undo it. That a number is a landline
is kept for the rules to ask. The page that ends the message's own attempt is written afterwards, so
that a crash in between forgets nothing; what it tells of the sender is counted with that step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from messaging import providers, suppression
from messaging.domain.compliance.facts import LineType, SuppressionKind
from messaging.domain.failures import Failure, Kind
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Channel
from messaging.providers.base import DeliveryReport
from messaging.runtime import Runtime
from messaging.store import number_facts, suppression_reads
from messaging.store.number_facts import Learned
from messaging.store.suppression_reads import Recipient
from messaging.store.suppressions import NewSuppression

_DEAD_ENDS = 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """A provider's word about one message."""

    message_id: UUID
    provider: str
    code: str | None
    opted_out: bool
    """Whether it says that the recipient does not want it."""

    @property
    def dead_number(self) -> bool:
        """Whether it says that nobody can be reached there."""
        return self.code in _codes(self.provider, "dead_numbers")

    @property
    def landline(self) -> bool:
        """Whether it says that the line takes no texts."""
        return self.code in _codes(self.provider, "landlines")


def _codes(
    provider: str, kind: Literal["dead_numbers", "landlines", "filtered", "blameless"]
) -> frozenset[str]:
    """A provider's codes of one kind; none of an account whose provider is no longer known."""
    known = providers.find(provider)
    codes: frozenset[str] = getattr(known, kind, frozenset())
    return codes


def told_by_reply(provider: str, failure: Failure) -> tuple[str, ...]:
    """What a refusal in the reply to a send says of the sender, by the fields of a `Tally`.

    That the provider is down, or our request or account wrong, says nothing of it.
    """
    if failure.kind is Kind.OPTED_OUT:
        return ("opted_out",)
    if failure.kind is Kind.RECIPIENT:
        return (_ending(provider, failure.code),)
    refused_as_spam = failure.kind is Kind.SENDER and failure.code in _codes(provider, "filtered")
    return ("filtered",) if refused_as_spam else ()


def told_by_receipt(
    provider: str, report: DeliveryReport, before: Status, *, accepted: bool, unknown: bool = False
) -> tuple[str, ...]:
    """The same of a receipt for a message that was `before`; also that it was sent, if that is news.

    `accepted` says whether that was known of its last attempt, though it is to be sent again;
    `unknown` whether it was given up without knowing. An end that was told stays told: what a stronger
    receipt puts right afterwards is not counted a second time, so of two ends that contradict each
    other the sender is judged by the one that came first.
    """
    waits = before in {Status.QUEUED, Status.SCHEDULED}
    news = before is Status.SENDING or unknown or (waits and not accepted)
    told = _end_told(provider, report) if unknown or before not in _TOLD else ()
    return ("sent", *told) if news else told


_TOLD = {Status.FAILED, Status.UNDELIVERABLE, Status.OPTED_OUT, Status.DELIVERED}


def _end_told(provider: str, report: DeliveryReport) -> tuple[str, ...]:
    """What a receipt says of the end.

    `undelivered` is the carrier's word. `failed` is the provider's, of itself as often as not: it
    counts where its code speaks of the recipient or the text.
    """
    if report.event is Event.DELIVERED:
        return ("delivered",)
    if report.event is Event.OPTED_OUT:
        return ("opted_out",)
    if report.event not in {Event.UNDELIVERED, Event.FAILED}:
        return ()
    if report.code in _codes(provider, "blameless"):
        return ()
    ending = _ending(provider, report.code)
    told = report.event is Event.UNDELIVERED or ending != _UNDELIVERED
    return (ending,) if told else ()


_UNDELIVERED = "undelivered"


def _ending(provider: str, code: str | None) -> str:
    """Which bad end a code stands for; a dead number is as bad a sign as a landline."""
    if code in _codes(provider, "filtered"):
        return "filtered"
    unreachable = _codes(provider, "landlines") | _codes(provider, "dead_numbers")
    return "landline" if code in unreachable else _UNDELIVERED


def heed(rt: Runtime, refusals: Sequence[Refusal]) -> None:
    """Suppress whom these speak of, and keep what they say of numbers, in a transaction of its own."""
    telling = [r for r in refusals if r.opted_out or r.dead_number or r.landline]
    if not telling:
        return
    codes = sorted(set().union(*(_codes(r.provider, "dead_numbers") for r in telling)))
    with rt.engine.begin() as db:
        people = suppression_reads.recipients(db, [r.message_id for r in telling], codes)
        known = [(r, people[r.message_id]) for r in telling if r.message_id in people]
        rows = [*_opt_outs(rt, known), *_unreachable(known)]
        if rows:
            suppression.suppress(db, rows)
        number_facts.learn(db, [*_landlines(rt, known)])


def _opt_outs(rt: Runtime, known: Sequence[tuple[Refusal, Recipient]]) -> Iterable[NewSuppression]:
    for refusal, who in known:
        if refusal.opted_out:
            for channel, key in _keys(rt, who).items():
                yield NewSuppression(who.tenant_id, channel, key, "provider", _evidence(refusal))


def _landlines(rt: Runtime, known: Sequence[tuple[Refusal, Recipient]]) -> Iterable[Learned]:
    for refusal, who in known:
        if refusal.landline:
            for key in _keys(rt, who).values():
                yield Learned(who.tenant_id, key, LineType.LANDLINE, "provider")


def _keys(rt: Runtime, who: Recipient) -> dict[Channel, bytes]:
    """What stands for the person on every channel of theirs, as far as the address is still known."""
    if who.address is None:
        return {who.channel: who.key}
    return suppression.keys(rt.settings.pepper, who.channel, who.address)


def _unreachable(known: Sequence[tuple[Refusal, Recipient]]) -> Iterable[NewSuppression]:
    dead_ends: defaultdict[tuple[UUID, bytes], set[UUID]] = defaultdict(set)
    for refusal, who in known:
        if refusal.dead_number:
            dead_ends[who.tenant_id, who.key] |= {who.message_id, *who.dead_ends}
    last = {(who.tenant_id, who.key): (r, who) for r, who in known if r.dead_number}
    for place, (refusal, who) in last.items():
        if len(dead_ends[place]) >= _DEAD_ENDS:
            yield NewSuppression(
                who.tenant_id,
                who.channel,
                who.key,
                "provider",
                _evidence(refusal),
                SuppressionKind.UNREACHABLE,
            )


def _evidence(refusal: Refusal) -> str:
    return f"{refusal.provider} {refusal.code} about message {refusal.message_id}"
