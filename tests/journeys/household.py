"""A whole Posthorn as its own program, and the command line against it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from messaging.discovery import Address, running

POSTHORN = str(Path(sys.executable).parent / "posthorn")
START_SECONDS = 90.0
FREE_PORTS = ("--port=0", "--flower-port=0", "--sandbox-port=0", "--metrics-port=0")


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTHORN_")}
    return {**kept, "POSTHORN_HOME": str(home), "NO_COLOR": "1", **more}


def poll(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


@dataclass(frozen=True)
class Household:
    home: Path
    address: Address
    process: subprocess.Popen[bytes]

    def run(
        self, *words: str, env: dict[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return command(*words, env={**environment(self.home), **(env or {})}, stdin=stdin)

    def json(self, *words: str, env: dict[str, str] | None = None) -> Any:
        done = self.run(*words, "-o", "json", env=env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def message(self, message_id: str) -> Any:
        return self.json("status", message_id, "--reveal")

    def until(self, message_id: str, status: str) -> Any:
        def there() -> Any:
            found = self.message(message_id)
            return found if found["status"] == status else None

        return poll(there, f"the message is not {status}", 30.0)


def command(*words: str, env: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [POSTHORN, *words],
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def household(home: Path, options: Sequence[str] = (), **env: str) -> Iterator[Household]:
    said = home / "up.out"
    home.mkdir(parents=True, exist_ok=True)
    with said.open("wb") as output:
        process = subprocess.Popen(
            [POSTHORN, "up", *FREE_PORTS, *options],
            env=environment(home, **env),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:

        def up() -> Address | None:
            assert process.poll() is None, said.read_text()
            return running(home)

        yield Household(home, poll(up, "posthorn up was not ready", START_SECONDS), process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
