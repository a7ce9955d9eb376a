"""A carrier whose answers are written down beforehand, and the answers it knows."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx

from messaging.domain.failures import Failure
from messaging.providers.transport import Transport

Reply = httpx.Response | Failure
Answer = Callable[[httpx.Request], Reply | None]


class Carrier(Transport):
    """A transport whose answers are written down beforehand; None is a call that hangs."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__()
        self.answer: Answer = answer or accept
        self.requests: list[httpx.Request] = []
        self.lookups: list[httpx.Request] = []
        self.most_in_flight = 0
        self.closed = False
        self._ended: deque[tuple[object, Reply]] = deque()
        self._hanging: list[object] = []

    @property
    def in_flight(self) -> int:
        return len(self._ended) + len(self._hanging)

    def submit(self, token: object, request: httpx.Request) -> None:
        self.requests.append(request)
        reply = self.answer(request)
        if reply is None:
            self._hanging.append(token)
        else:
            self._ended.append((token, reply))
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def poll(self, wait: float) -> list[tuple[object, Reply]]:
        if not self._ended:
            time.sleep(min(wait, 0.002))
        ended = list(self._ended)
        self._ended.clear()
        return ended

    def answer_hanging(self, reply: Reply) -> None:
        """Let the calls that hang end with this reply."""
        self._ended.extend((token, reply) for token in self._hanging)
        self._hanging.clear()

    def call(self, request: httpx.Request) -> Reply:
        self.lookups.append(request)
        reply = self.answer(request)
        assert reply is not None
        return reply

    def close(self) -> None:
        self.closed = True

    @property
    def forms(self) -> list[dict[str, str]]:
        """The fields of each send, in order."""
        return [dict(parse_qsl(r.read().decode())) for r in self.requests]


def accept(_request: httpx.Request) -> Reply:
    return accepted()


def accepted(sid: str | None = None) -> httpx.Response:
    return httpx.Response(
        201, json={"sid": sid or f"SM{secrets.token_hex(16)}", "status": "queued"}
    )


def refused(status: int, code: int, **headers: str) -> httpx.Response:
    return httpx.Response(
        status,
        json={"code": code, "message": "no", "status": status},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def listing(*entries: dict[str, Any]) -> httpx.Response:
    """Twilio's page of messages, complete."""
    return httpx.Response(200, json={"messages": list(entries), "next_page_uri": None})
