"""Questions about the way there: may this sender write to that country?"""

from __future__ import annotations

from datetime import datetime

from messaging.domain.compliance.facts import Facts
from messaging.domain.compliance.places import place_of
from messaging.domain.compliance.verdicts import ALLOW, Block, Reason, Verdict
from messaging.domain.lifecycle import Event
from messaging.domain.message import Message
from messaging.domain.registration import Standing

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


def region(message: Message, facts: Facts, _now: datetime) -> Verdict:
    """May this tenant, and this pool, write to that country?"""
    mine, pool = facts.policy.destinations.regions, facts.regions
    if (mine is None and pool is None) or not message.channel.by_phone:
        return ALLOW
    country = place_of(message).country
    if (mine is None or country in mine) and (pool is None or country in pool):
        return ALLOW
    whose = "the tenant's policy" if mine is not None and country not in mine else "the sender pool"
    detail = f"{whose} does not list {country or 'numbers of no country'}"
    return Block(Event.BLOCKED_COMPLIANCE, Reason.REGION_NOT_PERMITTED, "region", detail)


def registered(_message: Message, facts: Facts, _now: datetime) -> Verdict:
    """Is a sender registered for it?"""
    if facts.standing is Standing.CLEAR:
        return ALLOW
    event, reason = _STANDINGS[facts.standing]
    return Block(event, reason, "registered")
