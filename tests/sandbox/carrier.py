from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from messaging.sandbox import DEFAULT_ACCOUNT

ROOT = Path(__file__).resolve().parents[2]
SENDER = "+12025550100"


class Sandbox:
    """A carrier process, and what a test asks of it."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=10.0, trust_env=False)
        self.account = DEFAULT_ACCOUNT.sid
        self.token = DEFAULT_ACCOUNT.token

    @property
    def messages(self) -> str:
        return f"/2010-04-01/Accounts/{self.account}/Messages.json"

    def send(self, to: str, body: str = "hello", **fields: str) -> httpx.Response:
        form = {"To": to, "From": SENDER, "Body": body, **fields}
        return self.http.post(self.messages, data=form, auth=(self.account, self.token))

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def stop(self) -> float:
        """Asks the process to end; returns the seconds it took."""
        self.http.close()
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return time.monotonic() - began


def launch(*options: str, **environment: str) -> Sandbox:
    process = subprocess.Popen(
        [sys.executable, "-m", "messaging.sandbox", "--port", "0", *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    prefix = "sandbox listening on "
    assert line.startswith(prefix), line
    return Sandbox(process, line.removeprefix(prefix).strip())


Start = Callable[..., Sandbox]


def number(suffix: str) -> str:
    return f"+1202555{suffix}"


def accepted(sandbox: Sandbox) -> int:
    count: int = sandbox.get("/sandbox/summary")["accepted"]
    return count


@dataclass
class Posted:
    """One webhook as it came in."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]
    """Empty unless it is a form."""
    at: float
    body: bytes = b""
    method: str = "POST"

    @property
    def status(self) -> str:
        return self.form["MessageStatus"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """A server that takes receipts; `answers` are used up first, then it answers 204."""

    url: str
    posted: list[Posted] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def wait(self, count: int, seconds: float = 10.0) -> list[Posted]:
        """The receipts, once there are at least `count`."""
        deadline = time.monotonic() + seconds
        while len(self.posted) < count:
            assert time.monotonic() < deadline, f"{len(self.posted)} of {count} receipts"
            time.sleep(0.005)
        return list(self.posted)
