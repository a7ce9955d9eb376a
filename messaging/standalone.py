"""How does a whole Posthorn run on one machine?

    with standalone(Settings.read(), ports) as posthorn:
        posthorn.group.wait()

Servers that have no URL, a secret that is missing, the schema, somebody who can send, every process:
made in this order, and gone with us. Others find it by `messaging.discovery` for as long as it runs.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from messaging import access, development, embedded, stack, store
from messaging.development import Outfit
from messaging.discovery import Address, announcing
from messaging.domain.errors import PosthornError
from messaging.embedded import check_reachable
from messaging.processes import Group
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.stack import Flower, Ports
from messaging.store import migrate
from messaging.store.tenants import Tenant

READY_TIMEOUT = 90.0
"""Seconds for everything to be ready; a small machine starts a dozen interpreters in a fifth of it."""
LOOPBACK_NETWORKS = "127.0.0.0/8,::1/128"
"""Where a developer's own endpoints are."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """A whole Posthorn, running."""

    settings: Settings
    address: Address
    group: Group


@contextlib.contextmanager
def standalone(
    settings: Settings,
    ports: Ports,
    *,
    outfit: Outfit = development.EVERYTHING,
    sandbox_options: Sequence[str] = (),
) -> Iterator[Standalone]:
    """Everything, for as long as the block lasts. `ports` must be free.

    Raises:
        EmbeddedError: a server did not start or cannot be used.
        ProcessError: a process did not become ready; the text has the end of its log.
        SettingsError: the secret does not fit the database.
        ConflictError: another Posthorn runs in this home.
    """
    home = settings.home.resolve()
    with contextlib.ExitStack() as held:
        announce = held.enter_context(announcing(home))
        servers = held.enter_context(
            embedded.servers(
                home,
                database_url=settings.database_url or None,
                redis_url=settings.redis_url or None,
            )
        )
        complete = completed(settings, servers.database_url, servers.redis_url, ports)
        check_reachable(complete.database_url, complete.redis_url)
        flower = Flower(password=SecretStr(secrets.token_urlsafe(12)))
        address, told = _prepare(complete, ports, flower, outfit)
        options = [*told, *sandbox_options]
        processes = stack.processes(
            complete, ports, logs=home / "logs", flower=flower, sandbox_options=options
        )
        group = held.enter_context(Group(processes, ready_timeout=READY_TIMEOUT))
        announce(address)
        yield Standalone(complete, address, group)


def completed(settings: Settings, database_url: str, redis_url: str, ports: Ports) -> Settings:
    """The settings every process gets: nothing left to be chosen."""
    changes: dict[str, object] = {
        "home": settings.home.resolve(),
        "database_url": database_url,
        "redis_url": redis_url,
        "api_port": ports.api,
        "metrics_port": ports.exporter,
    }
    if "public_url" not in settings.model_fields_set:
        changes["public_url"] = stack.reached_at(settings.api_host, ports.api)
    if settings.environment == "development" and not settings.callback_networks:
        changes["callback_networks"] = LOOPBACK_NETWORKS
    if not settings.secret_key.get_secret_value():
        changes["secret_key"] = SecretStr(_kept(settings.home.resolve() / "secret"))
    return settings.model_copy(update=changes)


def _kept(path: Path) -> str:
    """A secret that stays the same from run to run, made on the first."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    made = secrets.token_urlsafe(48)
    _write(path, made)
    return made


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _prepare(
    settings: Settings, ports: Ports, flower: Flower, outfit: Outfit
) -> tuple[Address, list[str]]:
    """Bring the schema to the newest version; in development, make somebody who can send.

    Also returns the options that tell the sandbox where to post what happens to that tenant.
    """
    engine = store.connect(settings.database_url, name="up")
    migrate.upgrade(engine)
    engine.dispose()
    tenant, key, senders = None, None, dict[str, str]()
    options: list[str] = []
    if ports.sandbox is not None:
        rt = Runtime.start(settings, name="up")
        carrier = f"http://{stack.LOOPBACK}:{ports.sandbox}"
        tenant = development.equip(rt, outfit, carrier)
        key = _development_key(rt, tenant)
        options = development.carrier_options(rt, tenant, outfit)
        senders = development.shown(rt, tenant)
        rt.close()
    address = Address(
        pid=os.getpid(),
        url=stack.reached_at(settings.api_host, ports.api),
        metrics_url=f"{stack.reached_at(settings.metrics_host, ports.exporter)}/metrics",
        flower_url=f"http://{stack.LOOPBACK}:{ports.flower}" if ports.flower else None,
        flower_user=flower.user if ports.flower else None,
        flower_password=flower.password.get_secret_value() if ports.flower else None,
        sandbox_url=f"http://{stack.LOOPBACK}:{ports.sandbox}" if ports.sandbox else None,
        tenant=tenant.name if tenant else None,
        api_key=key,
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        callback_networks=settings.callback_networks,
        senders=senders,
    )
    return address, options


def _development_key(rt: Runtime, tenant: Tenant) -> str:
    """The API key of the last run while it is good, else a new one."""
    path = rt.settings.home / "api-key"
    with contextlib.suppress(OSError, PosthornError):
        kept = path.read_text().strip()
        if access.authenticate(rt, kept) == tenant:
            return kept
    made = access.mint(rt, tenant, "posthorn up")
    _write(path, made)
    return made
