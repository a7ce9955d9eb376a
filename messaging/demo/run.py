"""How is the demonstration run? As a whole Posthorn of its own, spoken to over HTTP like any other."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import httpx

from messaging import stack
from messaging.demo import script
from messaging.demo.audit import Audit, compare
from messaging.demo.script import SENDERS, Script
from messaging.development import POOL, Outfit, texts
from messaging.domain.errors import ConflictError
from messaging.domain.lifecycle import Status
from messaging.domain.message import DEVELOPMENT
from messaging.domain.request import MAX_LIST
from messaging.onboarding import find_tenant
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.stack import Ports
from messaging.standalone import Standalone, standalone
from messaging.store import fates
from messaging.store.fates import Outcomes, Pace
from messaging.store.tenants import Tenant

FAULTS = {
    "rate-429": 0.05,
    "rate-500": 0.03,
    "rate-drop": 0.01,
    "rate-undelivered": 0.02,
    "rate-duplicate-receipts": 0.05,
    "rate-reorder-receipts": 0.05,
}
"""What the carrier does wrong, and how often."""
_IMPATIENT: dict[str, Any] = {
    "provider_timeout_seconds": 3,
    "lease_seconds": 6,
    "sweep_seconds": 1,
    "doubt_check_seconds": 1,
    "retry_base_seconds": 0.5,
}
"""A real carrier is given minutes; this one is on the same machine and slow for nobody."""
_PATIENCE = 90.0
"""Seconds without any change after which the rest is reported as it is."""
_LOOK_EVERY = 0.25
_LEDGER_PAGE = 10_000

Statuses = dict[Status, int]
Watch = Callable[[str, int, Statuses], None]
"""Told what is going on: a sentence, how many messages are to be expected, and where they are."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did."""

    messages: int
    accepted: int
    refused: int
    """Entries of the batch that are no messages, such as those to bad numbers."""
    statuses: Statuses
    reasons: dict[str, int]
    held_back: dict[str, int]
    """What the rules refused or deferred, by reason."""
    outcomes: list[Outcomes]
    retries: int
    pace: Pace
    faults: dict[str, int]
    """How often the carrier did something wrong, by its own account."""
    seconds: float
    """From the batch until the last message had its end."""
    audit: Audit


def run(home: Path, messages: int, seed: int, watch: Watch) -> Report:
    """Send `messages` through a carrier that misbehaves, and compare ledgers.

    Everything lives in `home`/demo, which is emptied first; the logs stay.

    Raises:
        PosthornError: something did not start, or another demonstration is running.
    """
    with _alone(home) as directory:
        ports = Ports(
            api=stack.available(0),
            exporter=stack.available(0),
            flower=None,
            sandbox=stack.available(0),
        )
        settings = Settings.read(
            environment="development",
            home=directory,
            database_url="",
            redis_url="",
            secret_key="",
            api_host=stack.LOOPBACK,
            public_url=stack.reached_at(stack.LOOPBACK, ports.api),
            log_level="warning",
            **_IMPATIENT,
        )
        faults = [f"--{name}={rate}" for name, rate in FAULTS.items()]
        options = ["--seed", str(seed), "--latency", "30ms", "--latency-spread", "0.5", *faults]
        watch("starting servers, workers and a carrier", messages, {})
        outfit = Outfit((texts(SENDERS),))
        with standalone(settings, ports, outfit=outfit, sandbox_options=options) as posthorn:
            return _Run(posthorn, messages, seed, watch).report()


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[Path]:
    """An empty directory that no other demonstration uses."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(
                f"a demonstration is running in {home} already; let it end, or set POSTHORN_HOME"
            ) from None
        directory = home / "demo"
        shutil.rmtree(directory, ignore_errors=True)
        yield directory


class _Run:
    """One demonstration against a Posthorn that is up."""

    def __init__(self, posthorn: Standalone, messages: int, seed: int, watch: Watch) -> None:
        self._messages = messages
        self._watch = watch
        self._rt = Runtime.start(posthorn.settings, name="demo", seed=seed)
        self._seed = seed
        self._address = posthorn.address

    def report(self) -> Report:
        """Act the script, wait for the end, and look at both ledgers."""
        address = self._address
        rng = Random(self._seed)  # noqa: S311 - a script, not a secret
        tenant = find_tenant(self._rt, address.tenant or DEVELOPMENT)
        acting = script.write(self._messages, rng, self._rt.now(), pool=POOL)
        headers = {"Authorization": f"Bearer {address.api_key}"}
        with httpx.Client(
            base_url=address.url, headers=headers, timeout=60, trust_env=False
        ) as api:
            began = time.monotonic()
            answers = self._act(api, acting)
            ended = self._wait(tenant)
        promised = [UUID(entry["id"]) for entry in answers if "id" in entry]
        found = self._look(tenant, promised, answers, ended - began)
        self._rt.close()
        return found

    def _act(self, api: httpx.Client, acting: Script) -> list[dict[str, Any]]:
        self._watch("telling Posthorn who has said stop", self._messages, {})
        for phone in acting.suppress:
            api.post("/v1/suppressions", json={"to": phone}).raise_for_status()
        self._watch("telling Posthorn who agreed to marketing", self._messages, {})
        api.post(
            "/v1/consents/import", content=acting.consents, headers={"Content-Type": "text/csv"}
        ).raise_for_status()
        self._watch("handing the batch in", self._messages, {})
        answers: list[dict[str, Any]] = []
        for start in range(0, len(acting.requests), MAX_LIST):
            batch = acting.requests[start : start + MAX_LIST]
            key = {"Idempotency-Key": f"demo-{self._seed}-{start}"}
            reply = api.post("/v1/messages", json=batch, headers=key).raise_for_status()
            answers += reply.json()["data"]
        for place in acting.call_off:
            if answers[place].get("status") == Status.SCHEDULED:
                api.post(f"/v1/messages/{answers[place]['id']}/cancel").raise_for_status()
        return answers

    def _wait(self, tenant: Tenant) -> float:
        """Until every message is final or deferred by a rule, or nothing has moved for long.

        Returns when the last one moved.
        """
        moved, before = time.monotonic(), Statuses()
        while True:
            with self._rt.engine.connect() as db:
                statuses = fates.statuses(db, tenant.id)
                moving = fates.moving(db, tenant.id)
            self._watch("on their way", sum(statuses.values()), statuses)
            if statuses != before:
                moved, before = time.monotonic(), statuses
            if not moving or time.monotonic() - moved > _PATIENCE:
                return moved
            time.sleep(_LOOK_EVERY)

    def _look(
        self,
        tenant: Tenant,
        promised: Sequence[UUID],
        answers: Sequence[dict[str, Any]],
        seconds: float,
    ) -> Report:
        with self._rt.engine.connect() as db:
            ours = fates.fates(db, tenant.id)
            outcomes = fates.outcomes(db, tenant.id)
            statuses, reasons = fates.statuses(db, tenant.id), fates.reasons(db, tenant.id)
            held_back = fates.held_back(db, tenant.id)
            pace = fates.pace(db, tenant.id)
            attempted = fates.attempted(db, tenant.id)
        carrier, faults = _carrier(self._address.sandbox_url or "")
        return Report(
            messages=len(answers),
            accepted=len(promised),
            refused=len(answers) - len(promised),
            statuses=statuses,
            reasons=reasons,
            held_back=held_back,
            outcomes=outcomes,
            retries=sum(o.attempts for o in outcomes) - attempted,
            pace=pace,
            faults=faults,
            seconds=seconds,
            audit=compare(promised, ours, carrier),
        )


def _carrier(url: str) -> tuple[list[UUID], dict[str, int]]:
    """The carrier's own ledger: the message of each request it took, and its faults."""
    taken: list[UUID] = []
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as sandbox:
        after = 0
        while rows := sandbox.get(
            "/sandbox/ledger", params={"after": after, "limit": _LEDGER_PAGE}
        ).json():
            taken += [UUID(row["m"]) for row in rows]
            after = rows[-1]["index"]
        faults: dict[str, int] = sandbox.get("/sandbox/summary").json()["faults"]
    return taken, faults
