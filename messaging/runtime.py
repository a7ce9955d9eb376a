"""What every use case is handed first: connections, the clock, ids and dice.

One `Runtime` per process, made after any fork. Nothing else reads a clock or makes an id.
"""

from __future__ import annotations

import base64
import gc
import random
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic
from uuid import UUID

import redis
from cryptography.fernet import Fernet
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from messaging import queues, store
from messaging.blame import Blame
from messaging.breakers import Breakers
from messaging.domain.balance import Balance
from messaging.domain.bindings import Bindings
from messaging.domain.candidates import Candidates
from messaging.domain.compliance.policy import Policy
from messaging.domain.fairness import Turns
from messaging.domain.headroom import Headroom
from messaging.domain.message import ProviderAccount, Queue
from messaging.domain.pricing import Card
from messaging.domain.sandboxes import is_sandbox, live
from messaging.queues import Hints
from messaging.rates import Rates
from messaging.settings import Settings
from messaging.store import prices, senders, tenants
from messaging.store.senders import Pool, Senders
from messaging.telemetry import Counters
from messaging.velocity import Velocity

DatabaseError = DBAPIError
"""What a use case raises when Postgres is away or refuses."""
STALE_FOR = timedelta(seconds=2)
"""How long a process may go on by what it knew of a tenant before a change."""


@dataclass(frozen=True, slots=True)
class TenantSenders:
    """A tenant's senders, grouped for selection, their accounts, and what the tenant decided."""

    candidates: Candidates
    accounts: dict[UUID, ProviderAccount]
    names: dict[str, UUID]
    """Senders by address and by id, as a caller may name them."""
    pools: dict[str, UUID]
    """Pools by name."""
    pool_settings: dict[UUID, Pool]
    bindings: Bindings
    headroom: Headroom
    """How much room each sender has, as this process knows it."""
    balance: Balance
    """Whose turn it is among several provider accounts."""
    policy: Policy
    home: str
    """The tenant's own country."""
    read_at: float
    tiers: tuple[frozenset[UUID], ...] = ()
    """Provider accounts to be asked first: the tenant's choice, then the system's."""
    paused_templates: dict[str, str] = field(default_factory=dict)
    """Texts that wait, and why."""
    card: Card | None = None
    """What its messages cost; None if it is not billed."""
    paused_campaigns: dict[str, str] = field(default_factory=dict)
    """Campaigns that wait, and why."""
    sandboxes: frozenset[UUID] = frozenset()
    """Provider accounts that can reach nobody."""
    live: frozenset[UUID] = frozenset()
    """The others, where some are kept for tests only; empty where every account is for everything."""
    _reaching: dict[tuple[str | None, frozenset[UUID] | None], Candidates] = field(
        default_factory=dict, repr=False
    )
    _among: dict[frozenset[UUID], Candidates] = field(default_factory=dict, repr=False)

    def reaching(self, country: str | None, accounts: frozenset[UUID] | None = None) -> Candidates:
        """The senders that may be chosen unasked for a country: in no pool, or in one that serves it.

        With `accounts` only those of these provider accounts.
        """
        among = self.candidates if accounts is None else self.among(accounts)
        if all(pool.regions is None for pool in self.pool_settings.values()):
            return among
        found = self._reaching.get((country, accounts))
        if found is None:
            everybody = among.by_id.values()
            found = Candidates.of(s for s in everybody if self._serves(s.pool_ids, country))
            self._reaching[country, accounts] = found
        return found

    def among(self, accounts: frozenset[UUID]) -> Candidates:
        """The senders of some provider accounts."""
        found = self._among.get(accounts)
        if found is None:
            mine = (s for s in self.candidates.by_id.values() if s.account_id in accounts)
            found = self._among[accounts] = Candidates.of(mine)
        return found

    def _serves(self, pool_ids: frozenset[UUID], country: str | None) -> bool:
        limits = (self.regions_of(pool_id) for pool_id in pool_ids)
        return not pool_ids or any(limit is None or country in limit for limit in limits)

    def regions_of(self, pool_id: UUID) -> frozenset[str] | None:
        """Where a pool may write to (ISO 3166); None is wherever the tenant may."""
        pool = self.pool_settings.get(pool_id)
        return None if pool is None else pool.regions


@dataclass
class Runtime:
    """One process's connections and its sources of time, ids and randomness."""

    settings: Settings
    engine: Engine
    redis: redis.Redis
    hints: Hints
    rates: Rates
    velocity: Velocity
    counters: Counters
    sealer: Fernet
    rng: random.Random
    turns: dict[Queue, Turns] = field(default_factory=lambda: {queue: Turns() for queue in Queue})
    """Whose turn it is in each lane."""
    _directory: dict[UUID, TenantSenders] = field(default_factory=dict)
    _forgotten: int = 0
    _free_at: dict[UUID, float] = field(default_factory=dict)
    _full_until: dict[UUID, float] = field(default_factory=dict)
    _moved: dict[UUID, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """What goes by this process's clock is made last."""
        self.breakers = Breakers(self.redis, lambda: self.now().timestamp())
        self.blame = Blame(self.redis, lambda: self.now().timestamp())

    @classmethod
    def start(cls, settings: Settings, *, name: str, seed: int | None = None) -> Runtime:
        """Connect lazily; nothing is contacted until it is needed.

        `name` is the process's role, as databases show it; `seed` makes the dice repeatable.
        """
        client = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=0.25,
            socket_connect_timeout=0.3,
            retry=Retry(NoBackoff(), 0),
        )
        return cls(
            settings=settings,
            engine=store.connect(settings.database_url, name=name),
            redis=client,
            hints=Hints(queues.publisher(settings.redis_url), client),
            rates=Rates(client),
            velocity=Velocity(client),
            counters=Counters(client),
            sealer=Fernet(base64.urlsafe_b64encode(settings.sealing_key)),
            rng=random.Random(seed),  # noqa: S311 - jitter, not secrets
        )

    @staticmethod
    def settle() -> None:
        """Tell the garbage collector that what exists now is here to stay; once, when all is loaded.

        A full collection otherwise walks every module and numbering plan again: a tenth of a second in
        which nothing is answered and nothing is sent.
        """
        gc.collect()
        gc.freeze()

    def close(self) -> None:
        """Give the connections back."""
        self.counters.flush()
        self.engine.dispose()
        self.redis.close()

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock

    def new_id(self) -> UUID:
        """A new id, ordered by time (UUIDv7)."""
        return uuid7()

    def knows(self, tenant_id: UUID) -> bool:
        """Whether `senders_of` answers from memory."""
        found = self._directory.get(tenant_id)
        return found is not None and monotonic() - found.read_at < STALE_FOR.total_seconds()

    def senders_of(self, tenant_id: UUID) -> TenantSenders:
        """A tenant's senders, accounts and policy, at most two seconds old."""
        found = self._directory.get(tenant_id)
        if found is None or not self.knows(tenant_id):
            forgotten = self._forgotten
            found = self._read(tenant_id)
            with self._lock:
                if (
                    forgotten == self._forgotten
                ):  # else it may be older than a change made meanwhile
                    self._directory[tenant_id] = found
        return found

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection to look something up with, as often as this is done.

        It ends in a commit: after a rollback the driver forgets every statement it has prepared.
        """
        return self.engine.begin()

    def forget(self, tenant_id: UUID) -> None:
        """Read a tenant's senders and policy anew next time: something was changed."""
        with self._lock:
            self._forgotten += 1
            self._directory.pop(tenant_id, None)

    def _read(self, tenant_id: UUID) -> TenantSenders:
        read_at = monotonic()
        with self.reading() as db:
            read = senders.read(db, tenant_id, self.sealer)
            policy, home = tenants.policy(db, tenant_id), tenants.region(db, tenant_id)
            card = prices.card(db, tenant_id, self.now())
        names = {s.address: s.id for s in read.senders} | {str(s.id): s.id for s in read.senders}
        return TenantSenders(
            candidates=Candidates.of(read.senders),
            accounts=read.accounts,
            names=names,
            pools={name: pool.id for name, pool in read.pools.items()},
            pool_settings={pool.id: pool for pool in read.pools.values()},
            bindings=read.bindings,
            headroom=Headroom(self._free_at, self._full_until, read.used),
            balance=Balance(
                self.breakers.weights(read.accounts) if len(read.accounts) > 1 else {}, self._moved
            ),
            policy=policy,
            home=home,
            read_at=read_at,
            tiers=_tiers(read),
            paused_templates=read.paused_templates,
            card=card,
            paused_campaigns=read.paused_campaigns,
            sandboxes=frozenset(a.id for a in read.accounts.values() if is_sandbox(a)),
            live=live(read.accounts.values()),
        )


_SYSTEM_DEFAULT = {"vonage", "vonage_sms"}
"""The provider of whoever named none; only an order, where somebody has accounts at several."""


def _tiers(read: Senders) -> tuple[frozenset[UUID], ...]:
    if len(read.accounts) < 2:
        return ()
    system = frozenset(a.id for a in read.accounts.values() if a.provider in _SYSTEM_DEFAULT)
    return (*(frozenset({id_}) for id_ in read.bindings.tenant.account_ids), system)
