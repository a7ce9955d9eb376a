"""Questions about the moment: is this the time for it?"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from messaging.domain.compliance import caps, jurisdictions
from messaging.domain.compliance import quiet_hours as hours_of_day
from messaging.domain.compliance.facts import Facts
from messaging.domain.compliance.jurisdictions import LawCap
from messaging.domain.compliance.places import Place, place_of
from messaging.domain.compliance.quiet_hours import Closed, Hours
from messaging.domain.compliance.verdicts import ALLOW, Allow, Block, Defer, Reason, Verdict
from messaging.domain.lifecycle import Event
from messaging.domain.message import Category, Channel, Message

WINDOW = timedelta(hours=24)


def window(message: Message, facts: Facts, now: datetime) -> Verdict:
    """Did the person write lately, where only those who did are answered?

    Instagram carries a message to somebody only within 24 hours of their last one to the account
    (Meta, Messenger Platform: "standard messaging window"). Ids of people belong to one account, so
    their latest message is one to that account.
    """
    if message.channel is not Channel.INSTAGRAM_DM:
        return ALLOW
    last = facts.last_inbound
    if last is not None and now < last + WINDOW:
        return Allow(last + WINDOW)
    said = f"they last wrote {last:%Y-%m-%d %H:%M} UTC" if last else "they have not written yet"
    return Block(Event.BLOCKED_COMPLIANCE, Reason.OUTSIDE_WINDOW, "window", said)


def expired(message: Message, _facts: Facts, now: datetime) -> Verdict:
    """Is it still wanted? A one-time code is worse late than never."""
    if message.expires_at is not None and message.expires_at <= now:
        return Block(Event.EXPIRED, Reason.EXPIRED, "expired")
    return ALLOW


def quiet_hours(message: Message, facts: Facts, now: datetime) -> Verdict:
    """Is it a decent hour where the recipient is, and until when?"""
    # The hours are the law's for calls and texts; an e-mail waits in its mailbox.
    if message.category is not Category.MARKETING or not message.channel.by_phone:
        return ALLOW
    wishes = facts.policy.quiet_hours
    place = place_of(message)
    days = _days(place, now)
    hours = jurisdictions.hours_for(place, wishes, days[0])
    if len(days) > 1:  # where it is a new day somewhere, what ends or begins with it counts too
        hours = _together(hours, jurisdictions.hours_for(place, wishes, days[-1]))
    margin = timedelta(minutes=wishes.closing_margin_minutes)
    found = hours_of_day.consult(hours, now, margin)
    if not isinstance(found, Closed):
        return ALLOW if found.until is None else Allow(found.until)
    if found.reopens is None:
        detail = f"{found.clock.rule} in {found.clock.zone} and the others are never open together"
        return Block(Event.BLOCKED_COMPLIANCE, Reason.NEVER_OPEN, "quiet_hours", detail)
    spread = timedelta(minutes=wishes.spread_minutes)
    until = hours_of_day.spread(found.reopens, hours, message.id.int, spread, margin)
    opens = found.reopens.astimezone(ZoneInfo(found.clock.zone))
    detail = f"{found.clock.rule} opens {opens:%a %Y-%m-%d %H:%M} in {found.clock.zone}"
    return Defer(until, Reason.QUIET_HOURS, f"quiet_hours:{found.clock.rule}", detail)


def frequency(message: Message, facts: Facts, now: datetime) -> Verdict:
    """Has the recipient had enough for now?"""
    if not facts.recent:
        return ALLOW
    limits = [
        (f"cap:{cap.limit}_in_{cap.hours}h", cap.limit, cap.hours)
        for cap in facts.policy.caps
        if cap.category is message.category
    ]
    if message.category is Category.MARKETING and message.channel.by_phone:
        place = place_of(message)
        law = {cap for day in _days(place, now) for cap in jurisdictions.caps_for(place, day)}
        limits += [(f"cap:{cap.rule}", cap.limit, cap.hours) for cap in sorted(law, key=_name)]
    full = caps.free_at(facts.recent, limits, now)
    if full is None:
        return ALLOW
    free_at, rule = full
    detail = f"{len(facts.recent)} sent lately; the next fits at {free_at:%Y-%m-%d %H:%M} UTC"
    if facts.policy.over_cap == "drop":
        return Block(Event.BLOCKED_COMPLIANCE, Reason.FREQUENCY_CAP, rule, detail)
    return Defer(free_at, Reason.FREQUENCY_CAP, rule, detail)


def _name(cap: LawCap) -> str:
    return cap.rule


def _days(place: Place, now: datetime) -> list[date]:
    """The days it is now on the clocks somebody may live by, earliest first: laws begin at midnight."""
    return sorted({now.astimezone(ZoneInfo(zone)).date() for zone in place.zones}) or [now.date()]


def _together(one: Hours, other: Hours) -> Hours:
    return one if one == other else Hours(tuple(dict.fromkeys((*one.clocks, *other.clocks))))


def velocity(_message: Message, facts: Facts, _now: datetime) -> Verdict:
    """Has this destination had its share of the hour?"""
    if facts.velocity_until is None:
        return ALLOW
    detail = "this destination has had as many messages this hour as the tenant's policy allows"
    return Defer(facts.velocity_until, Reason.DESTINATION_VELOCITY, "velocity", detail)
