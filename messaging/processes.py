"""How do several processes run as one: started together, logged apart, restarted, stopped in order?

    with Group([api, workers, beat]) as group:
        group.wait()

One thread of the group starts and reaps every process, because on Linux a child ends with the thread
that started it (`messaging.tether`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]

from messaging import tether
from messaging.domain.errors import PosthornError
from messaging.embedded.server import last_lines

READY_TIMEOUT = 30.0
STOP_GRACE = 15.0
FIRST_BACK_OFF = 0.2
LONGEST_BACK_OFF = 30.0
STEADY = 10.0
"""A process that ran this many seconds has recovered: its next death is a first one."""
_POLL = 0.05


class ProcessError(PosthornError):
    """A process did not become ready; the text has the end of its log."""

    code = "process_failed"


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a group: what to run and when it counts as running."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    """The whole environment, not an addition to ours."""
    log: Path
    ready: Callable[[], bool] | None = None
    """Asked from the thread that starts the group; None: ready as soon as it is started."""
    restart: bool = True
    """Start it again, after a growing pause, when it ends by itself."""


@dataclass
class _Child:
    """A process of the group as it is now. Only the group's thread starts and reaps it."""

    process: Process
    running: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    log_start: int = 0
    back_off: float = FIRST_BACK_OFF
    due: float = 0.0
    status: int | None = None
    """How it last ended: an exit code, or minus a signal."""
    family: list[psutil.Process] = field(default_factory=list)

    def start(self) -> None:
        log = self.process.log
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log_start = log.stat().st_size if log.exists() else 0
        self.started = time.monotonic()
        self.running = tether.start(self.process.argv, log=log, env=self.process.env)

    def reap(self) -> bool:
        """Whether it has just ended; what is left of its process group ends with it."""
        if self.running is None or self.running.poll() is None:
            return False
        self.status = self.running.returncode
        with contextlib.suppress(OSError):
            os.killpg(self.running.pid, signal.SIGKILL)
        tether.let_go(self.running)
        self.running = None
        return True

    def revive(self) -> None:
        now = time.monotonic()
        if self.reap():
            if now - self.started > STEADY:
                self.back_off = FIRST_BACK_OFF
            self.due = now + self.back_off
            self.back_off = min(self.back_off * 2, LONGEST_BACK_OFF)
        if self.running is None and self.process.restart and now >= self.due:
            self.start()

    def terminate(self) -> None:
        if self.running is not None:
            self.family = _descendants(self.running.pid)
            self.running.terminate()

    def kill(self) -> None:
        """End the main process, its process group and every descendant seen before it was asked."""
        if self.running is not None:
            self.family += _descendants(self.running.pid)
            with contextlib.suppress(OSError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.reap()
        for process in self.family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.family = []


class Group:
    """Processes that start and stop together; a context manager.

    Entering starts all of them at once, in the order given, and returns when all are ready.
    Leaving sends SIGTERM in reverse order, and SIGKILL to what is left after `grace` seconds.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        ready_timeout: float = READY_TIMEOUT,
        grace: float = STOP_GRACE,
    ) -> None:
        self._children = {process.name: _Child(process) for process in processes}
        if len(self._children) != len(processes):
            raise ValueError("Two processes of a group have one name.")
        self._ready_timeout = ready_timeout
        self._grace = grace
        self._started = threading.Event()
        self._settled = threading.Event()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._problem: OSError | None = None
        self._thread = threading.Thread(target=self._supervise, name="processes", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start every process and return when all are ready. A group is started once.

        Raises:
            ProcessError: one ended, or was not ready in time. All are stopped by then.
        """
        self._thread.start()
        try:
            self._started.wait()
            deadline = time.monotonic() + self._ready_timeout
            for child in self._children.values():
                self._await_ready(child, deadline)
        except BaseException:
            self.stop()
            raise
        self._settled.set()

    def stop(self) -> None:
        """Stop every process and return when none is left. A second Ctrl-C skips the grace."""
        self._stopping.set()
        while self._thread.is_alive():
            try:
                self._thread.join()
            except KeyboardInterrupt:
                self._hurry.set()

    def wait(self) -> None:
        """Return at SIGINT or SIGTERM. Only in the main thread, where signals arrive."""
        asked = threading.Event()

        def note(_signum: int, _frame: FrameType | None) -> None:
            asked.set()

        before = {signum: signal.signal(signum, note) for signum in (signal.SIGINT, signal.SIGTERM)}
        try:
            asked.wait()
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    def pids(self, name: str) -> list[int]:
        """The process ids of `name`: the main one, then its descendants; empty if it is down."""
        running = self._children[name].running
        if running is None or running.returncode is not None:
            return []
        return [running.pid, *(process.pid for process in _descendants(running.pid))]

    def kill(self, name: str, signum: signal.Signals = signal.SIGKILL) -> None:
        """Send `signum` to the main process of `name`; nothing if it is down."""
        for pid in self.pids(name)[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    def _supervise(self) -> None:
        children = list(self._children.values())
        try:
            for child in children:
                child.start()
            self._started.set()
            while not self._stopping.wait(_POLL):
                for child in children:
                    # A process that ends before the group was ever ready is a fault, not bad luck.
                    child.revive() if self._settled.is_set() else child.reap()
        except OSError as problem:
            self._problem = problem
        finally:
            self._started.set()
            self._shut_down(children[::-1])

    def _shut_down(self, children: Sequence[_Child]) -> None:
        for child in children:
            child.terminate()
        deadline = time.monotonic() + self._grace
        while any(child.running is not None for child in children):
            if time.monotonic() > deadline or self._hurry.wait(_POLL):
                break
            for child in children:
                child.reap()
        for child in children:
            child.kill()

    def _await_ready(self, child: _Child, deadline: float) -> None:
        if self._problem is not None:
            raise ProcessError(f"A process could not be started: {self._problem}")
        ready = child.process.ready
        while ready is not None:
            # Asked in this order: another program may answer at the address this one could not have.
            answers, gone = ready(), child.running is None
            if answers and not gone:
                return
            late = time.monotonic() > deadline
            if gone or late:
                why = f"ended with status {child.status} before it was ready"
                if not gone:
                    why = f"was not ready within {self._ready_timeout:g} seconds"
                log = child.process.log
                said = last_lines(log, child.log_start)
                raise ProcessError(f"{child.process.name} {why}. The end of {log}:\n{said}")
            time.sleep(_POLL)


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []
