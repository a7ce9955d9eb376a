"""An empty world per test, over servers shared by all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from messaging import telemetry
from messaging.embedded import Servers
from tests.dispatch.telling import NETWORKS, Telling
from tests.receiver import Receiver, receiver
from tests.world import ClockedRuntime, World, empty, runtime, settings_for


@pytest.fixture(scope="session")
def shared_runtime(servers: Servers, database_url: str) -> Iterator[ClockedRuntime]:
    with runtime(settings_for(database_url, servers.redis_url)) as rt:
        yield rt


@pytest.fixture
def rt(shared_runtime: ClockedRuntime) -> Iterator[ClockedRuntime]:
    empty(shared_runtime.engine)
    shared_runtime.redis.flushdb()
    # Or the first batch would ask Postgres what was sent before.
    run_id = shared_runtime.redis.info("server")["run_id"]
    shared_runtime.redis.set("posthorn:rates:kept", run_id)
    shared_runtime.rng.seed(1)
    shared_runtime.hints._broken_until = 0.0
    shared_runtime._directory.clear()
    shared_runtime._moved.clear()
    shared_runtime.__post_init__()  # it knows of no circuit of an earlier test
    yield shared_runtime
    shared_runtime.ahead *= 0


@pytest.fixture
def world(rt: ClockedRuntime) -> Iterator[World]:
    made = World(rt)
    yield made
    made.window.drain(0)


@pytest.fixture
def telling(world: World) -> Iterator[Telling]:
    telemetry.configure("critical", json=True)
    before = world.rt.settings
    world.rt.settings = before.model_copy(update={"callback_networks": NETWORKS})
    made = Telling(world)
    yield made
    made.courier.close()
    world.rt.settings = before


@pytest.fixture
def customer() -> Iterator[Receiver]:
    with receiver() as found:
        yield found
