"""Where is the Posthorn that runs on this machine, and what does it take to use it?

It is written in `<home>/up.json` for as long as it runs; the lock on that file, which the kernel drops
however the process ends, tells a running one from a leftover.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import SecretStr

from messaging.domain.errors import ConflictError
from messaging.embedded import EmbeddedError
from messaging.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running Posthorn is, and what it takes to use it."""

    pid: int
    url: str
    metrics_url: str
    flower_url: str | None = None
    flower_user: str | None = None
    flower_password: str | None = field(default=None, repr=False)
    sandbox_url: str | None = None
    tenant: str | None = None
    api_key: str | None = field(default=None, repr=False)
    database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    callback_networks: str = ""
    senders: dict[str, str] = field(default_factory=dict)
    """What the tenant has to send from, by channel, as it is shown."""


@contextlib.contextmanager
def announcing(home: Path) -> Iterator[Callable[[Address], None]]:
    """Be the one Posthorn of `home`; what is yielded tells others where. The lock ends with us, however we end.

    Raises:
        ConflictError: another Posthorn runs in this home.
        EmbeddedError: the home cannot be used.
    """
    path = home / "up.json"

    def announce(address: Address) -> None:
        # In place: the lock others look at is on this very file.
        path.write_text(json.dumps(asdict(address), indent=2) + "\n")

    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise EmbeddedError(
            f"{home} cannot be used ({problem.strerror}); make it writable or set POSTHORN_HOME."
        ) from None
    with os.fdopen(descriptor, "r+") as file:
        if not _take(file.fileno()):
            raise ConflictError(
                f"a Posthorn is running in {home} already; stop it, or set POSTHORN_HOME to another "
                "directory"
            )
        file.truncate(0)
        try:
            yield announce
        finally:
            file.truncate(0)


def _take(file: int) -> bool:
    # More than once, because `running` holds the lock for an instant to see whether it is free.
    for _ in range(10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.02)
    return False


def running(home: Path) -> Address | None:
    """The Posthorn that is running in `home` now and ready; None if there is none."""
    try:
        with (home / "up.json").open() as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return Address(**json.loads((home / "up.json").read_text()))
    except OSError:
        pass
    return None


def located(settings: Settings) -> Settings:
    """The settings of the Posthorn that runs here, for a process of its own beside it.

    What the environment does not name is taken from a running `posthorn up`.

    Raises:
        SettingsError: neither names both servers, or there is no secret.
    """
    changes: dict[str, object] = {}
    if not (settings.database_url and settings.redis_url):
        found = running(settings.home)
        if found is None:
            raise SettingsError(
                "there is no Posthorn to talk to: run 'posthorn up', or set POSTHORN_DATABASE_URL and "
                "POSTHORN_REDIS_URL, or POSTHORN_URL and POSTHORN_API_KEY"
            )
        changes = {
            "database_url": settings.database_url or found.database_url,
            "redis_url": settings.redis_url or found.redis_url,
            "callback_networks": settings.callback_networks or found.callback_networks,
        }
    if not settings.secret_key.get_secret_value():
        try:
            changes["secret_key"] = SecretStr((settings.home / "secret").read_text().strip())
        except OSError:
            raise SettingsError("POSTHORN_SECRET_KEY must be set (32 characters or more)") from None
    return settings.model_copy(update=changes)
