"""What do the benchmarks run on? Servers of their own, a carrier, one tenant, and real processes.

Nothing configured is ever touched: tables are emptied between rounds, so the servers are always
embedded ones in a temporary folder, with Postgres' stock settings and durable commits.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from messaging import intake, stack
from messaging.domain import addresses
from messaging.domain.message import Channel, Priority, ProviderAccount, Sender
from messaging.domain.number_types import writable
from messaging.domain.request import SendRequest, fingerprint
from messaging.embedded import Servers, servers
from messaging.processes import Group, Process
from messaging.runtime import Runtime
from messaging.sandbox import DEFAULT_ACCOUNT
from messaging.settings import Settings
from messaging.store import accounts as account_store
from messaging.store import migrate, senders, tenants
from messaging.store.tenants import Tenant
from messaging.submission import Submission, Taken
from tests import registered
from tests.benchmarks.witness import Carrier, VoidRunError

LIST = 2_000
"""Messages handed in at once when a backlog is made."""
_MOVING = (
    "messages, message_events, ready, scheduled, claims, open_attempts, attempts, conversations, "
    "idempotency_keys, raw_receipts, pending_receipts, verdicts, held, rate_log, rate_totals, "
    "sender_recipients, sender_tallies, sender_stats, polls, notices"
)
_SECRET = SecretStr("benchmarks-only-benchmarks-only-benchmarks")

_APP = "messaging.api.app:from_environment"


@dataclass
class Machine:
    """Everything a workload needs."""

    folder: Path
    urls: Servers
    rt: Runtime
    carrier: Carrier
    env: dict[str, str]
    tenant: Tenant
    account: ProviderAccount
    _made: int = field(default=0)

    def reset(self) -> None:
        """Empty tables, an empty Redis, an empty ledger, a carrier that answers at once."""
        with self.rt.engine.begin() as db:
            db.execute(sa.text(f"TRUNCATE {_MOVING} RESTART IDENTITY"))
        self.rt.redis.flushall()
        self.carrier.answer()
        self.carrier.clear()

    def requests(self, count: int, priority: Priority = Priority.LOW) -> list[SendRequest]:
        """Requests for `count` messages, each with a body of its own."""
        made = range(self._made, self._made + count)
        self._made += count
        people = recipients()
        return [
            SendRequest(
                to=people[n % len(people)],
                body=f"Your parcel {n:08d} is on its way and will be with you today.",
                priority=priority,
            )
            for n in made
        ]

    def submit(self, requests: Sequence[SendRequest], tenant: Tenant | None = None) -> None:
        """Take requests in through the front door, in lists of `LIST`."""
        for start in range(0, len(requests), LIST):
            part = list(requests[start : start + LIST])
            submission = Submission(
                tenant or self.tenant, [*part], None, fingerprint(part), "bench"
            )
            receipt = intake.submit(self.rt, submission)
            if refused := [e for e in receipt.entries if not isinstance(e, Taken)]:
                raise VoidRunError(f"{len(refused)} messages were refused at intake: {refused[0]}")

    def settle(self) -> None:
        """Fresh planner statistics, and no checkpoint left to fall into what follows."""
        with self.rt.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(sa.text("SET statement_timeout = 0"))
            db.execute(sa.text("ANALYZE"))
            db.execute(sa.text("RESET statement_timeout"))

    def checkpoint(self) -> None:
        """Write everything out now rather than during a measurement."""
        with self.rt.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(sa.text("CHECKPOINT"))

    def rows(self, query: str, **values: object) -> list[Any]:
        """Rows from the database, however long that takes."""
        with self.rt.engine.begin() as db:
            db.execute(sa.text("SET LOCAL statement_timeout = 0"))
            return list(db.execute(sa.text(query), values).all())

    def scalar(self, query: str, **values: object) -> Any:
        """One value from the database, however long that takes."""
        [[value]] = self.rows(query, **values)
        return value

    def server_pids(self) -> list[int]:
        """The main processes of Postgres and Redis."""
        postmaster = (self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]
        return [int(postmaster), int(self.rt.redis.info("server")["process_id"])]

    def celery(self, name: str, app: str, **env: str) -> Process:
        """A plain Celery worker with two prefork children, as quiet as Posthorn's own."""
        command = ("celery", "-A", app, "worker", "-n", f"{name}@bench", "-c", "2")
        quiet = ("--without-gossip", "--without-mingle", "--loglevel", "warning")
        return self._process(name, *command, *quiet, **env)

    def workers(self, name: str) -> Process:
        """One of Posthorn's worker pools, exactly as `posthorn up` runs it; not waited for."""
        (pool,) = (pool for pool in stack.POOLS if pool.name == name)
        return self._process(name, *pool.command, POSTHORN_NICENESS=str(pool.niceness))

    def api(self) -> tuple[int, Process]:
        """The HTTP server as `posthorn up` runs it, with an empty route beside, and its port."""
        port = int(self.rt.settings.public_url.rpartition(":")[2])
        command = [
            "tests.benchmarks.empty_route:from_environment" if a == _APP else a for a in stack.API
        ]
        server = self._process("api", *command, "--host", stack.LOOPBACK, "--port", str(port))
        return port, replace(server, ready=stack.answers(f"http://{stack.LOOPBACK}:{port}/readyz"))

    def _process(self, name: str, *command: str, **env: str) -> Process:
        log = self.folder / "logs" / f"{name}.log"
        return Process(name, [sys.executable, "-m", *command], {**self.env, **env}, log)


@contextlib.contextmanager
def machine() -> Iterator[Machine]:
    """A machine for the length of the block."""
    with contextlib.ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="posthorn-bench-")))
        urls = closing.enter_context(servers(folder, database_url=None, redis_url=None))
        port = stack.available(0)
        url = f"http://{stack.LOOPBACK}:{port}"
        settings = _settings(urls, folder)
        env = stack.environment(settings)
        carrier = (*stack.SANDBOX, "--port", str(port), "--no-receipts")
        log = folder / "logs" / "sandbox.log"
        argv = [sys.executable, "-m", *carrier]
        ready = stack.answers(f"{url}/livez")
        closing.enter_context(Group([Process("sandbox", argv, env, log, ready)]))
        rt = Runtime.start(settings, name="bench", seed=1)
        closing.callback(rt.close)
        migrate.upgrade(rt.engine)
        tenant, account = a_tenant(rt, url, "bench")
        witness = closing.enter_context(contextlib.closing(Carrier(url)))
        yield Machine(folder, urls, rt, witness, env, tenant, account)


def _settings(urls: Servers, folder: Path) -> Settings:
    return Settings(
        database_url=urls.database_url,
        redis_url=urls.redis_url,
        secret_key=_SECRET,
        home=folder,
        public_url=f"http://{stack.LOOPBACK}:{stack.available(0)}",
        log_level="warning",
    )


def a_tenant(rt: Runtime, url: str, name: str) -> tuple[Tenant, ProviderAccount]:
    """A tenant with one account and ten senders that are never what limits."""
    tenant = Tenant(rt.new_id(), name, "US")
    account = ProviderAccount(
        id=rt.new_id(),
        tenant_id=tenant.id,
        provider="twilio",
        name="main",
        base_url=url,
        username=DEFAULT_ACCOUNT.sid,
        secret=DEFAULT_ACCOUNT.token,
        max_in_flight=700,
        absence_proof=timedelta(minutes=10),
    )
    pool = rt.new_id()
    numbers = [
        Sender(
            id=rt.new_id(),
            tenant_id=tenant.id,
            account_id=account.id,
            channel=Channel.SMS,
            address=f"+1202555010{n}",
            mps=10_000.0,
            is_default=n == 0,
            pool_ids=frozenset([pool]),
        )
        for n in range(10)
    ]
    with rt.engine.begin() as db:
        tenants.add(db, tenant)
        account_store.add_account(db, account, (), rt.sealer)
        senders.add_pool(db, tenant.id, pool, "main")
        verified = registered.campaign(rt, db, tenant.id)
        senders.add_senders(db, [replace(number, campaign=verified) for number in numbers])
    return tenant, account


@cache
def recipients() -> list[str]:
    """Every fictional number of the US but the last ten of each area, which cause faults."""
    areas = [
        area
        for area in range(201, 990)
        if addresses.normalise(f"+1{area}5550100", "US") == f"+1{area}5550100"
        and addresses.region_of(f"+1{area}5550100") == "US"
        and writable(f"+1{area}5550100") is None
    ]
    return [f"+1{area}55501{n:02d}" for n in range(90) for area in areas]
