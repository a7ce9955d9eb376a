"""Questions about the text: may this be said, in this way, there?"""

from __future__ import annotations

from datetime import datetime, timedelta

from messaging.domain.compliance import content, links, regulated, telephones
from messaging.domain.compliance.facts import Facts
from messaging.domain.compliance.places import place_of
from messaging.domain.compliance.verdicts import ALLOW, Block, Defer, Reason, Verdict
from messaging.domain.lifecycle import Event
from messaging.domain.message import Category, Channel, Message


def flash(message: Message, facts: Facts, _now: datetime) -> Verdict:
    """May this be shown at once and not kept? (GSM 03.38, class 0)."""
    if not message.flash:
        return ALLOW
    reason = content.flash_problem(message.body, message.segments)
    if reason is None and not facts.flash_offered:
        reason = Reason.FLASH_NOT_OFFERED
    if reason is None:
        return ALLOW
    return Block(Event.BLOCKED_COMPLIANCE, reason, "flash")


def linked(message: Message, facts: Facts, _now: datetime) -> Verdict:
    """Do its links say where they lead, and were they declared? (CTIA 5.3, of texts to phones)."""
    if not message.channel.by_phone:
        return ALLOW
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


def declared_content(message: Message, facts: Facts, _now: datetime) -> Verdict:
    """May what it says it is about be written there? (CTIA 5.2)."""
    if message.content is None or not message.channel.by_phone:
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


def postal_address(message: Message, facts: Facts, _now: datetime) -> Verdict:
    """Does marketing by e-mail say where its sender can be written to? (15 USC 7704(a)(5)(A)(iii)).

    The address is the policy's and is put under the e-mail when it is sent, so nobody forgets it.
    """
    if message.channel is not Channel.EMAIL or message.category is not Category.MARKETING:
        return ALLOW
    if facts.policy.postal_address.strip():
        return ALLOW
    return Block(Event.BLOCKED_COMPLIANCE, Reason.NO_POSTAL_ADDRESS, "postal_address")


_LOOK_AGAIN = timedelta(minutes=15)


def template(_message: Message, facts: Facts, now: datetime) -> Verdict:
    """Is this text, or its campaign, paused? Either waits until somebody resumes it."""
    if facts.campaign_paused is not None:
        until = now + _LOOK_AGAIN
        return Defer(until, Reason.CAMPAIGN_PAUSED, "template", facts.campaign_paused)
    if facts.template_paused is None:
        return ALLOW
    return Defer(now + _LOOK_AGAIN, Reason.TEMPLATE_PAUSED, "template", facts.template_paused)
