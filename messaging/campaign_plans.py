"""What would a campaign come to? Its texts, rules, prices and senders are asked as if it went out.

Up to ten thousand recipients are asked for, each by the same rules and the same choice of a sender as at
the claim; a larger campaign is reckoned up from those. Nothing is kept but the plan itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import campaign_drafts
from messaging.campaign_drafts import found
from messaging.campaign_reckoning import reckoned
from messaging.campaign_texts import Said, Writer, writer
from messaging.domain import addresses, audience
from messaging.domain.campaign import CampaignRequest, names, texts
from messaging.domain.errors import InvalidRequestError
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel, Message
from messaging.domain.warm_up import carrier_day
from messaging.foresight import Foreseen, Foresight
from messaging.runtime import Runtime, TenantSenders
from messaging.store import audience as audiences
from messaging.store import (
    bindings,
    campaign_recipients,
    campaigns,
    conversations,
    facts,
    reservations,
    sender_stats,
)
from messaging.store.campaign_recipients import Waiting
from messaging.store.campaigns import Campaign
from messaging.store.facts import Case, Person
from messaging.store.tenants import Tenant

ASKED = 10_000
"""Recipients the rules are asked about."""


@dataclass(slots=True)
class Asked:
    """Those that were asked about."""

    total: int
    """How many recipients there are."""
    count: int = 0
    """How many of them were asked about."""
    skipped: Counter[str] = field(default_factory=Counter)
    ready: list[tuple[datetime, Case]] = field(default_factory=list)
    """The others' messages, and when each would be queued by the campaign's pace."""

    @property
    def scale(self) -> float:
        """How many recipients each of them stands for."""
        return self.total / self.count if self.count else 1.0


def plan(rt: Runtime, tenant: Tenant, campaign_id: UUID) -> dict[str, Any]:
    """What a campaign that has not begun would come to; kept with it.

    Raises:
        NotFoundError: no such campaign of this tenant.
        InvalidRequestError: it cannot go out as it is, with each field.
    """
    with rt.engine.connect() as db:
        campaign = found(campaigns.find(db, tenant.id, campaign_id))
        made = _planned(rt, db, tenant, campaign)
        db.rollback()
    with rt.engine.begin() as db:
        campaigns.keep_plan(db, campaign.id, made)
    return made


def foretell(rt: Runtime, tenant: Tenant, request: CampaignRequest) -> dict[str, Any]:
    """What a campaign that nobody has made would come to; nothing of it is kept.

    Raises:
        InvalidRequestError: it could not be made, or could not go out as it is, with each field.
    """
    people = campaign_drafts.checked(rt, tenant, request)
    with rt.engine.connect() as db:
        campaign = campaign_drafts.keep(db, rt, tenant, request, people, name=str(rt.new_id()))
        made = _planned(rt, db, tenant, replace(campaign, name=request.name))
        db.rollback()
    return made


def _planned(rt: Runtime, db: Connection, tenant: Tenant, campaign: Campaign) -> dict[str, Any]:
    request = CampaignRequest.model_validate(campaign.request)
    written = writer(rt, tenant, request)
    if isinstance(written, list):
        raise InvalidRequestError(written)
    known, now = rt.senders_of(tenant.id), rt.now()
    at = max(campaign.scheduled_for or now, now)
    asked = _ask(rt, db, campaign, request, written, at)
    seen = _foresee(db, known, asked, at)
    return {
        "recipients": asked.total,
        "asked": asked.count,
        "skipped": {word: round(n * asked.scale) for word, n in sorted(asked.skipped.items())},
        **reckoned(
            seen, asked.scale, written.base, known, at, paced=campaign.per_minute is not None
        ),
    }


def _foresee(db: Connection, known: TenantSenders, asked: Asked, at: datetime) -> Foreseen:
    met = sender_stats.people_met(db, carrier_day(at))
    spent = reservations.spent_today(db, at)
    return Foresight(known, at, asked.scale, met, spent).of(asked.ready)


def _ask(
    rt: Runtime,
    db: Connection,
    campaign: Campaign,
    request: CampaignRequest,
    written: Writer,
    at: datetime,
) -> Asked:
    """Everything that the rules and the choice of a sender have to know of those that are asked about."""
    people, asked = _people(db, campaign, request, written)
    asked.count = len(people)
    spoken: list[tuple[int, Waiting, Message]] = []
    for place, who in enumerate(people, 1):
        said = written.write(who)
        if isinstance(said, str):
            asked.skipped[said] += 1
        else:
            spoken.append((place, who, _message(rt, campaign, written, who, said, at)))
    days = rt.senders_of(campaign.tenant_id).policy.content.notice_days
    persons = [
        Person(m.tenant_id, m.channel, m.recipient_key, m.category, days, at) for _, _, m in spoken
    ]
    tenant_id, channel = campaign.tenant_id, written.base.channel
    sticky = conversations.senders(db, tenant_id, channel, [p.recipient_key for p in persons])
    leads = {lead for _, who, _ in spoken if (lead := who.about.get("lead"))}
    bound = bindings.lead_senders(db, tenant_id, leads)
    known = facts.of_people(db, persons)
    for (place, who, message), (of_person, _) in zip(spoken, known, strict=True):
        lead_sender = bound.get(who.about.get("lead", ""))
        case = Case(message, of_person, sticky.get(message.recipient_key), lead_sender)
        wait = place * asked.scale / campaign.per_minute if campaign.per_minute else 0.0
        asked.ready.append((at + timedelta(minutes=wait), case))
    return asked


def _people(
    db: Connection, campaign: Campaign, request: CampaignRequest, written: Writer
) -> tuple[list[Waiting], Asked]:
    """Those to be asked about, and how many there are; what is written for it is rolled back."""
    total = campaign.targets
    if request.audience is not None and not total:
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
    return people, Asked(total - campaign.expanded_to)


def _message(
    rt: Runtime, campaign: Campaign, written: Writer, who: Waiting, said: Said, at: datetime
) -> Message:
    base, key, about = written.base, who.recipient_key, who.about
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
        time_zone=about.get("time_zone"),
        postal_code=about.get("postal_code"),
        campaign=campaign.name,
        source=base.source or about.get("source"),
        agent=base.agent or about.get("agent"),
        template=base.template,
        parts=said.parts,
    )
