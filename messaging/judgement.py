"""What stands around `compliance.judge`: the facts only a process knows, and the record of the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from messaging import providers
from messaging.domain import candidates
from messaging.domain.candidates import Candidates
from messaging.domain.compliance import (
    Allow,
    Block,
    Defer,
    Facts,
    Verdict,
    jurisdictions,
    places,
    rules,
)
from messaging.domain.message import Category, Message
from messaging.domain.registration import Standing
from messaging.runtime import TenantSenders
from messaging.store.verdicts import Judgement

VERSION = f"{rules.VERSION}/{jurisdictions.RULESET}"
"""Of the rules and of the law's data; kept with every verdict."""


def complete(facts: Facts, message: Message, known: TenantSenders, country: str | None) -> None:
    """Add to gathered facts what does not stand in rows of the recipient: policy and senders."""
    facts.policy = known.policy
    facts.home = known.home
    serving = candidates_for(message, known, country)
    standing, campaign = candidates.standing_of(message, serving, country)
    facts.standing = standing
    if campaign is not None:
        facts.has_links = campaign.has_links
        facts.has_phone_numbers = campaign.has_phone_numbers
        facts.age_gated = campaign.age_gated
    if message.pool_id is not None:
        facts.regions = known.regions_of(message.pool_id)
    elif standing is Standing.NO_SENDER:
        anybody, _ = candidates.standing_of(message, _anywhere(message, known), country)
        if anybody is not Standing.NO_SENDER:  # there are senders, in pools that do not serve it
            facts.regions = frozenset()
    if message.flash:
        facts.flash_offered = offers_flash(known)
    if message.template is not None:
        facts.template_paused = known.paused_templates.get(message.template)
    if message.campaign is not None:
        facts.campaign_paused = known.paused_campaigns.get(message.campaign)


def candidates_for(message: Message, known: TenantSenders, country: str | None) -> Candidates:
    """Whom a message may leave from, as far as countries of pools go; a named sender is as it is."""
    if message.sender_id is not None or not message.channel.by_phone:
        return _anywhere(message, known)
    accounts = _accounts(message, known)
    return known.reaching(country) if accounts is None else known.reaching(country, accounts)


def _anywhere(message: Message, known: TenantSenders) -> Candidates:
    accounts = _accounts(message, known)
    return known.candidates if accounts is None else known.among(accounts)


def _accounts(message: Message, known: TenantSenders) -> frozenset[UUID] | None:
    """The provider accounts it may leave through; None for all. Our own answers go back where one wrote to."""
    if message.sandboxed:
        return known.sandboxes
    return known.live if known.live and message.purpose is None else None


def offers_flash(known: TenantSenders) -> bool:
    """Whether a provider of this tenant's can carry a flash message."""
    adapters = (providers.find(account.provider) for account in known.accounts.values())
    return any(adapter is not None and adapter.flash for adapter in adapters)


def judgement(
    stage: str, message: Message, facts: Facts, verdict: Verdict, now: datetime
) -> Judgement:
    """A verdict as it is kept, with the inputs that were not the ordinary case."""
    row = Judgement(
        now,
        message.tenant_id,
        message.id,
        None,
        stage,
        "allow",
        VERSION,
        inputs=_inputs(message, facts),
    )
    match verdict:
        case Allow(until=until):
            row.until = until
        case Defer(until=until, reason=reason, rule=rule, detail=detail):
            row.outcome, row.until, row.reason, row.rule = "defer", until, reason, rule
            row.detail = detail or None
        case Block(reason=reason, rule=rule, detail=detail):
            row.outcome, row.reason, row.rule = "block", reason, rule
            row.detail = detail or None
    return row


def _inputs(message: Message, facts: Facts) -> dict[str, Any] | None:
    """What the rules saw, without an address or a body."""
    seen: dict[str, Any] = {}
    if facts.suppression is not None:
        seen["suppression"] = facts.suppression
    if facts.line is not None:
        seen["line"] = facts.line
    if facts.standing is not Standing.CLEAR:
        seen["standing"] = facts.standing
    if message.purpose is not None:
        seen["purpose"] = message.purpose
    if message.flash:
        seen["flash"] = True
    if message.content is not None:
        seen["content"] = message.content
    if message.category is Category.MARKETING:
        place = places.place_of(message)
        seen |= {
            "country": place.country,
            "states": sorted(place.states),
            "zones": place.zones,
            "zones_from": place.basis,
            "consent": facts.consent,
            "consent_policy": facts.policy.marketing_consent,
            "recent": len(facts.recent),
        }
        if facts.dnc_listed is not None:
            seen["dnc_listed"] = facts.dnc_listed
    return seen or None
