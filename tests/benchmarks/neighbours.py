"""W15: what does one tenant's backlog do to the messages of another?

The first has as many LOW messages as asked for, and workers drain them; the other sends HIGH ones at a
constant rate all the while. Now and then the bulk workers stand still and it sends in peace, so that both
figures meet the same machine and the same tables. Then the same again with NORMAL messages of both, which
share one lane: there it is the claim that is fair, and the other's time is told in batches. By itself:
`python -m tests.benchmarks.neighbours --backlog 1000000`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

import typer

from messaging import access
from messaging.domain import addresses
from messaging.domain.lifecycle import Status
from messaging.domain.message import LANE_OF, Channel, Priority
from messaging.domain.new_message import NewMessage
from messaging.processes import Group
from messaging.queues import DISPATCH
from messaging.store import alike
from messaging.store.alike import Each
from messaging.store.messages import NewRow
from tests.benchmarks.drain import NOTHING_LEFT, check
from tests.benchmarks.latency import READY_SECONDS, WARM_UP_SECONDS, Latencies, latencies, send
from tests.benchmarks.machine import Machine, a_tenant, machine, recipients
from tests.benchmarks.vitals import frozen
from tests.benchmarks.witness import VoidRunError, wait_until

TURN_SECONDS = 5.0
"""How long an idle turn takes."""
_LOADED_TURNS = 3
"""How many times as long a loaded one does."""
_CHUNK = 5_000
_WAITS = "SELECT EXISTS (SELECT 1 FROM ready WHERE tenant_id = :tenant)"


@dataclass(frozen=True, slots=True)
class Beside:
    """How long one tenant's messages took, and how fast the other's backlog went meanwhile."""

    idle: Latencies
    loaded: Latencies
    drained_per_s: float
    batch_ms: float
    """In which time the backlog lost a batch."""

    @property
    def p99_to_idle(self) -> float:
        """How many times as long the slowest of a hundred took as on an idle system."""
        return self.loaded.p99_ms / self.idle.p99_ms


def high_beside_low(m: Machine, backlog: int, turn: float = TURN_SECONDS) -> Beside:
    """HIGH messages of one tenant while `backlog` LOW ones of another drain; idle turns of `turn` seconds.

    Raises:
        VoidRunError: a message was lost or repeated, or none was sent beside the backlog.
    """
    return _beside(m, Priority.LOW, Priority.HIGH, backlog, turn)


def normal_beside_normal(m: Machine, backlog: int, turn: float = TURN_SECONDS) -> Beside:
    """NORMAL messages of one tenant while `backlog` NORMAL ones of another drain.

    The lane has no idle turns between: nobody would carry the messages. They come before and after.

    Raises:
        VoidRunError: as above.
    """
    return _beside(m, Priority.NORMAL, Priority.NORMAL, backlog, turn)


def _beside(m: Machine, theirs: Priority, ours: Priority, backlog: int, turn: float) -> Beside:
    m.reset()
    lane = LANE_OF[theirs]
    other, _ = a_tenant(m.rt, m.account.base_url, f"neighbour-{m.rt.new_id()}")
    key = access.mint(m.rt, other, "neighbour")
    port, server = m.api()
    waits = _Waits(m)
    idle, loaded, paused = [], [], 0.0
    pools = [m.workers(name.value) for name in dict.fromkeys((LANE_OF[ours], lane))]
    with Group([server, *pools], ready_timeout=READY_SECONDS) as group:
        warm = send(m, port, key, WARM_UP_SECONDS, priority=ours)
        idle += send(m, port, key, turn, priority=ours)
        wait_until(lambda: m.scalar(NOTHING_LEFT), "the end of the first turn")
        with frozen(group, lane.value):
            fill(m, theirs, backlog)
            m.settle()
            m.checkpoint()
        m.rt.hints.ring(DISPATCH[lane])
        began = time.time()
        while waits():
            loaded += send(m, port, key, turn * _LOADED_TURNS, waits, ours)
            if theirs is not ours and waits():
                stopped = time.time()
                with frozen(group, lane.value):
                    idle += send(m, port, key, turn, priority=ours)
                paused += time.time() - stopped
        wait_until(lambda: m.scalar(NOTHING_LEFT), "the last result")
        idle += send(m, port, key, turn, priority=ours)
        wait_until(lambda: m.scalar(NOTHING_LEFT), "the end of the last turn")
    check(m, backlog + len(warm) + len(idle) + len(loaded), at_once=False)
    arrived, ended = _arrivals(m, {one.message_id for one in [*idle, *loaded]}, began)
    loaded = [one for one in loaded if one.accepted < ended]
    if not loaded:
        raise VoidRunError("the backlog was gone before the first message; make it longer")
    per_s = backlog / (ended - began - paused)
    batch_ms = m.rt.settings.claim_batch / per_s * 1000
    return Beside(latencies(idle, arrived), latencies(loaded, arrived), per_s, batch_ms)


@dataclass(frozen=True, slots=True)
class _Waits:
    """Whether anything of the backlog waits."""

    m: Machine

    def __call__(self) -> bool:
        return bool(self.m.scalar(_WAITS, tenant=self.m.tenant.id))


def _arrivals(m: Machine, ours: set[str], began: float) -> tuple[dict[str, float], float]:
    """When each of ours reached the carrier, and when the last of theirs did."""
    arrived: dict[str, float] = {}
    ended = began
    for row in m.carrier.rows():
        if row["m"] in ours:
            arrived[row["m"]] = float(row["at"])
        elif float(row["at"]) > ended:
            ended = float(row["at"])
    return arrived, ended


def fill(m: Machine, priority: Priority, count: int) -> None:
    """Queue `count` messages of the machine's tenant by the store's own COPY, without a door."""
    people, pepper = recipients(), m.rt.settings.pepper
    keys = [addresses.key(pepper, Channel.SMS.value, address) for address in people]
    base = NewMessage(recipient="", body="", segments=1, priority=priority)
    for first in range(0, count, _CHUNK):
        like = NewRow(m.tenant.id, m.tenant.id, b"", Status.QUEUED, base, m.rt.now())
        each = [
            _each(m, keys[n % len(people)], people[n % len(people)], n)
            for n in range(first, min(first + _CHUNK, count))
        ]
        with m.rt.engine.begin() as db:
            alike.insert(db, like, each)


def _each(m: Machine, key: bytes, address: str, n: int) -> Each:
    body = f"Our spring sale has begun, number {n:08d}. Come and see us today."
    return Each(
        str(m.rt.new_id()), key, address, body, 1, "GSM-7", None, None, None, None, None, None
    )


def run(
    backlog: Annotated[int, typer.Option(help="Messages of the other tenant.")] = 100_000,
    turn: Annotated[float, typer.Option(help="Seconds of an idle turn.")] = TURN_SECONDS,
    lane: Annotated[str, typer.Option(help="low, normal or both: the backlog's.")] = "both",
) -> None:
    """Measure what a tenant's backlog does to another tenant."""
    with machine() as m:
        if lane in {"low", "both"}:
            _print("HIGH beside LOW", high_beside_low(m, backlog, turn))
        if lane in {"normal", "both"}:
            _print("NORMAL beside NORMAL", normal_beside_normal(m, backlog, turn))


def _print(what: str, found: Beside) -> None:
    print(f"{what}, {found.drained_per_s:,.0f} messages/s drained", flush=True)
    for name, one in (("idle", found.idle), ("loaded", found.loaded)):
        print(
            f"  {name:<7} {one.samples:>6,} samples   p50 {one.p50_ms:7.1f} ms   p99 {one.p99_ms:7.1f} ms"
            f"   p99 in batches {one.p99_ms / found.batch_ms:5.1f}"
        )
    print(f"  p99 loaded to idle {found.p99_to_idle:.2f}", flush=True)


if __name__ == "__main__":
    typer.run(run)
