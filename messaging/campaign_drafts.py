"""What does a campaign become when it is asked for? A draft, and the people it is to."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging.campaign_texts import writer
from messaging.domain import addresses, audience
from messaging.domain import campaign as asking
from messaging.domain.addresses import AddressProblem
from messaging.domain.campaign import CampaignRequest, Recipient
from messaging.domain.campaign_states import CampaignState
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from messaging.domain.message import Channel
from messaging.domain.recipients import address_of
from messaging.runtime import Runtime
from messaging.store import campaign_recipients, campaigns
from messaging.store.campaign_recipients import NewRecipient
from messaging.store.campaigns import Campaign
from messaging.store.tenants import Tenant

_MOST_PROBLEMS = 100


def create(rt: Runtime, tenant: Tenant, request: CampaignRequest) -> Campaign:
    """Keep a draft.

    Raises:
        InvalidRequestError: something of it is wrong, with each field.
        ConflictError: there is a campaign of that name.
    """
    people = checked(rt, tenant, request)
    with rt.engine.begin() as db:
        return keep(db, rt, tenant, request, people, name=request.name)


def checked(rt: Runtime, tenant: Tenant, request: CampaignRequest) -> list[NewRecipient]:
    """The people a request names, if nothing is wrong with it.

    Raises:
        InvalidRequestError: something is, with each field.
    """
    problems = problems_of(rt, tenant, request)
    people = people_of(rt, tenant, request.channel, request.recipients or [], problems)
    if problems:
        raise InvalidRequestError(problems[:_MOST_PROBLEMS])
    return people


def keep(
    db: Connection,
    rt: Runtime,
    tenant: Tenant,
    request: CampaignRequest,
    people: Sequence[NewRecipient],
    *,
    name: str,
) -> Campaign:
    """Write a draft down.

    Raises:
        ConflictError: there is a campaign of that name.
    """
    id_ = rt.new_id()
    kept = campaigns.add(
        db,
        tenant.id,
        id_,
        name=name,
        request=request.kept(),
        per_minute=request.per_minute,
        canary=request.canary.size if request.canary else None,
        pause_on_error_share=request.pause_on_error_share,
        scheduled_for=request.scheduled_for,
    )
    if not kept:
        raise ConflictError("you have a campaign of this name; give this one another")
    if people:
        added = campaign_recipients.add(db, id_, 0, people)
        campaigns.note(db, id_, targets=added)
    return found(campaigns.find(db, tenant.id, id_))


def problems_of(rt: Runtime, tenant: Tenant, request: CampaignRequest) -> list[FieldProblem]:
    """Everything that is wrong with a request but its recipients' addresses."""
    written = writer(rt, tenant, request)
    problems = list(written) if isinstance(written, list) else []
    if request.audience is not None and request.recipients is not None:
        detail = "names people twice; give an audience or recipients"
        problems.append(FieldProblem("#/recipients", "not_together", detail))
    if request.audience is not None:
        meant = audience.parse(request.audience, "#/audience")
        problems += meant if isinstance(meant, list) else []
    texts = asking.texts(request)
    if not isinstance(texts, list):
        known = None
        if request.recipients:
            known = frozenset(name for who in request.recipients for name in who.fields)
        if request.audience is not None or known is not None:
            problems += asking.unknown(texts, known)
    return problems


def people_of(
    rt: Runtime,
    tenant: Tenant,
    channel: Channel,
    people: Sequence[Recipient],
    problems: list[FieldProblem],
) -> list[NewRecipient]:
    """Recipients as they are written down; what is wrong with the others is added to `problems`."""
    listed, pepper = [], rt.settings.pepper
    for i, who in enumerate(people):
        address = address_of(channel, who.to, tenant.default_region)
        if isinstance(address, AddressProblem):
            problems.append(FieldProblem(f"#/recipients/{i}/to", address.code, address.detail))
            continue
        key = addresses.key(pepper, channel.value, address)
        about = {"lead": who.lead} if who.lead else None
        listed.append(NewRecipient(key, address, who.fields, about))
    return listed


def add_recipients(
    rt: Runtime, tenant: Tenant, campaign_id: UUID, people: Sequence[Recipient]
) -> tuple[Campaign, int]:
    """Add people to a draft, each once; the campaign, and how many of them are new.

    Raises:
        NotFoundError: no such campaign of this tenant.
        ConflictError: it has been started, or is to an audience.
        InvalidRequestError: some are no addresses of its channel; then none is added.
    """
    with rt.engine.begin() as db:
        campaign = mine(db, tenant, campaign_id)
        if campaign.state is not CampaignState.DRAFT or "audience" in campaign.request:
            raise ConflictError("recipients are added to drafts that are to no audience")
        problems: list[FieldProblem] = []
        channel = Channel(campaign.request.get("channel", Channel.SMS.value))
        listed = people_of(rt, tenant, channel, people, problems)
        if problems:
            raise InvalidRequestError(problems[:_MOST_PROBLEMS])
        added = campaign_recipients.add(db, campaign.id, campaign.targets, listed)
        campaigns.note(db, campaign.id, targets=campaign.targets + added)
        return found(campaigns.find(db, tenant.id, campaign.id)), added


def mine(db: Connection, tenant: Tenant, campaign_id: UUID) -> Campaign:
    """One of the tenant's, locked.

    Raises:
        NotFoundError: no such campaign of this tenant.
    """
    return found(campaigns.find(db, tenant.id, campaign_id, lock=True))


def found(campaign: Campaign | None) -> Campaign:
    """It, if there is one; else `NotFoundError`."""
    if campaign is None:
        raise NotFoundError("no campaign of yours has this id")
    return campaign
