"""Questions about the person: can they be reached, and do they want it?"""

from __future__ import annotations

from datetime import datetime, timedelta

from messaging.domain.addresses import normalise
from messaging.domain.compliance import consent
from messaging.domain.compliance.facts import Facts, LineType, SuppressionKind
from messaging.domain.compliance.places import place_of
from messaging.domain.compliance.verdicts import ALLOW, Block, Defer, Reason, Verdict
from messaging.domain.lifecycle import Event
from messaging.domain.message import Category, Message, Purpose
from messaging.domain.number_types import writable

_DEAF_TO_OPT_OUT = frozenset({Purpose.OPT_OUT_CONFIRMATION, Purpose.HELP})
_LOOK_AGAIN = timedelta(seconds=5)
_LOOK_AGAIN_AT_MOST = timedelta(minutes=1)


def valid_number(message: Message, _facts: Facts, _now: datetime) -> Verdict:
    """Is the recipient a number that can exist, spelled as suppressions are?"""
    # Asked again here because what the intake let in may be older than the numbering plan.
    if message.channel.by_phone and normalise(message.recipient, None) != message.recipient:
        return Block(Event.REFUSED, Reason.INVALID_RECIPIENT, "valid_number")
    return ALLOW


def number_type(message: Message, _facts: Facts, _now: datetime) -> Verdict:
    """Can a number of this type be written to?"""
    refused = writable(message.recipient) if message.channel.by_phone else None
    if refused is None:
        return ALLOW
    reason = Reason.LANDLINE if refused == "fixed_line" else Reason.NUMBER_TYPE_REFUSED
    return Block(Event.UNDELIVERED, reason, "number_type", f"the number is {refused}")


def line(message: Message, facts: Facts, now: datetime) -> Verdict:
    """Is it a line that takes messages, as far as is known?"""
    line, lookup = facts.line, facts.policy.lookup
    if line is not None and line.type is LineType.LANDLINE and not message.purpose:
        detail = f"a landline, says {line.source} of {line.checked_at:%Y-%m-%d}"
        return Block(Event.UNDELIVERED, Reason.LANDLINE, "line", detail)
    if lookup.account is None or not message.channel.by_phone or message.purpose:
        return ALLOW  # whoever wrote to us has a line that takes messages
    if message.sandboxed:
        return ALLOW  # it reaches nobody, and the account that is asked is a real one
    if line is None or now - line.checked_at > timedelta(days=lookup.max_age_days):
        # Ever less often: should nobody be there to look it up, each time leaves a verdict behind.
        waited = (now - message.created_at) / 2
        again = now + min(max(waited, _LOOK_AGAIN), _LOOK_AGAIN_AT_MOST)
        return Defer(again, Reason.AWAITING_LOOKUP, "line", "its line is looked up")
    return ALLOW


def suppressed(message: Message, facts: Facts, _now: datetime) -> Verdict:
    """Has the recipient told us to stop? (law 7; 47 CFR 64.1200(a)(10))."""
    found = facts.suppression
    if found is None or message.purpose in _DEAF_TO_OPT_OUT:
        return ALLOW
    detail = f"{found.kind}, known from {found.source} since {found.since:%Y-%m-%d %H:%M} UTC"
    if found.kind is SuppressionKind.UNREACHABLE:
        return Block(Event.UNDELIVERED, Reason.UNREACHABLE, "suppressed", detail)
    return Block(Event.OPTED_OUT, Reason.OPTED_OUT, "suppressed", detail)


def consented(message: Message, facts: Facts, now: datetime) -> Verdict:
    """Did the recipient agree to marketing, as their country asks?"""
    if message.category is not Category.MARKETING or facts.policy.marketing_consent != "required":
        return ALLOW
    lack = consent.lack(facts.consent, place_of(message).country, now)
    if lack is None:
        return ALLOW
    return Block(Event.BLOCKED_COMPLIANCE, lack.reason, f"consent:{lack.rule}", lack.detail)


def do_not_call(message: Message, facts: Facts, now: datetime) -> Verdict:
    """Is the number free of do-not-call lists, or exempt by written consent? (47 CFR 64.1200(c)(2))."""
    marketing = message.category is Category.MARKETING and message.channel.by_phone
    if not marketing or consent.written(facts.consent):
        return ALLOW
    if facts.dnc_listed is not None:
        detail = f"the number is on the {facts.dnc_listed} registry"
        return Block(Event.BLOCKED_COMPLIANCE, Reason.DNC_LISTED, "do_not_call", detail)
    country = place_of(message).country
    days = facts.policy.dnc_registries.get(country or "")
    if days is None:
        return ALLOW
    scrubbed = facts.dnc_scrubbed_at.get(country or "")
    if scrubbed is not None and now - scrubbed <= timedelta(days=days):
        return ALLOW
    when = f"scrubbed {scrubbed:%Y-%m-%d}" if scrubbed else "never scrubbed"
    detail = f"the {country} registry was {when}; it must be at most {days} days old"
    return Block(Event.BLOCKED_COMPLIANCE, Reason.DNC_STALE, "do_not_call", detail)
