"""How does a child process end with us, whatever ends us?

Two threads hold every child. On Linux the kernel sends it a signal the moment the thread that started
it dies (`PR_SET_PDEATHSIG`). Everywhere, one small watchdog process sees our end of a pipe close and
ends what is left of each child's process group, grandchildren too. Neither needs our cooperation, so
`kill -9` leaves nothing behind.

This file is also the program of both: it runs as a script, and so imports only the standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

PR_SET_PDEATHSIG = 1
ORPHAN_GRACE = 1.0
"""Seconds a process group may outlive its leader before the watchdog kills the rest."""
_PYTHON = (sys.executable, "-I", "-S", str(Path(__file__).resolve()))


def start(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    death_signal: signal.Signals = signal.SIGTERM,
    grace: float = 5.0,
    user: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` as a child in its own session that does not outlive this process.

    Its output is appended to `log`. When we die it gets `death_signal`; `grace` seconds later its
    process group is killed. `user` is the (uid, gid) to become first, for a process started by root.
    A program that cannot be run ends with status 127 and says why in the log. On Linux the signal
    also comes when the *calling thread* ends: call it from a thread that lives as long as the child.
    """
    who = ",".join(str(part) for part in user) if user else "-"
    launcher = [*_PYTHON, "become", str(os.getpid()), str(int(death_signal)), who, *argv]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the program is the caller's to choose
            launcher,
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _watchdog.hold(process.pid, death_signal, grace)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)
    return process


def let_go(process: subprocess.Popen[bytes]) -> None:
    """Tell the watchdog that `process` has been reaped and its number may belong to another."""
    _watchdog.release(process.pid)


class _Watchdog:
    """The one watchdog of this process, started with its first child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipe: int | None = None
        self._held: dict[int, str] = {}

    def hold(self, pid: int, signum: int, grace: float) -> None:
        # The kernel has already sent the signal on Linux, and a second one means "hurry" to some.
        first = 0 if sys.platform == "linux" else int(signum)
        with self._lock:
            self._held[pid] = f"{pid} {first} {grace}\n"
            if self._pipe is None or not self._tell(self._held[pid]):
                self._pipe = self._spawn()
                for line in self._held.values():
                    self._tell(line)

    def release(self, pid: int) -> None:
        with self._lock:
            if self._held.pop(pid, None) is not None:
                self._tell(f"{pid} 0 -1\n")

    def forget(self) -> None:
        """In a forked copy of us: the children are not ours, and our end of the pipe must not stay."""
        pipe, self._pipe = self._pipe, None
        self._lock, self._held = threading.Lock(), {}
        if pipe is not None:
            os.close(pipe)

    def _tell(self, line: str) -> bool:
        if self._pipe is None:
            return False
        try:
            os.write(self._pipe, line.encode())
        except BrokenPipeError:  # somebody killed the watchdog
            return False
        return True

    def _spawn(self) -> int:
        if self._pipe is not None:
            os.close(self._pipe)
        theirs, ours = os.pipe()
        try:
            os.posix_spawn(
                sys.executable,
                [*_PYTHON, "watch"],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
            )
        finally:
            os.close(theirs)
        return ours


_watchdog = _Watchdog()
os.register_at_fork(after_in_child=_watchdog.forget)


def _become(parent: int, signum: int, who: str, argv: list[str]) -> NoReturn:
    """Turn this process into `argv`, as the user `who`, tied to the life of `parent`."""
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python; exec would keep it so
        signal.signal(ignored, signal.SIG_DFL)
    if who != "-":
        uid, gid = (int(part) for part in who.split(","))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user, which clears it; it survives exec.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("The process that started this one has ended already.")
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is the point
    except OSError as problem:
        sys.stderr.write(f"Cannot run {argv[0]}: {problem.strerror}\n")
        raise SystemExit(127) from None


def _watch(lines: Iterator[str]) -> None:
    """Remember what we are told to hold until the pipe closes; then end all of it."""
    os.setsid()
    os.closerange(3, 1024)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    held: dict[int, tuple[int, float]] = {}
    for line in lines:
        pid, first, grace = line.split()
        if float(grace) < 0:
            held.pop(int(pid), None)
        else:
            held[int(pid)] = (int(first), float(grace))
    _end(held)


def _end(held: dict[int, tuple[int, float]]) -> None:
    for pid, (first, _) in held.items():
        with contextlib.suppress(OSError):
            os.kill(pid, first)
    began = time.monotonic()
    while held:
        time.sleep(0.05)
        waited = time.monotonic() - began
        for pid, (_, grace) in list(held.items()):
            orphaned = waited > ORPHAN_GRACE and not _exists(pid)
            if waited > grace or orphaned:
                with contextlib.suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)
                del held[pid]
            elif not _exists(-pid):
                del held[pid]


def _exists(pid: int) -> bool:
    """Whether the process (or the group, for a negative number) is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    if sys.argv[1] == "watch":
        _watch(sys.stdin)
    else:
        _become(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
