"""Who hands messages in? A tenant over HTTP, who notes what was answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from celery import Celery

from messaging.store.tenants import Tenant

_AREAS = (202, 212, 213, 305, 312, 404, 415, 503, 512, 602, 617, 702, 713, 718, 808, 917)


def recipient(n: int) -> str:
    """A fictional number; none of those by which the carrier is told to misbehave."""
    return f"+1{_AREAS[n // 90 % len(_AREAS)]}5550{100 + n % 90}"


def texts(count: int, word: str = "message", **fields: Any) -> list[dict[str, Any]]:
    """Messages to send, each with a body of its own."""
    return [{"to": recipient(n), "body": f"{word} {n}", **fields} for n in range(count)]


@dataclass
class Caller:
    """A tenant of the rig."""

    url: str
    tenant: Tenant
    key: str = field(repr=False)
    senders: dict[str, list[str]]
    """The numbers of each account, by the carrier's name for the account."""
    ids: list[UUID] = field(default_factory=list)
    """Every message that was answered with 202."""
    _local: threading.local = field(default_factory=threading.local, repr=False)
    _clients: list[httpx.Client] = field(default_factory=list, repr=False)

    @property
    def accounts(self) -> list[str]:
        return list(self.senders)

    @property
    def http(self) -> httpx.Client:
        """A client of the calling thread's own."""
        if not hasattr(self._local, "client"):
            self._local.client = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {self.key}"},
                timeout=10.0,
                trust_env=False,
            )
            self._clients.append(self._local.client)
        client: httpx.Client = self._local.client
        return client

    def close(self) -> None:
        """Close every thread's connections."""
        for client in self._clients:
            client.close()

    def post(self, message: dict[str, Any], key: str | None = None) -> httpx.Response:
        """Hand one message in, once."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.http.post("/v1/messages", json=message, headers=headers)
        if answer.status_code == 202:
            self.ids.append(UUID(answer.json()["id"]))
        return answer

    def send(self, messages: Sequence[dict[str, Any]], batch: int = 500) -> list[UUID]:
        """Hand lists in; every one must be taken."""
        taken: list[UUID] = []
        for start in range(0, len(messages), batch):
            answer = self.http.post("/v1/messages", json=messages[start : start + batch])
            assert answer.status_code == 202, answer.text
            taken += ids_of(answer)
        self.ids += taken
        return taken

    def insist(self, messages: Sequence[dict[str, Any]], key: str, seconds: float = 60) -> int:
        """Hand one list in until it is taken, always with one key; returns the tries it took."""
        deadline = time.monotonic() + seconds
        for tries in range(1, 1000):
            try:
                answer = self.http.post(
                    "/v1/messages", json=list(messages), headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                self.ids += ids_of(answer)
                return tries
            if answer is not None:
                assert answer.status_code in {409, 503}, answer.text
            assert time.monotonic() < deadline, f"{key} was not taken within {seconds:g} s"
            time.sleep(0.1)
        raise AssertionError(key)


def ids_of(answer: httpx.Response) -> list[UUID]:
    """The ids in the answer to a list, all of which was taken."""
    content = answer.json()
    assert content["refused"] == 0, content
    return [UUID(entry["id"]) for entry in content["data"]]


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


def client_of(broker_url: str) -> Celery:
    """What another service makes: a Celery client that knows the broker and nothing else."""
    return Celery(broker=broker_url, set_as_current=False)
