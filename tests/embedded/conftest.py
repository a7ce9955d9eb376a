"""Programs that hold servers or processes, to be killed from outside, and ways to wait for the end."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from messaging.embedded import Server, start_postgres, start_redis

ROOT = Path(__file__).parents[2]
DEADLINE = 20.0


def poll(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Holder:
    """A Python program in a process of its own, which first says something as one line of JSON."""

    def __init__(self, program: str, *arguments: object) -> None:
        argv = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
        self.process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said: Any = json.loads(self.process.stdout.readline())
        self.family = [child.pid for child in psutil.Process(self.process.pid).children(True)]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def eventually() -> Callable[[Callable[[], object], str], None]:
    return poll


@pytest.fixture
def gone() -> Callable[[list[int]], None]:
    return lambda pids: poll(lambda: not any(map(alive, pids)), f"some of {pids} still run")


@pytest.fixture
def hold() -> Iterator[Callable[..., Holder]]:
    holders: list[Holder] = []

    def make(program: str, *arguments: object) -> Holder:
        holders.append(Holder(program, *arguments))
        return holders[-1]

    yield make
    for holder in holders:
        holder.close()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Server]:
    server = start_postgres(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Server]:
    server = start_redis(tmp_path)
    yield server
    server.stop()
