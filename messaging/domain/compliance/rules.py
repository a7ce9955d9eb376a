"""May this message go out now?

Each rule is one question, a function of the message, the facts and the time. To add a rule: write
the function, add what it must know to `Facts` (and to the query that gathers them), put it in
`RULES` where its answer should rank, and add its rows to the table of cases in the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from messaging.domain.addresses import normalise
from messaging.domain.compliance.facts import Facts
from messaging.domain.compliance.verdicts import ALLOW, Allow, Block, Defer, Reason, Verdict
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, Message

Rule = Callable[[Message, Facts, datetime], Verdict]

_PHONE_CHANNELS = frozenset({Channel.SMS, Channel.MMS})


def judge(message: Message, facts: Facts, now: datetime) -> Verdict:
    """The first Block any rule of `RULES` gives; else the latest Defer; else Allow."""
    return weigh(RULES, message, facts, now)


def weigh(rules: tuple[Rule, ...], message: Message, facts: Facts, now: datetime) -> Verdict:
    """`judge` for a given list of rules."""
    verdict: Allow | Defer = ALLOW
    for rule in rules:
        answer = rule(message, facts, now)
        if answer is ALLOW:
            continue
        if isinstance(answer, Block):
            return answer
        if isinstance(answer, Defer) and (
            not isinstance(verdict, Defer) or answer.until > verdict.until
        ):
            verdict = answer
    return verdict


def expired(message: Message, _facts: Facts, now: datetime) -> Verdict:
    """Is it still wanted? A one-time code is worse late than never."""
    if message.expires_at is not None and message.expires_at <= now:
        return Block(Event.EXPIRED, Reason.EXPIRED, "expired")
    return ALLOW


def valid_number(message: Message, _facts: Facts, _now: datetime) -> Verdict:
    """Is the recipient a valid number, spelled as suppressions are?

    Asked again here because what the intake let in may be older than the numbering plan.
    """
    if message.channel in _PHONE_CHANNELS and normalise(message.recipient, None) != (
        message.recipient
    ):
        return Block(Event.REFUSED, Reason.INVALID_RECIPIENT, "valid_number")
    return ALLOW


def suppressed(_message: Message, facts: Facts, _now: datetime) -> Verdict:
    """Has the recipient told us to stop? (law 7)."""
    if facts.suppression is not None:
        return Block(Event.OPTED_OUT, Reason.OPTED_OUT, "suppressed")
    return ALLOW


RULES: tuple[Rule, ...] = (
    expired,
    valid_number,
    suppressed,
)
"""Every rule, in the order in which a Block is reported."""
