"""How does a tenant get something to send from? All of the new senders are added, or none.

check every one | write | commit | forget what was known | release what waited for it
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.fernet import InvalidToken
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from messaging import audit, registration
from messaging.domain.addresses import AddressProblem, region_of
from messaging.domain.errors import ConflictError, FieldProblem, InvalidRequestError
from messaging.domain.message import ProviderAccount, Sender
from messaging.domain.registration import answers_unless_said
from messaging.domain.sender_health import SenderState
from messaging.domain.sender_request import (
    Identity,
    SenderRequest,
    identify,
    problems_with,
    usual_capabilities,
    usual_mps,
)
from messaging.domain.warm_up import carrier_day
from messaging.runtime import Runtime
from messaging.settings import SettingsError
from messaging.store import fleet, registrations, senders
from messaging.store.fleet import DayLimit
from messaging.store.senders import Senders
from messaging.store.tenants import Tenant

_TAKEN = "is a sender of yours already, or was one that is retired"


def read(rt: Runtime, db: Connection, tenant: Tenant) -> Senders:
    """Everything a tenant may send from.

    Raises:
        SettingsError: its credentials were sealed with another key.
    """
    try:
        return senders.read(db, tenant.id, rt.sealer)
    except InvalidToken:
        raise SettingsError(
            "the credentials in this database were sealed with another POSTHORN_SECRET_KEY; set "
            "that one, or use another database"
        ) from None


@dataclass(slots=True)
class _Adding:
    """What new senders refer to by name, and what is wrong with them."""

    rt: Runtime
    tenant: Tenant
    accounts: dict[str, ProviderAccount]
    pools: dict[str, UUID]
    campaigns: dict[str, UUID]
    wrong: list[FieldProblem]
    made: list[Sender] = field(default_factory=list)
    on: dict[UUID, list[UUID]] = field(default_factory=dict)
    """The senders of each campaign."""
    limits: list[DayLimit] = field(default_factory=list)

    def note(self, at: str, name: str, code: str, detail: str) -> None:
        self.wrong.append(FieldProblem(f"{at}/{name}", code, detail))

    def account(self, name: str | None, at: str) -> ProviderAccount | None:
        if name is None and len(self.accounts) == 1:
            return next(iter(self.accounts.values()))
        found = self.accounts.get(name or "")
        if found is None:
            names = ", ".join(sorted(self.accounts)) or "none"
            said = "name one of your accounts" if name is None else "no account has this name"
            self.note(at, "account", "unknown_account", f"{said}; there are: {names}")
        return found

    def take(self, asked: SenderRequest, who: Identity, at: str) -> None:
        """Make a sender of a request, or note what is wrong with it."""
        self.wrong += problems_with(asked, who.channel, who.kind, at)
        account = self.account(asked.account, at)
        campaign = None if asked.campaign is None else self.campaigns.get(asked.campaign)
        if asked.campaign is not None and campaign is None:
            names = ", ".join(self.campaigns) or "none"
            detail = f"no 10DLC campaign of yours has this name; there are: {names}"
            self.note(at, "campaign", "unknown_campaign", detail)
        if account is None or self.wrong:
            return
        sender = self._sender(asked, who, account)
        self.made.append(sender)
        if campaign is not None:
            self.on.setdefault(campaign, []).append(sender.id)
        if asked.daily_recipients is not None or asked.ramp is not None:
            day = carrier_day(self.rt.now())
            limit = DayLimit(sender.id, asked.daily_recipients, asked.ramp, day)
            self.limits.append(limit)

    def _sender(self, asked: SenderRequest, who: Identity, account: ProviderAccount) -> Sender:
        numbered = who.address.startswith("+")
        return Sender(
            id=self.rt.new_id(),
            tenant_id=self.tenant.id,
            account_id=account.id,
            channel=who.channel,
            address=who.address,
            mps=asked.mps or usual_mps(who.kind),
            is_default=asked.is_default,
            pool_ids=frozenset(self.pools[name] for name in asked.pools),
            kind=who.kind,
            verification=asked.verification,
            reply_owner=asked.reply_owner or answers_unless_said(who.kind),
            provider_verification_id=asked.provider_verification_id,
            capabilities=asked.capabilities or usual_capabilities(who.channel),
            country=asked.country or (region_of(who.address) if numbered else None),
            owner=asked.owner,
            state=SenderState.FRESH,
        )


def add(
    rt: Runtime,
    tenant: Tenant,
    asked: Sequence[SenderRequest],
    at: Sequence[str] | None = None,
    wrong: Iterable[FieldProblem] = (),
) -> list[Sender]:
    """Add senders, all of them or none; pools that are new are made.

    `at` are pointers to the requests, for problems: `#/0` and so on, if none are given. `wrong` is
    what was found before; if there is any, nothing is added.

    Raises:
        InvalidRequestError: everything that is wrong with any of them.
        ConflictError: somebody else added one of them in this moment.
    """
    places = at if at is not None else [f"#/{i}" for i in range(len(asked))]
    try:
        with rt.engine.begin() as db:
            adding = _begin(rt, db, tenant, asked)
            adding.wrong += wrong
            for request, who, place in _identified(db, adding, asked, places):
                adding.take(request, who, place)
            if adding.wrong:
                raise InvalidRequestError(adding.wrong)
            _write(db, adding)
            _note(db, tenant, adding.made)
    except IntegrityError:
        raise ConflictError(f"one of these {_TAKEN}") from None
    registration.changed(rt, tenant.id)
    return adding.made


def _note(db: Connection, tenant: Tenant, made: Sequence[Sender]) -> None:
    """One line, however many there are in a file."""
    if made:
        target = str(made[0].id) if len(made) == 1 else f"{len(made)} senders"
        audit.note(db, tenant.id, "senders.added", target)


def _begin(rt: Runtime, db: Connection, tenant: Tenant, asked: Sequence[SenderRequest]) -> _Adding:
    accounts = read(rt, db, tenant).accounts.values()
    pools = fleet.pool_ids(db, tenant.id)
    for name in dict.fromkeys(name for request in asked for name in request.pools):
        if name not in pools:
            pools[name] = rt.new_id()
            senders.add_pool(db, tenant.id, pools[name], name)
    campaigns = fleet.campaign_ids(db, tenant.id)
    return _Adding(rt, tenant, {a.name: a for a in accounts}, pools, campaigns, [])


def _identified(
    db: Connection, adding: _Adding, asked: Sequence[SenderRequest], places: Sequence[str]
) -> list[tuple[SenderRequest, Identity, str]]:
    """Those whose address can be a new sender; the others are noted."""
    found = []
    for request, place in zip(asked, places, strict=True):
        who = identify(request.address, request.channel, adding.tenant.default_region)
        if isinstance(who, AddressProblem):
            adding.note(place, "address", who.code, who.detail)
        else:
            found.append((request, who, place))
    keys = [(who.channel, who.address) for _, who, _ in found]
    seen = fleet.taken(db, adding.tenant.id, keys)
    new = []
    for request, who, place in found:
        key = (who.channel, who.address)
        if key in seen:
            adding.note(place, "address", "taken", _TAKEN)
        else:
            new.append((request, who, place))
        seen.add(key)
    return new


def _write(db: Connection, adding: _Adding) -> None:
    if not adding.made:
        return
    tenant = adding.tenant
    senders.add_senders(db, adding.made)
    fleet.limit_days(db, adding.limits)
    for campaign, ids in adding.on.items():
        registrations.change_senders(db, tenant.id, ids, {"tendlc_campaign_id": campaign})
    registrations.clear(db, tenant.id)
