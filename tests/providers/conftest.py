"""Servers on this machine, and a transport to reach them with."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from messaging.providers.transport import Transport
from tests.providers.mailing import Start
from tests.providers.relays import Relay, Reply
from tests.providers.wire import Act, Serve, WireServer


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[WireServer] = []

    def start(act: Act, tls: ssl.SSLContext | None = None) -> WireServer:
        servers.append(WireServer(act, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(connect_timeout=timedelta(seconds=3), timeout=timedelta(seconds=6))
    yield made
    made.close()


@pytest.fixture
def relay() -> Iterator[Start]:
    made: list[Relay] = []

    def start(script: dict[str, Reply] | None = None, **more: Any) -> Relay:
        made.append(Relay(script or {}, **more))
        return made[-1]

    yield start
    for one in made:
        one.stop()
