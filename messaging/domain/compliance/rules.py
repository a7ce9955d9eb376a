"""May this message go out now?

Each rule is one question, a function of the message, the facts and the time. To add a rule: write
the function, add what it must know to `Facts` (and to the query that gathers them), put it in
`RULES` where its answer should rank, and add its rows to the table of cases in the tests.

`VERSION` is kept with every verdict; it changes with any rule, and so does the law's own
(`jurisdictions.RULESET`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from messaging.domain.addresses import normalise
from messaging.domain.compliance import (
    caps,
    consent,
    content,
    jurisdictions,
    links,
    places,
    quiet_hours,
    regulated,
    telephones,
)
from messaging.domain.compliance.facts import Facts, LineType, SuppressionKind
from messaging.domain.compliance.places import Place
from messaging.domain.compliance.quiet_hours import Closed
from messaging.domain.compliance.verdicts import ALLOW, Allow, Block, Defer, Reason, Verdict
from messaging.domain.lifecycle import Event
from messaging.domain.message import Category, Channel, Message, Purpose
from messaging.domain.number_types import writable
from messaging.domain.registration import Standing

VERSION = "2026-11-20"

_PHONE_CHANNELS = frozenset({Channel.SMS, Channel.MMS})
_DEAF_TO_OPT_OUT = frozenset({Purpose.OPT_OUT_CONFIRMATION, Purpose.HELP})
_LOOK_AGAIN = timedelta(seconds=5)

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


def place_of(message: Message) -> Place:
    """Where the recipient may be."""
    return places.locate(message.recipient, message.time_zone, message.postal_code)


def _expired(message: Message, _facts: Facts, now: datetime) -> Verdict:
    if message.expires_at is not None and message.expires_at <= now:
        return Block(Event.EXPIRED, Reason.EXPIRED, "expired")
    return ALLOW


def _valid_number(message: Message, _facts: Facts, _now: datetime) -> Verdict:
    # Asked again here because what the intake let in may be older than the numbering plan.
    if message.channel in _PHONE_CHANNELS and normalise(message.recipient, None) != (
        message.recipient
    ):
        return Block(Event.REFUSED, Reason.INVALID_RECIPIENT, "valid_number")
    return ALLOW


def _number_type(message: Message, _facts: Facts, _now: datetime) -> Verdict:
    refused = writable(message.recipient) if message.channel in _PHONE_CHANNELS else None
    if refused is None:
        return ALLOW
    reason = Reason.LANDLINE if refused == "fixed_line" else Reason.NUMBER_TYPE_REFUSED
    return Block(Event.UNDELIVERED, reason, "number_type", f"the number is {refused}")


def _line(message: Message, facts: Facts, now: datetime) -> Verdict:
    line, lookup = facts.line, facts.policy.lookup
    if line is not None and line.type is LineType.LANDLINE:
        detail = f"a landline, says {line.source} of {line.checked_at:%Y-%m-%d}"
        return Block(Event.UNDELIVERED, Reason.LANDLINE, "line", detail)
    if lookup.account is None or message.channel not in _PHONE_CHANNELS:
        return ALLOW
    if line is None or now - line.checked_at > timedelta(days=lookup.max_age_days):
        return Defer(now + _LOOK_AGAIN, Reason.AWAITING_LOOKUP, "line", "its line is looked up")
    return ALLOW


def _suppressed(message: Message, facts: Facts, _now: datetime) -> Verdict:
    found = facts.suppression
    if found is None or message.purpose in _DEAF_TO_OPT_OUT:
        return ALLOW
    detail = f"{found.kind}, known from {found.source} since {found.since:%Y-%m-%d %H:%M} UTC"
    if found.kind is SuppressionKind.UNREACHABLE:
        return Block(Event.UNDELIVERED, Reason.UNREACHABLE, "suppressed", detail)
    return Block(Event.OPTED_OUT, Reason.OPTED_OUT, "suppressed", detail)


def _consented(message: Message, facts: Facts, now: datetime) -> Verdict:
    if message.category is not Category.MARKETING or facts.policy.marketing_consent != "required":
        return ALLOW
    lack = consent.lack(facts.consent, place_of(message).country, now)
    if lack is None:
        return ALLOW
    return Block(Event.BLOCKED_COMPLIANCE, lack.reason, f"consent:{lack.rule}", lack.detail)


def _do_not_call(message: Message, facts: Facts, now: datetime) -> Verdict:
    if message.category is not Category.MARKETING or consent.written(facts.consent):
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


def _flash(message: Message, facts: Facts, _now: datetime) -> Verdict:
    if not message.flash:
        return ALLOW
    reason = content.flash_problem(message.body, message.segments)
    if reason is None and not facts.flash_offered:
        reason = Reason.FLASH_NOT_OFFERED
    if reason is None:
        return ALLOW
    return Block(Event.BLOCKED_COMPLIANCE, reason, "flash")


def _links(message: Message, facts: Facts, _now: datetime) -> Verdict:
    marketing = message.category is Category.MARKETING
    if facts.has_links and facts.has_phone_numbers and not marketing:
        return ALLOW
    if marketing:
        shortener = links.shortener(message.body)
        if shortener is not None:
            detail = f"{shortener} hides where the link leads"
            return Block(Event.BLOCKED_COMPLIANCE, Reason.PUBLIC_SHORTENER, "links", detail)
    if not facts.has_links and links.links(message.body):
        detail = "the campaign declared that its messages hold no links"
        return Block(Event.BLOCKED_COMPLIANCE, Reason.LINK_NOT_DECLARED, "links", detail)
    if not facts.has_phone_numbers and telephones.phone_numbers(message.body):
        detail = "the campaign declared that its messages hold no phone numbers"
        return Block(Event.BLOCKED_COMPLIANCE, Reason.LINK_NOT_DECLARED, "links", detail)
    return ALLOW


def _declared_content(message: Message, facts: Facts, _now: datetime) -> Verdict:
    if message.content is None:
        return ALLOW
    problem = regulated.content_problem(
        message.content,
        place_of(message).country or "",
        facts.policy.content.regulated,
        age_gated=facts.age_gated,
    )
    if problem is None:
        return ALLOW
    return Block(Event.BLOCKED_COMPLIANCE, Reason.CONTENT_NOT_PERMITTED, "content", problem)


def _region(message: Message, facts: Facts, _now: datetime) -> Verdict:
    mine, pool = facts.policy.destinations.regions, facts.regions
    if mine is None and pool is None:
        return ALLOW
    country = place_of(message).country
    if (mine is None or country in mine) and (pool is None or country in pool):
        return ALLOW
    whose = "the tenant's policy" if mine is not None and country not in mine else "the sender pool"
    detail = f"{whose} does not list {country or 'numbers of no country'}"
    return Block(Event.BLOCKED_COMPLIANCE, Reason.REGION_NOT_PERMITTED, "region", detail)


_STANDINGS: dict[Standing, tuple[Event, Reason]] = {
    Standing.NO_SENDER: (Event.REFUSED, Reason.NO_SENDER_IN_POOL),
    Standing.CAMPAIGN_NOT_VERIFIED: (
        Event.BLOCKED_MISSING_CAMPAIGN,
        Reason.CAMPAIGN_NOT_VERIFIED,
    ),
    Standing.TOLL_FREE_NOT_VERIFIED: (
        Event.BLOCKED_MISSING_CAMPAIGN,
        Reason.TOLL_FREE_NOT_VERIFIED,
    ),
    Standing.BRAND_SUSPENDED: (Event.BLOCKED_MISSING_CAMPAIGN, Reason.BRAND_SUSPENDED),
}


def _registered(_message: Message, facts: Facts, _now: datetime) -> Verdict:
    if facts.standing is Standing.CLEAR:
        return ALLOW
    event, reason = _STANDINGS[facts.standing]
    return Block(event, reason, "registered")


def _quiet_hours(message: Message, facts: Facts, now: datetime) -> Verdict:
    if message.category is not Category.MARKETING:
        return ALLOW
    wishes = facts.policy.quiet_hours
    hours = jurisdictions.hours_for(place_of(message), wishes, now.date())
    margin = timedelta(minutes=wishes.closing_margin_minutes)
    found = quiet_hours.consult(hours, now, margin)
    if not isinstance(found, Closed):
        return ALLOW if found.until is None else Allow(found.until)
    if found.reopens is None:
        detail = f"{found.clock.rule} in {found.clock.zone} and the others are never open together"
        return Block(Event.BLOCKED_COMPLIANCE, Reason.NEVER_OPEN, "quiet_hours", detail)
    spread = timedelta(minutes=wishes.spread_minutes)
    until = quiet_hours.spread(found.reopens, hours, message.id.int, spread, margin)
    opens = found.reopens.astimezone(ZoneInfo(found.clock.zone))
    detail = f"{found.clock.rule} opens {opens:%a %Y-%m-%d %H:%M} in {found.clock.zone}"
    return Defer(until, Reason.QUIET_HOURS, f"quiet_hours:{found.clock.rule}", detail)


def _frequency(message: Message, facts: Facts, now: datetime) -> Verdict:
    if not facts.recent:
        return ALLOW
    limits = [
        (f"cap:{cap.limit}_in_{cap.hours}h", cap.limit, cap.hours)
        for cap in facts.policy.caps
        if cap.category is message.category
    ]
    if message.category is Category.MARKETING:
        law = jurisdictions.caps_for(place_of(message), now.date())
        limits += [(f"cap:{cap.rule}", cap.limit, cap.hours) for cap in law]
    full = caps.free_at(facts.recent, limits, now)
    if full is None:
        return ALLOW
    free_at, rule = full
    detail = f"{len(facts.recent)} sent lately; the next fits at {free_at:%Y-%m-%d %H:%M} UTC"
    if facts.policy.over_cap == "drop":
        return Block(Event.BLOCKED_COMPLIANCE, Reason.FREQUENCY_CAP, rule, detail)
    return Defer(free_at, Reason.FREQUENCY_CAP, rule, detail)


def _velocity(_message: Message, facts: Facts, _now: datetime) -> Verdict:
    if facts.velocity_until is None:
        return ALLOW
    detail = "this destination has had as many messages this hour as the tenant's policy allows"
    return Defer(facts.velocity_until, Reason.DESTINATION_VELOCITY, "velocity", detail)


RULES: tuple[Rule, ...] = (
    Rule("expired", "Is it still wanted?", "the caller's expires_at", _expired),
    Rule("valid_number", "Is the recipient a number that can exist?", "E.164", _valid_number),
    Rule("number_type", "Can a number of this type be written to?", "ITU plans", _number_type),
    Rule("line", "Is it a line that takes messages, as far as is known?", "look-ups", _line),
    Rule("suppressed", "Has the recipient told us to stop?", "47 CFR 64.1200(a)(10)", _suppressed),
    Rule("consent", "Did the recipient agree to marketing?", "consent.toml", _consented),
    Rule("do_not_call", "Is the number free to call?", "47 CFR 64.1200(c)(2)", _do_not_call),
    Rule("flash", "May this be shown at once and not kept?", "GSM 03.38 class 0", _flash),
    Rule("links", "Do its links say where they lead?", "CTIA 5.3; 10DLC campaign", _links),
    Rule("content", "May this be written about there?", "CTIA 5.2", _declared_content),
    Rule("region", "May this tenant and pool write to that country?", "policy", _region),
    Rule("registered", "Is a sender registered for it?", "CTIA; 10DLC programme", _registered),
    Rule("quiet_hours", "Is it a decent hour there?", "jurisdictions.toml", _quiet_hours),
    Rule("frequency", "Has the recipient had enough for now?", "jurisdictions.toml", _frequency),
    Rule("velocity", "Has this destination had its share?", "policy.destinations", _velocity),
)
"""Every rule, in the order in which a Block is reported."""
