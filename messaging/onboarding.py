"""How does somebody become able to send? A tenant, a provider account, senders and their pool.

Adding what is there already is refused with a sentence; `development` is the exception: it may run at
every start and changes only what is missing or has moved.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

from messaging import accounts, audit, fleet
from messaging.accounts import NewAccount
from messaging.domain.errors import NotFoundError
from messaging.domain.message import DEVELOPMENT
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    SenderKind,
)
from messaging.domain.sender_request import SenderRequest
from messaging.runtime import Runtime
from messaging.store import accounts as account_store
from messaging.store import registrations, tenants
from messaging.store.registrations import Brand, TendlcCampaign
from messaging.store.senders import Senders
from messaging.store.tenants import Tenant, Weighed


def make_tenant(rt: Runtime, name: str, region: str = "US") -> Tenant:
    """The tenant called `name`, made if it is new.

    `region` is the country national numbers are read in (ISO 3166, two letters).
    """
    with rt.engine.begin() as db:
        found = tenants.find(db, name)
    if found is not None:
        return found
    made = Tenant(rt.new_id(), name, region)
    try:
        with rt.engine.begin() as db:
            tenants.add(db, made)
    except IntegrityError:  # somebody else made it in this moment
        return find_tenant(rt, name)
    return made


def find_tenant(rt: Runtime, name: str) -> Tenant:
    """The tenant called `name`.

    Raises:
        NotFoundError: there is none.
    """
    with rt.engine.connect() as db:
        found = tenants.find(db, name)
    if found is None:
        raise NotFoundError(f"there is no tenant {name!r}; an account added for it makes it")
    return found


def list_tenants(rt: Runtime) -> list[Weighed]:
    """Every tenant and its weight."""
    with rt.engine.connect() as db:
        return tenants.weighed(db)


def weigh(rt: Runtime, tenant: Tenant, weight: float) -> None:
    """Say how much of a lane a tenant gets while others wait in it too; 1 is usual."""
    with rt.engine.begin() as db:
        tenants.weigh(db, tenant.id, weight)
        audit.note(db, tenant.id, "weight.changed")


def list_senders(rt: Runtime, tenant: Tenant) -> Senders:
    """Everything a tenant may send from."""
    with rt.engine.connect() as db:
        return fleet.read(rt, db, tenant)


def development(
    rt: Runtime, account: NewAccount, new: Sequence[SenderRequest], *, pool: str, name: str
) -> Tenant:
    """A tenant that can send at once; safe to repeat. The account follows its `base_url`."""
    tenant = make_tenant(rt, name)
    known = list_senders(rt, tenant)
    mine = [a for a in known.accounts.values() if a.name == account.name]
    if not mine:
        mine = [accounts.add(rt, tenant, account)]
    elif mine[0].base_url != account.base_url:
        with rt.engine.begin() as db:
            account_store.move_account(db, mine[0].id, account.base_url)
    have = {sender.address for sender in known.senders}
    has_default = any(s.is_default and s.account_id == mine[0].id for s in known.senders)
    missing = [
        sender.model_copy(
            update={
                "account": account.name,
                "pools": [pool],
                "is_default": sender.is_default and not has_default,
            }
        )
        for sender in new
        if sender.address not in have
    ]
    if missing:
        fleet.add(rt, tenant, missing)
    _register(rt, tenant, {sender.address for sender in new})
    return tenant


def _register(rt: Runtime, tenant: Tenant, numbers: set[str]) -> None:
    """Put long codes that are on no campaign on one that development made up."""
    with rt.engine.begin() as db:
        bare = [
            sender
            for sender in fleet.read(rt, db, tenant).senders
            if sender.kind is SenderKind.LONG_CODE
            and sender.campaign is None
            and sender.address in numbers
        ]
        if not bare:
            return
        if registrations.campaign_id(db, tenant.id, DEVELOPMENT) is None:
            brand = Brand(DEVELOPMENT, BrandStatus.ACTIVE)
            registrations.put_brand(db, tenant.id, rt.new_id(), brand)
            campaign = TendlcCampaign(DEVELOPMENT, DEVELOPMENT, CampaignStatus.VERIFIED)
            registrations.put_campaign(db, tenant.id, rt.new_id(), campaign)
        on = {"tendlc_campaign_id": registrations.campaign_id(db, tenant.id, DEVELOPMENT)}
        registrations.change_senders(db, tenant.id, [sender.id for sender in bare], on)
    rt.forget(tenant.id)
