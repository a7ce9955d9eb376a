"""What a request made the two servers do: its statements and commands, without the values in them.

Two requests that did the same took the same time, as far as anybody can tell from outside; milliseconds
of a busy machine say less than that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine

from messaging import access
from messaging.queues import KEY_PREFIX
from messaging.runtime import Runtime
from messaging.store import tables as t
from messaging.telemetry import COUNTERS_KEY

_OURS = re.compile(rf"{KEY_PREFIX}\S+")
"""A key of ours: the broker's carry no prefix."""
_AFTERWARDS = (f"{KEY_PREFIX}hint:", f"{KEY_PREFIX}awake:", COUNTERS_KEY)
"""Bells and counts: rung after the commit by other threads, at most once a moment for all tenants."""
_VALUE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}|[a-z2-7]{12}\b|\d+")


@dataclass
class Trace:
    """What was done, in its order."""

    statements: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    """What each statement was carried out with."""
    commands: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[list[str], list[str]]:
        """What can be compared with another request's."""
        return self.statements, self.commands


class Tracer:
    """Listens to one process's connections and to the whole of Redis."""

    def __init__(self, rt: Runtime, monitor: Any) -> None:
        self._rt, self._monitor = rt, monitor

    def of(self, ask: Callable[[], Any], tenant_id: UUID) -> Trace:
        """What `ask` made happen, if the process knew this tenant's senders already."""
        self._rt.senders_of(tenant_id)
        self._commands()
        trace = Trace()
        with _statements(self._rt.engine, trace):
            ask()
        trace.commands = self._commands()
        return trace

    def _commands(self) -> list[str]:
        """What Redis was asked since the last call."""
        mark = self._rt.new_id().hex
        self._rt.redis.echo(mark)
        found = []
        while mark not in (command := self._monitor.next_command()["command"]):
            key = _OURS.search(command)
            if key and not key[0].startswith(_AFTERWARDS):
                found.append(f"{command.partition(' ')[0]} {_VALUE.sub('*', key[0])}")
        return found


@contextmanager
def _statements(engine: Engine, trace: Trace) -> Iterator[None]:
    def asked(*given: Any) -> None:
        statement, values, many = given[2], given[3], given[5]
        trace.statements.append(f"{len(values)} x {statement}" if many else statement)
        trace.values.append(values)

    def ended(_connection: Any) -> None:
        trace.statements.append("COMMIT")
        trace.values.append(None)

    event.listen(engine, "before_cursor_execute", asked)
    event.listen(engine, "commit", ended)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", asked)
        event.remove(engine, "commit", ended)


@contextmanager
def tracing(rt: Runtime, key: str, patch: pytest.MonkeyPatch) -> Iterator[Tracer]:
    """A tracer of what is asked with one key: what is only done now and then is done beforehand."""
    patch.setattr("messaging.access._REMEMBERED_SECONDS", 3600.0)
    patch.setattr("messaging.runtime.STALE_FOR", timedelta(hours=1))
    with rt.engine.begin() as db:
        mine = t.api_keys.c.id == access.key_id_of(key)
        later = sa.func.now() + sa.text("interval '1 hour'")
        db.execute(
            sa.update(t.api_keys)
            .where(mine)
            .values(last_used_at=later, requests_per_minute=access.UNLIMITED)
        )
    client = redis.Redis.from_url(rt.settings.redis_url)
    try:
        with client.monitor() as monitor:  # type: ignore[no-untyped-call]
            yield Tracer(rt, monitor)
    finally:
        client.close()
