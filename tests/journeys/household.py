"""A whole Posthorn as its own program, and the command line beside it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import psutil  # type: ignore[import-untyped]

from messaging import cli
from messaging.discovery import Address, running

POSTHORN = str(Path(sys.executable).parent / "posthorn")
START_SECONDS = 150.0
"""A busy machine starts its dozen interpreters one after another."""
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


class Done(NamedTuple):
    """How a command ended and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def command(*words: str, env: Mapping[str, str], stdin: str = "") -> Done:
    """The command line, in this process: starting an interpreter costs a hundred times the work."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, env, clear=True),
        mock.patch.object(sys, "argv", [POSTHORN, *words]),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
    return Done(status, out.getvalue(), err.getvalue())


def program(*words: str, env: Mapping[str, str], stdin: str = "") -> Done:
    """The installed program, as a shell starts it."""
    done = subprocess.run(
        [POSTHORN, *words],
        env=dict(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Household:
    home: Path
    address: Address
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        return environment(self.home)

    @property
    def over_http(self) -> dict[str, str]:
        """Where no home and no database is known, only an address."""
        assert self.address.api_key is not None
        url = {"POSTHORN_URL": self.address.url, "POSTHORN_API_KEY": self.address.api_key}
        return environment(Path("/nowhere"), **url)

    def run(self, *words: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Done:
        return command(*words, env=env or self.environment, stdin=stdin)

    def json(self, *words: str, env: Mapping[str, str] | None = None) -> Any:
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

    def end(self, how: signal.Signals) -> None:
        """End it this way; nothing of it may be left, and its status must say how it went."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        assert len(family) > 10
        self.process.send_signal(how)
        status = self.process.wait(timeout=40)
        assert status == (-how if how is signal.SIGKILL else 0)
        poll(lambda: not any(map(_runs, family)), "some run on")
        assert running(self.home) is None


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


@contextlib.contextmanager
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
