"""What would a campaign come to? Its texts, rules, prices and senders are asked as if it went out.

Up to ten thousand recipients are asked for, each by the same rules as at the claim; a larger campaign is
reckoned up from those. Nothing is kept but the plan itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging.campaign_drafts import found
from messaging.campaign_texts import Said, Writer, writer
from messaging.domain import addresses, audience, compliance, pricing
from messaging.domain.campaign import CampaignRequest, names, texts
from messaging.domain.compliance import Block, Defer
from messaging.domain.compliance.places import place_of
from messaging.domain.errors import InvalidRequestError
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel, Message, Sender
from messaging.judgement import complete
from messaging.runtime import Runtime, TenantSenders
from messaging.store import audience as audiences
from messaging.store import campaign_recipients, campaigns, facts
from messaging.store.campaign_recipients import Waiting
from messaging.store.campaigns import Campaign
from messaging.store.facts import Person
from messaging.store.tenants import Tenant

ASKED = 10_000
"""Recipients the rules are asked about."""


@dataclass
class _Sum:
    """What was found of those that were asked about."""

    skipped: Counter[str] = field(default_factory=Counter)
    blocked: Counter[str] = field(default_factory=Counter)
    deferred: Counter[str] = field(default_factory=Counter)
    last: datetime | None = None
    """When the last of those that wait may go."""
    people: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    """Of those that would be sent, by country."""


def plan(rt: Runtime, tenant: Tenant, campaign_id: UUID) -> dict[str, Any]:
    """What a campaign that has not begun would come to; kept with it.

    Raises:
        NotFoundError: no such campaign of this tenant.
        InvalidRequestError: it cannot go out as it is, with each field.
    """
    with rt.engine.connect() as db:
        campaign = found(campaigns.find(db, tenant.id, campaign_id))
        request = CampaignRequest.model_validate(campaign.request)
        written = writer(rt, tenant, request)
        if isinstance(written, list):
            raise InvalidRequestError(written)
        people, total = _people(db, campaign, request, written)
        known, now = rt.senders_of(tenant.id), rt.now()
        at = max(campaign.scheduled_for or now, now)
        summed = _ask(rt, db, campaign, written, people, known, at)
        db.rollback()
    made = _reckoned(summed, total, len(people), request, written, known, at)
    with rt.engine.begin() as db:
        campaigns.keep_plan(db, campaign.id, made)
    return made


def _people(
    db: Connection, campaign: Campaign, request: CampaignRequest, written: Writer
) -> tuple[list[Waiting], int]:
    """Those to be asked about, and how many there are; what is written for it is rolled back."""
    total = campaign.targets
    if request.audience is not None and campaign.snapshot_at is None:
        meant, spoken = audience.parse(request.audience), texts(request)
        if isinstance(meant, list) or isinstance(spoken, list):
            raise AssertionError("it was checked when the campaign was made")
        where = audiences.where(campaign.tenant_id, meant)
        on = Channel.SMS if request.channel.by_phone else request.channel
        total = audiences.reach(db, campaign.tenant_id, meant, on).recipients
        campaign_recipients.snapshot(
            db, campaign.id, request.channel, names(spoken), where, most=ASKED
        )
    days = written.introduces
    marketing = None if days is None else (campaign.tenant_id, request.channel, days)
    people = campaign_recipients.waiting(db, campaign.id, campaign.expanded_to, ASKED, marketing)
    return people, total - campaign.expanded_to


def _ask(
    rt: Runtime,
    db: Connection,
    campaign: Campaign,
    written: Writer,
    people: list[Waiting],
    known: TenantSenders,
    at: datetime,
) -> _Sum:
    summed = _Sum()
    messages = []
    for who in people:
        said = written.write(who)
        if isinstance(said, str):
            summed.skipped[said] += 1
        else:
            messages.append(_message(rt, campaign, written, who, said, at))
    days = known.policy.content.notice_days
    persons = [
        Person(m.tenant_id, m.channel, m.recipient_key, m.category, days, at) for m in messages
    ]
    for message, (of_person, _) in zip(messages, facts.of_people(db, persons), strict=True):
        country = place_of(message).country
        complete(of_person, message, known, country)
        of_person.campaign_paused = None  # that is what a plan is made before
        verdict = compliance.judge(message, of_person, at)
        if isinstance(verdict, Block):
            summed.blocked[verdict.reason.value] += 1
            continue
        if isinstance(verdict, Defer):
            summed.deferred[verdict.reason.value] += 1
            summed.last = max(summed.last or verdict.until, verdict.until)
        summed.people[country or ""] += 1
        summed.segments[country or ""] += message.segments
    return summed


def _message(
    rt: Runtime, campaign: Campaign, written: Writer, who: Waiting, said: Said, at: datetime
) -> Message:
    base, key = written.base, who.recipient_key
    if base.channel is Channel.MMS:
        key = addresses.key(rt.settings.pepper, base.channel.value, who.address)
    return Message(
        id=rt.new_id(),
        tenant_id=campaign.tenant_id,
        channel=base.channel,
        recipient=who.address,
        recipient_key=key,
        body=said.body,
        segments=said.segments,
        category=base.category,
        priority=base.priority,
        status=Status.QUEUED,
        epoch=0,
        attempts=0,
        created_at=at,
        expires_at=base.expires_at,
        sender_id=base.sender_id,
        pool_id=base.pool_id,
        flash=base.flash,
        content=base.content,
        time_zone=who.about.get("time_zone"),
        postal_code=who.about.get("postal_code"),
        campaign=campaign.name,
        template=base.template,
        parts=said.parts,
    )


def _reckoned(
    summed: _Sum,
    total: int,
    asked: int,
    request: CampaignRequest,
    written: Writer,
    known: TenantSenders,
    at: datetime,
) -> dict[str, Any]:
    scale = total / asked if asked else 0.0
    senders = _senders(written, known)
    mps = sum(sender.mps for sender in senders)
    segments = round(summed.segments.total() * scale)
    sent = round(summed.people.total() * scale)
    seconds = segments / mps if mps else None
    if seconds is not None and request.per_minute is not None:
        seconds = max(seconds, 60 * sent / request.per_minute)
    ends = None if seconds is None else max(at + timedelta(seconds=seconds), summed.last or at)
    prices = _prices(summed, senders, written, known, scale)
    return {
        "recipients": total,
        "asked": asked,
        "to_send": sent,
        "segments": segments,
        "skipped": _scaled(summed.skipped, scale),
        "blocked": _scaled(summed.blocked, scale),
        "deferred": _scaled(summed.deferred, scale),
        "countries": {
            country or "unknown": {
                "recipients": round(n * scale),
                "segments": round(summed.segments[country] * scale),
                "cost": prices[country],
            }
            for country, n in sorted(summed.people.items())
        },
        "cost": _total(prices, known),
        "senders": {s.address: round(segments * s.mps / mps) for s in senders} if mps else {},
        "seconds": None if seconds is None else round(seconds, 1),
        "earliest_finish": ends.isoformat() if ends else None,
    }


def _scaled(counts: Counter[str], scale: float) -> dict[str, int]:
    return {word: round(n * scale) for word, n in sorted(counts.items())}


def _senders(written: Writer, known: TenantSenders) -> list[Sender]:
    """Whom its messages may leave from unasked, as far as that is known beforehand."""
    base = written.base
    return [
        sender
        for sender in known.candidates.by_id.values()
        if sender.channel is base.channel or (sender.channel.by_phone and base.channel.by_phone)
        if (base.sender_id is None and sender.healthy) or sender.id == base.sender_id
        if base.pool_id is None or base.pool_id in sender.pool_ids
    ]


def _prices(
    summed: _Sum, senders: list[Sender], written: Writer, known: TenantSenders, scale: float
) -> dict[str, dict[str, str] | None]:
    """By country, the least and the most it may cost; None where there is no price."""
    prices: dict[str, dict[str, str] | None] = {}
    providers = {known.accounts[sender.account_id].provider for sender in senders}
    for country, n in summed.segments.items():
        span = None
        if known.card is not None:
            count, channel = round(n * scale), written.base.channel
            span = pricing.range_of(count, providers, channel, country or None, known.card)
        prices[country] = None if span is None else {"min": str(span[0]), "max": str(span[1])}
    return prices


def _total(prices: dict[str, dict[str, str] | None], known: TenantSenders) -> dict[str, str] | None:
    spans = [span for span in prices.values() if span is not None]
    if known.card is None or len(spans) < len(prices) or not spans:
        return None
    least, most = (sum((Decimal(s[end]) for s in spans), Decimal(0)) for end in ("min", "max"))
    return {"currency": known.card.currency, "min": str(least), "max": str(most)}
