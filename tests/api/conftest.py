"""Real servers, one schema, two tenants with keys, and the application over them."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from messaging import access
from messaging.api.app import create_app
from messaging.domain.message import Channel, ProviderAccount, Sender
from messaging.embedded import Servers, servers
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import accounts as account_store
from messaging.store import migrate, tenants
from messaging.store import senders as sender_store
from messaging.store.tenants import Tenant
from tests import registered

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-of-at-least-32-characters"
PUBLIC_URL = "https://posthorn.example"


@dataclass(frozen=True)
class Caller:
    """A tenant with everything it needs to send."""

    tenant: Tenant
    key: str
    account: ProviderAccount
    sender: Sender

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture(scope="session")
def running() -> Iterator[Servers]:
    # Not below pytest's directory: another run of pytest would close that to the database's user.
    with (
        tempfile.TemporaryDirectory(prefix="posthorn-") as directory,
        servers(Path(directory), database_url=None, redis_url=None) as found,
    ):
        yield found


@pytest.fixture(scope="session")
def settings(running: Servers) -> Settings:
    return Settings.read(
        database_url=running.database_url,
        redis_url=running.redis_url,
        secret_key=SECRET,
        public_url=PUBLIC_URL,
        callback_networks="127.0.0.0/8",
    )


@pytest.fixture(scope="session")
def rt(settings: Settings) -> Iterator[Runtime]:
    runtime = Runtime.start(settings, name="test", seed=1)
    migrate.upgrade(runtime.engine)
    yield runtime
    runtime.close()


def a_caller(rt: Runtime) -> Caller:
    tenant = Tenant(rt.new_id(), f"tenant-{secrets.token_hex(4)}", "US")
    account = ProviderAccount(
        id=rt.new_id(),
        tenant_id=tenant.id,
        provider="twilio",
        name="main",
        base_url="http://127.0.0.1:9",
        username="AC" + "0" * 32,
        secret="an-auth-token",
        max_in_flight=10,
        absence_proof=timedelta(minutes=10),
    )
    pool_id = rt.new_id()
    sender = Sender(
        id=rt.new_id(),
        tenant_id=tenant.id,
        account_id=account.id,
        channel=Channel.SMS,
        address="+12025550199",
        mps=10.0,
        is_default=True,
        pool_ids=frozenset({pool_id}),
    )
    with rt.engine.begin() as db:
        tenants.add(db, tenant)
        account_store.add_account(db, account, (), rt.sealer)
        sender_store.add_pool(db, tenant.id, pool_id, "main")
        sender = replace(sender, campaign=registered.campaign(rt, db, tenant.id))
        sender_store.add_senders(db, [sender])
    return Caller(tenant, access.mint(rt, tenant, "test"), account, sender)


@pytest.fixture
def caller(rt: Runtime) -> Caller:
    return a_caller(rt)


@pytest.fixture
def stranger(rt: Runtime) -> Caller:
    return a_caller(rt)


@pytest.fixture(scope="session")
def app(rt: Runtime) -> FastAPI:
    return create_app(rt)


@pytest.fixture(scope="session")
def address(app: FastAPI) -> Iterator[str]:
    """Where the application listens."""
    with serving(app) as url:
        yield url


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Where an application listens, served by a thread of this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    _await_ready(url, thread.is_alive)
    yield url
    server.should_exit = True
    thread.join(15)
    listener.close()
    assert not thread.is_alive()


@pytest.fixture
def anonymous(address: str) -> Iterator[httpx.Client]:
    """The application, as somebody without a key sees it."""
    with httpx.Client(base_url=address, timeout=20) as client:
        yield client


@pytest.fixture
def http(address: str, caller: Caller) -> Iterator[httpx.Client]:
    """The application, as the caller sees it."""
    with httpx.Client(base_url=address, timeout=20, headers=caller.headers) as client:
        yield client


@dataclass(frozen=True)
class Live:
    """The application in a process of its own."""

    url: str
    pid: int


@pytest.fixture(scope="session")
def live(rt: Runtime, settings: Settings) -> Iterator[Live]:
    del rt  # the schema must be there
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "POSTHORN_DATABASE_URL": settings.database_url,
        "POSTHORN_REDIS_URL": settings.redis_url,
        "POSTHORN_SECRET_KEY": SECRET,
        "POSTHORN_PUBLIC_URL": PUBLIC_URL,
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "messaging.api.app:from_environment"]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(url, lambda: process.poll() is None)
        yield Live(url, process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in {0, -signal.SIGTERM}
    finally:
        process.kill()
        process.wait()


def _await_ready(url: str, alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert alive(), "the server ended"
        assert time.monotonic() < deadline, "the server did not get ready"
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
