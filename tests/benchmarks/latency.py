"""W9: how long does a one-time code take to the carrier: alone, beside a campaign, and in a crowd?

The campaign is the same tenant's, in the low lane; the crowd is another tenant's codes in the same lane.
HIGH messages at a constant rate, whether or not earlier ones are answered, through the real server
and the real pools. Timed from the caller's 202 to the moment the carrier had read the request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from messaging import access
from messaging.domain.message import Priority
from messaging.domain.request import SendRequest
from messaging.processes import Group
from messaging.queues import Task
from tests.benchmarks.drain import NOTHING_LEFT, check
from tests.benchmarks.machine import Machine, a_tenant
from tests.benchmarks.vitals import frozen
from tests.benchmarks.witness import VoidRunError, wait_until

RATE = 10
"""Codes a second."""
_WARM_UP_SECONDS = 3.0
_CAMPAIGN_RUNS = "SELECT EXISTS (SELECT 1 FROM ready WHERE queue = 'low')"
_CROWD_WAITS = "SELECT EXISTS (SELECT 1 FROM ready WHERE queue = 'high' AND tenant_id = :tenant)"


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from the 202, and from when the caller meant to send, to the carrier."""

    samples: int
    p50_ms: float
    p99_ms: float
    from_intended_p99_ms: float


@dataclass(frozen=True, slots=True)
class _Code:
    """One code that was accepted."""

    message_id: str
    intended: float
    accepted: float


def one_time_codes(
    m: Machine, seconds: float, campaign: int, crowd: int
) -> tuple[Latencies, Latencies, Latencies]:
    """Latencies of codes alone, then while `campaign` LOW messages drain, then `crowd` HIGH ones.

    Raises:
        VoidRunError: a code was refused, lost or repeated, or none was sent beside the others.
    """
    m.reset()
    other, _ = a_tenant(m.rt, m.account.base_url, f"crowd-{m.rt.new_id()}")
    key = access.mint(m.rt, m.tenant, "codes")
    port, server = m.api()
    with Group([server, m.workers("high"), m.workers("low")]) as group:
        warm = _send(m, port, key, _WARM_UP_SECONDS, lambda: True)
        alone = _send(m, port, key, seconds, lambda: True)
        with frozen(group, "low"):
            m.submit(m.requests(campaign))
            m.settle()
        m.rt.hints.ring(Task.DISPATCH_LOW)
        beside = _send(m, port, key, seconds, lambda: bool(m.scalar(_CAMPAIGN_RUNS)))
        wait_until(lambda: not m.scalar(_CAMPAIGN_RUNS), "the campaign's end")
        with frozen(group, "high"):
            m.submit(m.requests(crowd, Priority.HIGH), other)
            m.settle()
        m.rt.hints.ring(Task.DISPATCH_HIGH)
        among = _send(m, port, key, seconds, lambda: bool(m.scalar(_CROWD_WAITS, tenant=other.id)))
        total = len(warm) + len(alone) + campaign + len(beside) + crowd + len(among)
        wait_until(lambda: m.carrier.counts()["accepted"] >= total, "the crowd's end")
        wait_until(lambda: m.scalar(NOTHING_LEFT), "the last result")
    check(m, total)
    if not beside or not among:
        raise VoidRunError("the others were gone before the first code; make them more")
    arrived = {row["m"]: float(row["at"]) for row in m.carrier.rows()}
    return _latencies(alone, arrived), _latencies(beside, arrived), _latencies(among, arrived)


def _send(
    m: Machine, port: int, key: str, seconds: float, going_on: Callable[[], bool]
) -> list[_Code]:
    """Send codes at the constant rate for `seconds`, or until `going_on` is no longer true."""
    requests = m.requests(int(seconds * RATE), Priority.HIGH)
    headers = {"Authorization": f"Bearer {key}"}
    url = f"http://127.0.0.1:{port}"
    with (
        httpx.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False) as http,
        ThreadPoolExecutor(8) as callers,
    ):
        sent: list[Future[_Code]] = []
        began = time.time()
        for n, asked in enumerate(requests):
            intended = began + n / RATE
            time.sleep(max(0.0, intended - time.time()))
            if n % RATE == 0 and not going_on():
                break
            sent.append(callers.submit(_post, http, asked, intended))
        return [code.result() for code in sent]


def _post(http: httpx.Client, asked: SendRequest, intended: float) -> _Code:
    form = {"to": asked.to, "body": asked.body, "priority": asked.priority.value}
    reply = http.post("/v1/messages", json=form)
    accepted = time.time()
    if reply.status_code != HTTPStatus.ACCEPTED:
        raise VoidRunError(f"a code was answered with {reply.status_code}: {reply.text}")
    return _Code(reply.json()["id"], intended, accepted)


def _latencies(codes: Sequence[_Code], arrived: dict[str, float]) -> Latencies:
    from_accept = sorted((arrived[c.message_id] - c.accepted) * 1000 for c in codes)
    from_intended = sorted((arrived[c.message_id] - c.intended) * 1000 for c in codes)
    last = len(codes) * 99 // 100
    return Latencies(
        len(codes), from_accept[len(codes) // 2], from_accept[last], from_intended[last]
    )
