"""Every service of docker-compose.yml starts as it is written and passes its own health check.

There is no container here, so each command runs as a process of this machine: service names become
127.0.0.1, ports become free ones, and the image's entry points are those of this environment. What
that leaves untried is the image itself, its file system and its user.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from messaging.embedded import start_postgres
from messaging.processes import Group, Process
from messaging.store import driver_url
from tests.architecture import compose
from tests.architecture.repository import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PORTS = ("5432", "6379", "8000", "5555", "9464", "4010")
ADDRESSES = (r"(?<=@)postgres(?=:)", r"(?<=@)redis(?=:)", r"0\.0\.0\.0")
SERVICES = compose.services()
STARTED_AFTER = set(SERVICES) - {"postgres", "redis", "migrate"}


def _free_ports(count: int) -> list[int]:
    """Ports nobody has, all different."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return found


@dataclass(frozen=True)
class Machine:
    """This machine in the place of all containers."""

    directory: Path
    values: Mapping[str, str]
    """Of the variables."""
    ports: Mapping[str, int]
    """Container port -> ours."""

    def here(self, value: Any) -> Any:
        """`value` of the file as it must read on this machine."""
        if isinstance(value, list):
            return [self.here(item) for item in value]
        if isinstance(value, dict):
            return {name: self.here(item) for name, item in value.items()}
        text = str(compose.filled(value, self.values))
        for address in ADDRESSES:
            text = re.sub(address, "127.0.0.1", text)
        for port, ours in self.ports.items():
            text = re.sub(rf"(?:^|(?<=[:=])){port}\b", str(ours), text)
        return text.replace("/tmp/posthorn", str(self.directory / "home"))

    def environment(self, service: str) -> dict[str, str]:
        """Only what the container would have, and where programs are."""
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        declared: dict[str, str] = self.here(SERVICES[service].get("environment", {}))
        return {"PATH": programs, "HOME": str(self.directory), **declared}

    def run(self, service: str, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """A command of a service, run to its end."""
        return subprocess.run(
            argv,
            cwd=self.directory,
            env=self.environment(service),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def healthy(self, service: str) -> bool:
        """What the service's health check says now."""
        kind, *words = self.here(SERVICES[service]["healthcheck"]["test"])
        if service == "redis":
            words = [
                word.replace("redis-cli", f"redis-cli -p {self.ports['6379']}") for word in words
            ]
        if service == "postgres":
            words += ["-p", str(self.ports["5432"])]
        argv = ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words
        return self.run(service, argv).returncode == 0

    def process(self, service: str, *more: str) -> Process:
        """A service as a process that is ready when it is healthy."""
        return Process(
            service,
            (*self.here(SERVICES[service]["command"]), *more),
            self.environment(service),
            self.directory / f"{service}.log",
            ready=lambda: self.healthy(service),
            restart=False,
        )


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    values = {name: secrets.token_hex(20) for name, _ in compose.variables()}
    values["POSTHORN_PUBLIC_URL"] = "https://posthorn.example"
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    return Machine(tmp_path_factory.mktemp("compose"), values, ports)


@pytest.fixture(scope="module")
def postgres(machine: Machine) -> Iterator[None]:
    """The service `postgres`, with what its image makes of the environment."""
    program, *words = machine.here(SERVICES["postgres"]["command"])
    assert program == "postgres"
    assert set(words[::2]) == {"-c"}
    options = dict(word.split("=", 1) for word in words[1::2])
    port = machine.ports["5432"]
    server = start_postgres(
        machine.directory,
        options=options | {"listen_addresses": "127.0.0.1", "port": str(port)},
    )
    made = machine.environment("postgres")
    address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    engine = sa.create_engine(driver_url(address), isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(sa.text(f"CREATE ROLE {made['POSTGRES_USER']} LOGIN"))
        db.execute(sa.text(f"CREATE DATABASE {made['POSTGRES_DB']} OWNER {made['POSTGRES_USER']}"))
    engine.dispose()
    yield
    server.stop()


@pytest.fixture(scope="module")
def redis(machine: Machine) -> Iterator[None]:
    """The service `redis`, as it is, at another port."""
    here = ("--port", str(machine.ports["6379"]), "--bind", "127.0.0.1")
    with Group([machine.process("redis", *here, "--dir", str(machine.directory))]):
        yield


@pytest.fixture(scope="module")
def migrated(machine: Machine, postgres: None) -> subprocess.CompletedProcess[str]:
    del postgres
    return machine.run("migrate", machine.here(SERVICES["migrate"]["command"]))


@pytest.fixture(scope="module")
def started(
    machine: Machine, redis: None, migrated: subprocess.CompletedProcess[str]
) -> Iterator[Group]:
    del redis
    assert migrated.returncode == 0, migrated.stderr
    processes = [machine.process(service) for service in sorted(STARTED_AFTER)]
    with Group(processes, ready_timeout=120.0) as group:
        yield group


@pytest.mark.usefixtures("postgres", "redis")
def test_the_servers_are_healthy(machine: Machine) -> None:
    assert machine.healthy("postgres")
    assert machine.healthy("redis")


def test_a_server_that_is_not_there_is_not_healthy(machine: Machine) -> None:
    nowhere = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    elsewhere = Machine(machine.directory, machine.values, nowhere)
    assert not elsewhere.healthy("postgres")
    assert not elsewhere.healthy("redis")


@pytest.mark.usefixtures("redis")
def test_a_password_nobody_set_is_not_accepted(machine: Machine) -> None:
    wrong = {**machine.values, "REDIS_PASSWORD": "guessed"}
    assert not Machine(machine.directory, wrong, machine.ports).healthy("redis")


def test_the_schema_is_made_before_anything_needs_it(
    machine: Machine, migrated: subprocess.CompletedProcess[str]
) -> None:
    assert migrated.returncode == 0, migrated.stderr
    again = machine.run("migrate", machine.here(SERVICES["migrate"]["command"]))
    assert again.returncode == 0, again.stderr


def test_every_service_becomes_healthy_and_only_while_it_runs(
    machine: Machine, started: Group
) -> None:
    assert all(started.pids(service) for service in STARTED_AFTER)
    ill = {service for service in STARTED_AFTER if not machine.healthy(service)}
    assert not ill
    started.stop()
    # The sign of a beat that has stopped grows old, while its container ends at once.
    still = {service for service in STARTED_AFTER - {"beat"} if machine.healthy(service)}
    assert not still


def test_every_service_is_tried() -> None:
    assert {"postgres", "redis", "migrate"} | STARTED_AFTER == set(SERVICES)
    assert (ROOT / "docker-compose.yml").exists()
