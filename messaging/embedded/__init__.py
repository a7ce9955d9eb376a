"""Where do Postgres and Redis come from when no URL is configured? From wheels, as our children.

    with servers(Path(".posthorn"), database_url=None, redis_url=None) as urls: ...

The servers are real ones and end when this process does, in order or by `kill -9`; the database's data
stays in the directory. One process at a time may hold a directory; others can ask where its servers are.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from messaging.embedded.postgres_server import start_postgres
from messaging.embedded.reachable import check_database, check_reachable, check_redis
from messaging.embedded.redis_server import start_redis
from messaging.embedded.server import EmbeddedError, Server

__all__ = [
    "EmbeddedError",
    "Server",
    "Servers",
    "check_database",
    "check_reachable",
    "check_redis",
    "running",
    "servers",
    "start_postgres",
    "start_redis",
]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the database and Redis are."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)


@contextlib.contextmanager
def servers(
    directory: Path, *, database_url: str | None, redis_url: str | None
) -> Iterator[Servers]:
    """Both servers, for as long as the block lasts; only what has no URL is started.

    A server that is started lives in `directory`, which is made, and which no other process may hold.
    Call it from a thread that lasts as long as the block: on Linux the servers end with that thread.

    Raises:
        EmbeddedError: a server did not start, or another process holds the directory.
    """
    if database_url and redis_url:
        yield Servers(database_url, redis_url)
        return
    directory = directory.resolve()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_hold(directory))
        if not redis_url:
            redis = start_redis(directory)
            stack.callback(redis.stop)
            redis_url = redis.url
        if not database_url:
            postgres = start_postgres(directory)
            stack.callback(postgres.stop)
            database_url = postgres.url
        found = Servers(database_url, redis_url)
        _announce(directory, found)
        yield found


def running(directory: Path) -> Servers | None:
    """The servers another process has running in `directory` now; None if there are none yet."""
    try:
        with (directory / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Servers(**json.loads((directory / "servers.json").read_text()))
    except OSError:
        pass
    return None


@contextlib.contextmanager
def _hold(directory: Path) -> Iterator[None]:
    """Be the one process that uses `directory`. The lock ends with us, however we end."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        opened = (directory / "lock").open("a+")
    except OSError as problem:
        raise EmbeddedError(
            f"{directory} cannot be used for servers ({problem.strerror}). Make it writable, or set "
            "POSTHORN_DATABASE_URL and POSTHORN_REDIS_URL to servers of your own."
        ) from None
    with opened as lock:
        if not _take(lock.fileno()):
            lock.seek(0)
            raise EmbeddedError(
                f"Another Posthorn (process {lock.read().strip() or 'unknown'}) has its servers in "
                f"{directory}. Stop it, use another directory, or set POSTHORN_DATABASE_URL and "
                "POSTHORN_REDIS_URL to share servers."
            )
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        announced = directory / "servers.json"
        announced.unlink(missing_ok=True)  # of a holder that was killed
        try:
            yield
        finally:
            announced.unlink(missing_ok=True)


def _take(lock: int) -> bool:
    # More than once, because `running` holds the lock for an instant to see whether it is free.
    for _ in range(10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.02)
    return False


def _announce(directory: Path, found: Servers) -> None:
    path = directory / "servers.json"
    # Only the owner: the URL of Redis has its password.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(found), file)
