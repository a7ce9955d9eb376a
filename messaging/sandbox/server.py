"""How does the sandbox start, say that it listens, and stop?"""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
import sys
import time

from messaging.sandbox.app import Carrier
from messaging.sandbox.config import SandboxConfig
from messaging.sandbox.connection import Connection

_GRACE = 0.5
"""Seconds that requests in work have to finish on the way out."""


def serve(config: SandboxConfig) -> None:
    """Runs the carrier until SIGTERM or SIGINT; prints one line when it listens.

    Raises:
        OSError: if the address is taken or the ledger file cannot be opened.
    """
    # Messages are kept for good and hold no cycles: looking through them often costs, and frees
    # nothing.
    gc.set_threshold(50_000, 20, 100)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(config))


async def _run(config: SandboxConfig) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    carrier = Carrier(config, clock=time.time, new_id=lambda: secrets.token_hex(16))
    connections: set[Connection] = set()
    server = await loop.create_server(
        lambda: Connection(carrier.answer, connections, carrier.limits),
        config.host,
        config.port,
        backlog=2048,
    )
    carrier.courier.start()
    host, port = server.sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"sandbox listening on http://{shown}:{port}\n")
    for dialect in carrier.dialects:
        if line := await dialect.start(carrier.sending.take):
            sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    try:
        await stop.wait()
    finally:
        server.close()
        for dialect in carrier.dialects:
            await dialect.stop()
        await _drain(connections)
        carrier.courier.stop()
        carrier.ledger.close()


async def _drain(connections: set[Connection]) -> None:
    """Lets requests in work finish for a moment, then closes every connection."""
    if any(connection.busy for connection in connections):
        await asyncio.sleep(_GRACE)
    for connection in list(connections):
        connection.abort()


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """The event loop: uvloop's where it exists: half the CPU per request of asyncio's own."""
    if sys.platform == "win32":
        return None
    from uvloop import Loop  # noqa: PLC0415 - it does not exist on Windows

    return Loop
