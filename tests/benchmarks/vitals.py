"""What do processes use, and how are they made to stand still while a round is prepared?"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence

import psutil  # type: ignore[import-untyped]

from messaging.processes import Group


@contextlib.contextmanager
def frozen(group: Group, name: str) -> Iterator[None]:
    """Every process of `name` stands still during the block, as if it had not started yet."""
    pids = group.pids(name)
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU used so far by these processes and all their descendants, those gone included."""
    total = 0.0
    for pid in pids:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += sum(process.cpu_times()[:4])
    return total


def resident_mb(pids: Sequence[int]) -> float:
    """Resident memory of the largest of these processes, in MiB."""
    sizes = [0.0]
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            sizes.append(psutil.Process(pid).memory_info().rss / 2**20)
    return max(sizes)
