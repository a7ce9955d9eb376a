"""What does it take to run one server as our child: start, be ready, stop, be killed, start again?"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from messaging import tether
from messaging.domain.errors import PosthornError

START_TIMEOUT = 30.0
"""Seconds until a server that neither runs nor ends counts as failed (crash recovery takes a while)."""
STOP_TIMEOUT = 15.0
_POLL = 0.01


class EmbeddedError(PosthornError):
    """A server could not be started or reached; the text names the setting and the remedy."""

    code = "server_unavailable"


@dataclass
class Server:
    """One server process; its `url` stays the same across restarts."""

    name: str
    url: str = field(repr=False)
    remedy: str
    """The last sentence of an error: what the operator can do instead."""
    log: Path
    launch: Callable[[], subprocess.Popen[bytes]]
    ready: Callable[[int], bool]
    """Whether the process with this id answers."""
    stop_signal: signal.Signals
    clean_up: Callable[[], None] = lambda: None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the running process, or None."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def start(self) -> None:
        """Start the process and return when it answers; nothing if it is running.

        Raises:
            EmbeddedError: it ended or did not answer in time; the text has the end of its log.
        """
        if self.pid is not None:
            return
        self._reap()
        beginning = self.log.stat().st_size if self.log.exists() else 0
        self._process = self.launch()
        try:
            answers = self._await_answer(self._process)
        except BaseException:  # Ctrl-C while waiting
            self.stop()
            raise
        if not answers:
            self.stop()
            said = last_lines(self.log, beginning)
            raise EmbeddedError(f"{self.name} did not start. {self.remedy}\n{said}")

    def stop(self) -> None:
        """Stop in order, by force after `STOP_TIMEOUT` seconds; nothing if it is not running."""
        try:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(self.stop_signal)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOP_TIMEOUT)
        finally:
            self.kill()
            self.clean_up()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL), and wait until it is gone."""
        if self._process is not None:
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._reap()

    def restart(self) -> None:
        """Stop in order and start again at the same URL."""
        self.stop()
        self.start()

    def _await_answer(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_TIMEOUT
        while not self.ready(process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(_POLL)
        return True

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            tether.let_go(self._process)
            self._process = None


def last_lines(log: Path, beginning: int = 0, lines: int = 15) -> str:
    """The last lines of what was written to `log` after byte `beginning`."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(beginning)
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
