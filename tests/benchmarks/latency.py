"""W9: how long does a one-time code take to the carrier: alone, beside a campaign, and in a crowd?

The campaign is the same tenant's, in the low lane; the crowd is another tenant's codes in the same lane.
HIGH messages at a constant rate, whether or not earlier ones are answered, through the real server
and the real pools. Timed from the caller's 202 to the moment the carrier had read the request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
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
"""Messages a second."""
WARM_UP_SECONDS = 3.0
READY_SECONDS = 120.0
"""How long processes may take to start: on a busy machine they do."""
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
class Sent:
    """One message that was answered with 202; when it was meant to be sent, and when it was."""

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
    pools = [m.workers("high"), m.workers("low")]
    with Group([server, *pools], ready_timeout=READY_SECONDS) as group:
        warm = send(m, port, key, WARM_UP_SECONDS)
        alone = send(m, port, key, seconds)
        with frozen(group, "low"):
            m.submit(m.requests(campaign))
            m.settle()
        m.rt.hints.ring(Task.DISPATCH_LOW)
        beside = send(m, port, key, seconds, lambda: bool(m.scalar(_CAMPAIGN_RUNS)))
        wait_until(lambda: not m.scalar(_CAMPAIGN_RUNS), "the campaign's end")
        with frozen(group, "high"):
            m.submit(m.requests(crowd, Priority.HIGH), other)
            m.settle()
        m.rt.hints.ring(Task.DISPATCH_HIGH)
        among = send(m, port, key, seconds, lambda: bool(m.scalar(_CROWD_WAITS, tenant=other.id)))
        total = len(warm) + len(alone) + campaign + len(beside) + crowd + len(among)
        wait_until(lambda: m.carrier.counts()["accepted"] >= total, "the crowd's end")
        wait_until(lambda: m.scalar(NOTHING_LEFT), "the last result")
    check(m, total)
    if not beside or not among:
        raise VoidRunError("the others were gone before the first code; make them more")
    arrived = {row["m"]: float(row["at"]) for row in m.carrier.rows()}
    return latencies(alone, arrived), latencies(beside, arrived), latencies(among, arrived)


def send(
    m: Machine,
    port: int,
    key: str,
    seconds: float,
    going_on: Callable[[], bool] = lambda: True,
    priority: Priority = Priority.HIGH,
) -> list[Sent]:
    """Send messages at the constant rate for `seconds`, or until `going_on` is no longer true.

    Raises:
        VoidRunError: one was refused.
    """
    requests = m.requests(int(seconds * RATE), priority)
    headers = {"Authorization": f"Bearer {key}"}
    url = f"http://127.0.0.1:{port}"
    with (
        httpx.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False) as http,
        ThreadPoolExecutor(8) as callers,
    ):
        sent: list[Future[Sent]] = []
        began = time.time()
        for n, asked in enumerate(requests):
            intended = began + n / RATE
            time.sleep(max(0.0, intended - time.time()))
            if n % RATE == 0 and not going_on():
                break
            sent.append(callers.submit(_post, http, asked, intended))
        return [one.result() for one in sent]


def _post(http: httpx.Client, asked: SendRequest, intended: float) -> Sent:
    form = {"to": asked.to, "body": asked.body, "priority": asked.priority.value}
    reply = http.post("/v1/messages", json=form)
    accepted = time.time()
    if reply.status_code != HTTPStatus.ACCEPTED:
        raise VoidRunError(f"a message was answered with {reply.status_code}: {reply.text}")
    return Sent(reply.json()["id"], intended, accepted)


def latencies(sent: Sequence[Sent], arrived: Mapping[str, float]) -> Latencies:
    """How long messages took, by when the carrier had read each one's request."""
    from_accept = sorted((arrived[one.message_id] - one.accepted) * 1000 for one in sent)
    from_intended = sorted((arrived[one.message_id] - one.intended) * 1000 for one in sent)
    last = len(sent) * 99 // 100
    return Latencies(len(sent), from_accept[len(sent) // 2], from_accept[last], from_intended[last])
