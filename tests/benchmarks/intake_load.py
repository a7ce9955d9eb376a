"""W4: what does it cost to keep a message before saying so?

Single requests to the real server against the same server's empty route, and lists through intake
against a bare COPY of the very rows they became.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import orjson
import sqlalchemy as sa

from messaging import access
from messaging.domain.message import Priority
from messaging.processes import Group
from tests.benchmarks.callers import CALLERS, Answered, call
from tests.benchmarks.empty_route import PATH
from tests.benchmarks.machine import LIST, Machine
from tests.benchmarks.witness import VoidRunError

_MESSAGES = """messages (id, tenant_id, channel, category, priority, status, segments, recipient_key,
  recipient, body, metadata, requested_sender_id, pool_id, conversation_id, scheduled_reason,
  scheduled_for, expires_at, created_at, queued_at)"""
_TABLES = {
    _MESSAGES: "id",
    "message_events (message_id, event, status)": "message_id",
    "ready (queue, message_id, epoch, tenant_id)": "message_id",
}
"""The columns intake writes, table by table, and what orders their rows."""


@dataclass(frozen=True, slots=True)
class Posts:
    """One comparison of the two routes."""

    durable: Answered
    empty: Answered


def posts(m: Machine, seconds: float, rounds: int) -> Iterator[Posts]:
    """Durable single sends and the empty route, in turns, on one running server.

    Raises:
        VoidRunError: an answer was not 202, or not every 202 is a row.
    """
    m.reset()
    key = access.mint(m.rt, m.tenant, "bench", 10_000_000)
    port, server = m.api()
    with Group([server]):
        call(port, _sends(m, key, 2_000), 1.0)
        for _ in range(rounds):
            nothing = post(key, b'{"to":"+12025550123","body":"Hello"}', PATH)
            empty = call(port, list(repeat(nothing, 200_000)), seconds)
            m.reset()
            durable = call(port, _sends(m, key, int(seconds * 12_000)), seconds)
            _check(m, durable, empty)
            yield Posts(durable, empty)


def _check(m: Machine, durable: Answered, empty: Answered) -> None:
    if set(empty.statuses) != {202} or set(durable.statuses) != {202}:
        raise VoidRunError(f"the server answered {durable.statuses} and {empty.statuses}")
    stored, said = m.scalar("SELECT count(*) FROM messages"), durable.statuses[202]
    # Requests that were on their way at the end are kept, though nobody heard the answer.
    if not said <= stored <= said + CALLERS:
        raise VoidRunError(f"{said} messages were accepted, {stored} are stored")


def _sends(m: Machine, key: str, count: int) -> list[bytes]:
    return [
        post(key, orjson.dumps({"to": r.to, "body": r.body, "priority": r.priority.value}))
        for r in m.requests(count, Priority.LOW)
    ]


def post(key: str, body: bytes, path: str = "/v1/messages") -> bytes:
    """One POST, as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True, slots=True)
class Bulk:
    """Rows a second, through intake and by bare COPY."""

    intake_per_s: float
    copy_per_s: float


def bulk(m: Machine, count: int) -> Bulk:
    """Take in `count` messages in lists, then COPY the same rows again in blocks as large.

    Raises:
        VoidRunError: not every message is stored.
    """
    m.reset()
    requests = m.requests(count)
    m.checkpoint()
    began = time.perf_counter()
    m.submit(requests)
    intake_seconds = time.perf_counter() - began
    blocks = {table: _blocks(m, table, order) for table, order in _TABLES.items()}
    _expect(m, count)
    m.reset()
    m.checkpoint()
    began = time.perf_counter()
    for n in range(len(blocks[_MESSAGES])):
        with m.rt.engine.begin() as db:
            cursor = db.connection.cursor()
            for table, lists in blocks.items():
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(lists[n])
    copy_seconds = time.perf_counter() - began
    _expect(m, count)
    return Bulk(count / intake_seconds, count / copy_seconds)


def _blocks(m: Machine, table: str, order: str) -> list[bytes]:
    """The table's rows in COPY's own format, `LIST` to a block."""
    name, columns = table.split(" ", 1)
    query = f"COPY (SELECT {columns.strip('()')} FROM {name} ORDER BY {order}) TO STDOUT"
    with m.rt.engine.connect() as db:
        cursor = db.connection.cursor()
        with cursor.copy(query) as copy:
            lines = b"".join(copy).splitlines(keepends=True)
    return [b"".join(lines[n : n + LIST]) for n in range(0, len(lines), LIST)]


def _expect(m: Machine, count: int) -> None:
    with m.rt.engine.connect() as db:
        for table in _TABLES:
            name = table.split(" ", 1)[0]
            stored = db.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one()
            if stored != count:
                raise VoidRunError(f"{name} has {stored} rows of {count}")
