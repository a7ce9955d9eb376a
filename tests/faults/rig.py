"""What does a fault test run against? The real processes and servers, in a directory of their own.

    with Rig(tmp_path) as rig:
        caller = rig.caller()
        ids = caller.send(texts(100))
        rig.kill("worker-normal")

One group per process, so that a test may take one away, bring it back, or give it another environment.
Timings are short, so that leases end and evidence is looked for within seconds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Self

import psutil  # type: ignore[import-untyped]
import redis
import sqlalchemy as sa
from pydantic import SecretStr

from messaging import access, fleet, onboarding, stack, store
from messaging import accounts as provider_accounts
from messaging.accounts import NewAccount
from messaging.domain.sender_request import SenderRequest
from messaging.embedded import start_postgres, start_redis
from messaging.processes import Group, Process
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.stack import Flower, Ports
from messaging.store import migrate
from tests import registered
from tests.faults.caller import Caller
from tests.sandbox.carrier import Sandbox, launch

SECRET = "a-secret-of-at-least-32-characters"
FLOWER = Flower(user="watcher", password=SecretStr("a-password-for-flower"))
CORE = (
    "api",
    "worker-high",
    "worker-normal",
    "worker-low",
    "worker-receipts",
    "worker-intake",
    "beat",
)
WORKERS = tuple(name for name in CORE if name.startswith("worker-"))
SHORT: Mapping[str, object] = {
    "provider_timeout_seconds": 3,
    "lease_seconds": 6,
    "sweep_seconds": 1,
    "doubt_check_seconds": 1,
    "retry_base_seconds": 0.2,
    "retry_cap_seconds": 2,
}
_ACCOUNTS = tuple((f"AC{n:032x}", f"token-of-account-{n}") for n in range(1, 41))
_READY_SECONDS = 90.0


class Rig:
    """A whole Posthorn beside a carrier."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self._groups: dict[str, Group] = {}
        self._spare_accounts = iter(_ACCOUNTS)
        self._spare_numbers = (f"+1{area}555{n:04}" for area in (415, 510) for n in range(100, 200))
        self._tenants = 0
        self._asking = Lock()
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            self.postgres = start_postgres(self.home)
            held.callback(self.postgres.stop)
            self.redis = start_redis(self.home)
            held.callback(self.redis.stop)
            self.carrier = _launch()
            held.callback(self.carrier.stop)
            self.ports = Ports(
                stack.available(0), stack.available(0), stack.available(0), sandbox=None
            )
            self.url = f"http://127.0.0.1:{self.ports.api}"
            self.settings = Settings.read(
                home=self.home,
                database_url=self.postgres.url,
                redis_url=self.redis.url,
                secret_key=SECRET,
                public_url=self.url,
                api_port=self.ports.api,
                metrics_port=self.ports.exporter,
                **SHORT,
            )
            self.engine = store.connect(self.postgres.url, name="witness")
            held.callback(self.engine.dispose)
            migrate.upgrade(self.engine)
            self.rt = Runtime.start(self.settings, name="test", seed=1)
            held.callback(self.rt.close)
            held.callback(self.stop)
            self.start(*CORE)
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        known = [
            pid for pid in (self.postgres.pid, self.redis.pid, self.carrier.process.pid) if pid
        ]
        self._held.close()
        left = [p for p in psutil.process_iter() if p.pid in known or _is_of(p, self.home)]
        assert not left, f"left behind: {left}"

    def start(
        self,
        *names: str,
        env: Mapping[str, str] | None = None,
        settings: Settings | None = None,
        alias: str = "",
    ) -> None:
        """Start processes of the table, all at once; return when they are ready.

        `env` is added to their environment; `alias` is appended to the names they go by here.
        """
        table = {p.name: p for p in self.table(settings or self.settings)}
        groups = {}
        for name in names:
            process = replace(
                table[name],
                name=name + alias,
                env={**table[name].env, **(env or {})},
                log=self.home / "logs" / f"{name}{alias}.log",
            )
            groups[process.name] = Group([process], ready_timeout=_READY_SECONDS, grace=30.0)
        self._groups |= groups
        with ThreadPoolExecutor(len(groups)) as pool:
            list(pool.map(Group.start, groups.values()))

    def table(self, settings: Settings) -> list[Process]:
        """Every process that can be started."""
        table = stack.processes(settings, self.ports, logs=self.home / "logs", flower=FLOWER)
        return [replace(process, ready=self._one_at_a_time(process.ready)) for process in table]

    def _one_at_a_time(self, ready: Callable[[], bool] | None) -> Callable[[], bool] | None:
        def check() -> bool:
            with self._asking:  # threads that share a broker would take each other's answers
                try:
                    return ready is None or ready()
                except redis.ConnectionError:  # a connection to the Redis that was killed
                    return False

        return ready and check

    def stop(self, *names: str) -> None:
        """Stop processes in order, all at once; no names: all of them."""
        groups = [self._groups.pop(name) for name in names or list(self._groups)]
        if groups:  # a pool of no threads is refused
            with ThreadPoolExecutor(len(groups)) as pool:
                list(pool.map(Group.stop, groups))

    def restart(self, *names: str, **how: Any) -> None:
        """Stop, then start, perhaps with another environment."""
        self.stop(*names)
        self.start(*names, **how)

    def pids(self, name: str) -> list[int]:
        """The main process of `name`, then its descendants."""
        return self._groups[name].pids(name)

    def kill(self, name: str, signum: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the main process of `name`."""
        self._groups[name].kill(name, signum)

    def kill_child(self, name: str, pick: Callable[[list[int]], int]) -> int | None:
        """`kill -9` of one child of a worker; its process id, or None if there was none."""
        children = self.pids(name)[1:]
        if not children:
            return None
        pid = pick(children)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid

    def is_answering(self) -> bool:
        """Whether the API is ready."""
        return stack.answers(f"{self.url}/readyz")()

    def heal(self) -> None:
        """Everything runs, and the carrier is calm: what each test starts from."""
        self.postgres.start()
        self.redis.start()
        self.faults(reset=True)
        missing = [name for name in CORE if name not in self._groups]
        if missing:
            self.start(*missing)
        until(self.is_answering, 30, "the API answers")
        broker_ready = {p.name: p.ready for p in self.table(self.settings)}
        for name in WORKERS:
            until(broker_ready[name] or bool, 30, f"{name} listens")

    def faults(self, account: str | None = None, *, reset: bool = False, **rates: float) -> None:
        """Change what the carrier does wrong, for one account or for all."""
        asked: dict[str, object] = {"reset": reset, **rates}
        if account is not None:
            asked["account"] = account
        self.carrier.http.post("/sandbox/faults", json=asked).raise_for_status()

    def caller(self, *, accounts: int = 1, senders: int = 4, mps: float = 100.0) -> Caller:
        """A new tenant with a key, accounts at the carrier, and `senders` numbers for each."""
        self._tenants += 1
        tenant = onboarding.make_tenant(self.rt, f"tenant-{self._tenants}")
        with self.rt.engine.begin() as db:
            registered.campaign(self.rt, db, tenant.id, "main")
        names: list[str] = []
        for _ in range(accounts):
            sid, token = next(self._spare_accounts)
            new = NewAccount(
                provider="twilio",
                name=sid,
                username=sid,
                secret=token,
                base_url=self.carrier.url,
                max_in_flight=200,
                absence_proof=timedelta(seconds=4),
            )
            provider_accounts.add(self.rt, tenant, new)
            names.append(sid)
        caller = Caller(self.url, tenant, access.mint(self.rt, tenant, "test"), {})
        self._held.callback(caller.close)
        for sid in names:
            self.numbers(caller, sid, senders, mps)
        return caller

    def numbers(self, caller: Caller, account: str, count: int, mps: float) -> None:
        """Give a tenant senders of one of its accounts, all of them in its one pool."""
        numbers = [next(self._spare_numbers) for _ in range(count)]
        said = {"account": account, "mps": mps, "pools": ["main"], "campaign": "main"}
        adding = [SenderRequest.model_validate({"address": n, **said}) for n in numbers]
        fleet.add(self.rt, caller.tenant, adding)
        caller.senders[account] = numbers

    def query(self, statement: str, **values: object) -> list[sa.Row[Any]]:
        """Rows of the database, as a witness beside the product."""
        with self.engine.connect() as db:
            return list(db.execute(sa.text(statement), values))

    def execute(self, statement: str, **values: object) -> None:
        """Change the database behind the product's back."""
        with self.engine.begin() as db:
            db.execute(sa.text(statement), values)

    def ledger(self) -> Iterator[dict[str, Any]]:
        """Every message the carrier ever accepted."""
        after = 0
        while True:
            rows = self.carrier.get(f"/sandbox/ledger?after={after}&limit=10000")
            yield from rows
            if not rows:
                return
            after = rows[-1]["index"]

    def bell(self) -> redis.Redis:
        """A client of the Redis."""
        return redis.Redis.from_url(self.redis.url)

    def log(self, name: str) -> str:
        """Everything a process has written."""
        path = self.home / "logs" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""


def _launch() -> Sandbox:
    options = [part for sid, token in _ACCOUNTS for part in ("--account", f"{sid}:{token}")]
    return launch("--seed", "7", "--receipt-delay", "50ms", *options)


def _is_of(process: psutil.Process, home: Path) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        facts = [*process.cmdline(), *process.environ().values(), process.cwd()]
    except psutil.Error:
        return False
    return any(fact.startswith(str(home)) for fact in facts)


def until(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until it holds; returns how long that took. Fails, saying `what`, when time is over."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began
