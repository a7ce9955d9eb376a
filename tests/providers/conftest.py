"""Servers on this machine, and a transport to reach them with."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta

import pytest

from messaging.providers.transport import Transport
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
