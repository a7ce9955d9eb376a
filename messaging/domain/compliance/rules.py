"""May this message go out now?

Each rule is one question, a function of the message, the facts and the time (`of_recipient`,
`of_text`, `of_route`, `of_moment`). To add a rule: write the function, add what it must know to `Facts` (and to the query that gathers them), put it in
`RULES` where its answer should rank, and add its rows to the table of cases in the tests.

`VERSION` is kept with every verdict; it changes with any rule, and so does the law's own
(`jurisdictions.RULESET`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from messaging.domain.compliance import of_moment, of_recipient, of_route, of_text
from messaging.domain.compliance.facts import Facts
from messaging.domain.compliance.verdicts import ALLOW, Allow, Block, Defer, Verdict
from messaging.domain.message import Message

VERSION = "2026-11-30"

Ask = Callable[[Message, Facts, datetime], Verdict]


@dataclass(frozen=True, slots=True)
class Rule:
    """One question of the table."""

    id: str
    question: str
    source: str
    ask: Ask


def judge(message: Message, facts: Facts, now: datetime) -> Verdict:
    """The first Block any rule of `RULES` gives; else the latest Defer; else Allow."""
    return weigh(RULES, message, facts, now)


def weigh(rules: tuple[Rule, ...], message: Message, facts: Facts, now: datetime) -> Verdict:
    """`judge` for a given list of rules. An Allow that ends keeps the earliest end."""
    verdict: Allow | Defer = ALLOW
    for rule in rules:
        answer = rule.ask(message, facts, now)
        if answer is ALLOW:
            continue
        if isinstance(answer, Block):
            return answer
        if _outweighs(answer, verdict):
            verdict = answer
    return verdict


def _outweighs(answer: Allow | Defer, verdict: Allow | Defer) -> bool:
    if isinstance(answer, Defer):
        return not isinstance(verdict, Defer) or answer.until > verdict.until
    if isinstance(verdict, Defer) or answer.until is None:
        return False
    return verdict.until is None or answer.until < verdict.until


RULES: tuple[Rule, ...] = (
    Rule("expired", "Is it still wanted?", "the caller's expires_at", of_moment.expired),
    Rule(
        "valid_number",
        "Is the recipient a number that can exist?",
        "E.164",
        of_recipient.valid_number,
    ),
    Rule(
        "number_type",
        "Can a number of this type be written to?",
        "ITU plans",
        of_recipient.number_type,
    ),
    Rule(
        "line",
        "Is it a line that takes messages, as far as is known?",
        "look-ups",
        of_recipient.line,
    ),
    Rule(
        "suppressed",
        "Has the recipient told us to stop?",
        "47 CFR 64.1200(a)(10)",
        of_recipient.suppressed,
    ),
    Rule(
        "consent", "Did the recipient agree to marketing?", "consent.toml", of_recipient.consented
    ),
    Rule(
        "do_not_call",
        "Is the number free to call?",
        "47 CFR 64.1200(c)(2)",
        of_recipient.do_not_call,
    ),
    Rule("flash", "May this be shown at once and not kept?", "GSM 03.38 class 0", of_text.flash),
    Rule("links", "Do its links say where they lead?", "CTIA 5.3; 10DLC campaign", of_text.linked),
    Rule("content", "May this be written about there?", "CTIA 5.2", of_text.declared_content),
    Rule(
        "template",
        "Is its text arriving, and its campaign to go on?",
        "sender health",
        of_text.template,
    ),
    Rule("region", "May this tenant and pool write to that country?", "policy", of_route.region),
    Rule(
        "registered", "Is a sender registered for it?", "CTIA; 10DLC programme", of_route.registered
    ),
    Rule(
        "postal_address",
        "Does marketing by e-mail name a postal address?",
        "15 USC 7704(a)(5)",
        of_text.postal_address,
    ),
    Rule(
        "window",
        "Did the person on Instagram write within 24 hours?",
        "Meta Messenger Platform",
        of_moment.window,
    ),
    Rule("quiet_hours", "Is it a decent hour there?", "jurisdictions.toml", of_moment.quiet_hours),
    Rule(
        "frequency",
        "Has the recipient had enough for now?",
        "jurisdictions.toml",
        of_moment.frequency,
    ),
    Rule(
        "velocity", "Has this destination had its share?", "policy.destinations", of_moment.velocity
    ),
)
"""Every rule, in the order in which a Block is reported."""
