"""Is a process of ours at work? The check a container runtime runs beside it.

    python -m messaging.health http://127.0.0.1:8000/readyz
    python -m messaging.health worker high
    python -m messaging.health beat

Each looks at the process in its own container, not at the whole system, and ends with 0 or 1.
"""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

HTTP_SECONDS = 3.0
BEAT_SECONDS = 30.0
"""A beat that did not go round its table for this long has wedged: it does so every second."""
BEAT_FILE = "beat"
_USAGE = "usage: python -m messaging.health URL | worker POOL | beat"


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with success. Knows only the standard library: it is quick."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=HTTP_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker(name: str) -> bool:
    """Whether the worker of the pool `name` on this host answers over the broker.

    Raises:
        LookupError: no pool has this name.
    """
    from messaging import queues, stack  # noqa: PLC0415 - a URL is checked without Celery
    from messaging.settings import Settings  # noqa: PLC0415 - as above

    for pool in stack.POOLS:
        if pool.name == name:
            return stack.listens(queues.publisher(Settings.read().redis_url), pool)()
    raise LookupError(f"no pool is called {name!r}")


def note_beat(home: Path) -> None:
    """Say that beat has just gone round its table.

    Raises:
        OSError: `home` cannot be written.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / BEAT_FILE).touch()


def beat(home: Path) -> bool:
    """Whether the beat that keeps its sign of life in `home` went round lately."""
    try:
        return time.time() - (home / BEAT_FILE).stat().st_mtime < BEAT_SECONDS
    except OSError:
        return False


def check(asked: Sequence[str]) -> bool:
    """Run the check the words on the command line ask for.

    Raises:
        LookupError: there is no such check.
    """
    match asked:
        case ["worker", name]:
            return worker(name)
        case ["beat"]:
            from messaging.settings import Settings  # noqa: PLC0415 - as in `worker`

            return beat(Settings.read().home)
        case [url] if url.startswith("http://"):
            return answers(url)
    raise LookupError(_USAGE)


def main(asked: Sequence[str]) -> int:
    """The exit status for `asked`: 0 healthy, 1 not, 2 not a check of ours."""
    try:
        return 0 if check(asked) else 1
    except LookupError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
