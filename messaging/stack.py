"""Which processes make a Posthorn?

The one table of them. `posthorn up` and `posthorn demo` run it, docker-compose.yml is compared with it,
and tests kill parts of it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from celery import Celery
from kombu.exceptions import OperationalError
from pydantic import SecretStr
from redis.exceptions import RedisError

from messaging import queues
from messaging.processes import Process
from messaging.queues import WorkQueue
from messaging.settings import Settings

LOOPBACK = "127.0.0.1"
_PING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Pool:
    """One Celery worker: the queues it serves, and with how many child processes."""

    name: str
    queues: tuple[WorkQueue, ...]
    concurrency: int
    why: str
    niceness: int = 0
    """How far it steps back for the other pools when the processor is short."""

    @property
    def command(self) -> tuple[str, ...]:
        """The worker's command line."""
        return (
            "celery", "-A", "workers.app", "worker",
            "-Q", ",".join(queue.value for queue in self.queues),
            "-c", str(self.concurrency),
            "-n", f"{self.name}@%h",
            "--without-gossip", "--without-mingle",
        )  # fmt: skip


POOLS = (
    Pool("high", (WorkQueue.HIGH,), 1, "a one-time code never waits behind a campaign"),
    Pool("normal", (WorkQueue.NORMAL,), 1, "what is not said to be urgent or patient"),
    Pool("low", (WorkQueue.LOW,), 2, "bulk, and one child more for what a crash left behind", 10),
    Pool("receipts", (WorkQueue.RECEIPTS,), 1, "a burst of receipts never delays a send"),
    Pool("notices", (WorkQueue.NOTICES,), 1, "a tenant's slow endpoint never delays a send", 5),
    Pool(
        "intake",
        (WorkQueue.INTAKE, WorkQueue.MAINTENANCE),
        1,
        "messages handed in as Celery tasks, and what the clock rings for",
    ),
)
"""Every queue is served by exactly one pool."""

BEAT = ("celery", "-A", "schedules.beat", "beat")
API = (
    "uvicorn", "--factory", "messaging.api.app:from_environment",
    "--loop", "uvloop", "--http", "httptools",
    "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3",
)  # fmt: skip
FLOWER = ("celery", "-A", "workers.app", "flower", "--read_only", "--persistent=False")
EXPORTER = ("messaging.exporter",)
SANDBOX = ("messaging.sandbox",)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the servers listen; None leaves a server out."""

    api: int
    exporter: int
    flower: int | None
    sandbox: int | None


@dataclass(frozen=True, slots=True)
class Flower:
    """Who may look at Flower."""

    user: str = "posthorn"
    password: SecretStr = field(default_factory=lambda: SecretStr(""))


def environment(settings: Settings) -> dict[str, str]:
    """A child's whole environment: ours, with every setting explicit."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("POSTHORN_") or name.startswith("POSTHORN_SANDBOX_")
    }
    explicit = {f"POSTHORN_{name.upper()}": _plain(value) for name, value in settings}
    return {**kept, **explicit, "PYTHONUNBUFFERED": "1"}


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value.resolve()) if isinstance(value, Path) else str(value)


def processes(
    settings: Settings,
    ports: Ports,
    *,
    logs: Path,
    flower: Flower | None = None,
    sandbox_options: Sequence[str] = (),
) -> list[Process]:
    """Every process, in the order they are started.

    `settings` must name both servers and the secret; their schema must be current. `sandbox_options`
    are added to the local carrier's command line. Logs go to `logs`, one file a process.
    """
    env = environment(settings)
    made: list[Process] = []

    def add(
        name: str,
        command: Sequence[str],
        ready: Callable[[], bool] | None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        argv = (sys.executable, "-m", *command)
        made.append(Process(name, argv, {**env, **(more or {})}, logs / f"{name}.log", ready))

    if ports.sandbox is not None:
        command = (*SANDBOX, "--port", str(ports.sandbox), *sandbox_options)
        add("sandbox", command, answers(f"http://{LOOPBACK}:{ports.sandbox}/livez"))
    where = ("--host", settings.api_host, "--port", str(ports.api))
    add("api", (*API, *where), answers(f"{reached_at(settings.api_host, ports.api)}/readyz"))
    broker = queues.publisher(settings.redis_url)
    for pool in POOLS:
        nice = {"POSTHORN_NICENESS": str(pool.niceness)}
        add(f"worker-{pool.name}", pool.command, listens(broker, pool), nice)
    add("beat", BEAT, None)
    if ports.flower is not None:
        who = flower or Flower()
        secret = {"FLOWER_BASIC_AUTH": f"{who.user}:{who.password.get_secret_value()}"}
        command = (*FLOWER, f"--address={LOOPBACK}", f"--port={ports.flower}")
        add("flower", command, answers(f"http://{LOOPBACK}:{ports.flower}/healthcheck"), secret)
    exporting = {"POSTHORN_METRICS_PORT": str(ports.exporter)}
    metrics = f"{reached_at(settings.metrics_host, ports.exporter)}/metrics"
    add("exporter", EXPORTER, answers(metrics), exporting)
    return made


def answers(url: str) -> Callable[[], bool]:
    """A check whether `url` is answered with success."""

    def check() -> bool:
        try:
            return httpx.get(url, timeout=2.0, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    return check


def listens(broker: Celery, pool: Pool) -> Callable[[], bool]:
    """A check whether the worker of `pool` on this machine takes work."""
    node = f"{pool.name}@{socket.gethostname()}"

    def check() -> bool:
        try:
            found = broker.control.ping([node], timeout=_PING_SECONDS, limit=1)
        except (OSError, OperationalError, RedisError):
            return False
        return bool(found)

    return check


def reached_at(host: str, port: int) -> str:
    """The URL of a server of ours on this machine that listens at `host`."""
    anywhere = {"0.0.0.0": LOOPBACK, "::": "[::1]", "": LOOPBACK}  # noqa: S104 - read, not bound
    name = anywhere.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"


def available(port: int, host: str = LOOPBACK) -> int:
    """`port` if it is free, else one that is; 0 asks for any.

    Raises:
        OSError: `host` is not an address of this machine.
    """
    try:
        return _bound(port, host)
    except OSError:
        return _bound(0, host)


def _bound(port: int, host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        found: int = probe.getsockname()[1]
        return found
