"""How does somebody become able to send? A tenant, a provider account, senders and their pool.

Adding what is there already is refused with a sentence; `development` is the exception: it may run at
every start and changes only what is missing or has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from cryptography.fernet import InvalidToken
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from messaging import providers
from messaging.domain.addresses import AddressProblem, normalise
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
)
from messaging.domain.message import DEVELOPMENT, Channel, ProviderAccount, Sender
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    ReplyOwner,
    SenderKind,
    answers_unless_said,
    kind_of,
)
from messaging.runtime import Runtime
from messaging.settings import SettingsError
from messaging.store import registrations, senders, tenants
from messaging.store.registrations import Brand, TendlcCampaign
from messaging.store.senders import Senders
from messaging.store.tenants import Tenant

BASE_URLS = {"twilio": "https://api.twilio.com"}
"""Where a provider is reached when an account does not say otherwise."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Credentials at a provider, before they have an id."""

    provider: str
    name: str
    username: str
    secret: str
    base_url: str = ""
    """Empty: the provider's own address."""
    max_in_flight: int = 100
    absence_proof: timedelta = timedelta(minutes=10)

    def __repr__(self) -> str:
        return f"NewAccount({self.provider}/{self.name})"


@dataclass(frozen=True, slots=True)
class NewSender:
    """A number to send from, before it has an id."""

    address: str
    mps: float = 1.0
    """Message segments a second the provider lets it send."""
    is_default: bool = False


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


def add_account(rt: Runtime, tenant: Tenant, new: NewAccount) -> ProviderAccount:
    """Store credentials; the secret is sealed first.

    Raises:
        InvalidRequestError: no such provider.
        ConflictError: the tenant has an account of this name.
    """
    if new.provider not in providers.PROVIDERS:
        known = ", ".join(sorted(providers.PROVIDERS))
        problem = FieldProblem("#/provider", "unknown_provider", f"must be one of {known}")
        raise InvalidRequestError([problem])
    account = ProviderAccount(
        id=rt.new_id(),
        tenant_id=tenant.id,
        provider=new.provider,
        name=new.name,
        base_url=new.base_url or BASE_URLS[new.provider],
        username=new.username,
        secret=new.secret,
        max_in_flight=new.max_in_flight,
        absence_proof=new.absence_proof,
    )
    try:
        with rt.engine.begin() as db:
            senders.add_account(db, account, rt.sealer)
    except IntegrityError:
        raise ConflictError(f"this tenant has an account called {new.name!r} already") from None
    return account


def add_senders(
    rt: Runtime,
    tenant: Tenant,
    account: str,
    new: Sequence[NewSender],
    *,
    pool: str | None = None,
    campaign: str | None = None,
    reply_owner: ReplyOwner | None = None,
) -> list[Sender]:
    """Add numbers to an account, to `pool`, which is made if it is new, and to a 10DLC `campaign`.

    `reply_owner` answers STOP and HELP on them: who their kind says, if nobody else is named.

    Raises:
        InvalidRequestError: an address is no phone number, or a rate is not positive.
        NotFoundError: the tenant has no account or no campaign of that name.
        ConflictError: one of the numbers is a sender of this tenant already.
    """
    addresses = _addresses(new, tenant.default_region)
    try:
        with rt.engine.begin() as db:
            known = _read(rt, db, tenant)
            accounts = {a.name: a for a in known.accounts.values()}
            if account not in accounts:
                names = ", ".join(sorted(accounts)) or "none"
                raise NotFoundError(f"no account is called {account!r}; there are: {names}")
            pools = frozenset({_pool(rt, db, tenant, known, pool)} if pool else ())
            registered = _campaign(db, tenant, campaign) if campaign else None
            made = [
                Sender(
                    id=rt.new_id(),
                    tenant_id=tenant.id,
                    account_id=accounts[account].id,
                    channel=Channel.SMS,
                    address=address,
                    mps=sender.mps,
                    healthy=True,
                    is_default=sender.is_default,
                    pool_ids=pools,
                    kind=kind_of(address),
                    reply_owner=reply_owner or answers_unless_said(kind_of(address)),
                )
                for sender, address in zip(new, addresses, strict=True)
            ]
            senders.add_senders(db, made)
            if registered is not None:
                _attach(db, tenant, made, registered)
            registrations.clear(db, tenant.id)
    except IntegrityError:
        raise ConflictError("one of these numbers is a sender of this tenant already") from None
    return made


def _addresses(new: Sequence[NewSender], region: str) -> list[str]:
    found, problems = [], []
    for i, sender in enumerate(new):
        address = normalise(sender.address, region)
        if isinstance(address, AddressProblem):
            problems.append(FieldProblem(f"#/{i}/address", address.code, address.detail))
        else:
            found.append(address)
        if sender.mps <= 0:
            problems.append(FieldProblem(f"#/{i}/mps", "not_positive", "must be more than 0"))
    if problems:
        raise InvalidRequestError(problems)
    return found


def _pool(rt: Runtime, db: Connection, tenant: Tenant, known: Senders, name: str) -> UUID:
    if name in known.pools:
        return known.pools[name]
    made = rt.new_id()
    senders.add_pool(db, tenant.id, made, name)
    return made


def _campaign(db: Connection, tenant: Tenant, name: str) -> UUID:
    found = registrations.campaign_id(db, tenant.id, name)
    if found is None:
        known = ", ".join(c.name for c in registrations.campaigns(db, tenant.id)) or "none"
        raise NotFoundError(f"no 10DLC campaign is called {name!r}; there are: {known}")
    return found


def _attach(db: Connection, tenant: Tenant, on: Sequence[Sender], campaign: UUID) -> None:
    ids = [sender.id for sender in on]
    registrations.change_senders(db, tenant.id, ids, {"tendlc_campaign_id": campaign})


def list_senders(rt: Runtime, tenant: Tenant) -> Senders:
    """Everything a tenant may send from."""
    with rt.engine.connect() as db:
        return _read(rt, db, tenant)


def _read(rt: Runtime, db: Connection, tenant: Tenant) -> Senders:
    try:
        return senders.read(db, tenant.id, rt.sealer)
    except InvalidToken:
        raise SettingsError(
            "the credentials in this database were sealed with another POSTHORN_SECRET_KEY; set "
            "that one, or use another database"
        ) from None


def development(
    rt: Runtime, account: NewAccount, new: Sequence[NewSender], *, pool: str, name: str
) -> Tenant:
    """A tenant that can send at once; safe to repeat. The account follows its `base_url`."""
    tenant = make_tenant(rt, name)
    known = list_senders(rt, tenant)
    mine = [a for a in known.accounts.values() if a.name == account.name]
    if not mine:
        mine = [add_account(rt, tenant, account)]
    elif mine[0].base_url != account.base_url:
        with rt.engine.begin() as db:
            senders.move_account(db, mine[0].id, account.base_url)
    have = {sender.address for sender in known.senders}
    has_default = any(sender.is_default for sender in known.senders)
    missing = [
        replace(sender, is_default=sender.is_default and not has_default)
        for sender in new
        if sender.address not in have
    ]
    if missing:
        add_senders(rt, tenant, account.name, missing, pool=pool)
    _register(rt, tenant, {sender.address for sender in new})
    return tenant


def _register(rt: Runtime, tenant: Tenant, numbers: set[str]) -> None:
    """Put long codes that are on no campaign on one that development made up."""
    with rt.engine.begin() as db:
        bare = [
            sender
            for sender in _read(rt, db, tenant).senders
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
        _attach(db, tenant, bare, _campaign(db, tenant, DEVELOPMENT))
    rt.forget(tenant.id)
