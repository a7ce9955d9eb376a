"""A neighbour's ten thousand rows of everything cost a tenant nothing: its requests come by its own rows.

What a scan visits is counted by Postgres itself, so the machine does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from messaging.api.app import create_app
from messaging.embedded import Servers
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import migrate
from tests.api.conftest import PUBLIC_URL, SECRET, Caller, a_caller, serving
from tests.api.crowd import multiply, visits
from tests.api.hostile_routes import TO
from tests.api.test_two_tenants import Pairs, everything, operations
from tests.api.tracing import Tracer, tracing
from tests.conftest import NewDatabase

CROWD = 10_000
ROWS, PAGES = 20, 20
"""How much more may be visited: a level more of each index, and what else a plan changes."""
ASKED: list[tuple[str, Any]] = [
    ("/v1/messages/search", {"to": TO}),
    ("/v1/messages", {"to": TO, "body": "Hi"}),
    ("/v1/messages", {"to": TO, "body": "Hi", "category": "MARKETING"}),
    ("/v1/messages/preview", {"body": "Hi"}),
    ("/v1/suppressions", {"to": TO}),
    ("/v1/suppressions/check", {"to": TO}),
    ("/v1/suppressions/history", {"to": TO}),
    ("/v1/consents/check", {"to": TO}),
    ("/v1/consents/history", {"to": TO}),
    ("/v1/numbers/check", {"to": TO}),
    ("/v1/erasures", {"to": "+12025550177"}),
    ("/v1/contacts", {"ref": "my contact", "phones": [TO]}),
    ("/v1/contacts/search", {"audience": {"lead_ids": ["my contact"]}, "channel": "sms"}),
    ("/v1/contacts/search", {"audience": {"search_keyword": "mine"}, "channel": "sms"}),
]


@dataclass
class World:
    """A database of its own, with the application over it and two tenants in it."""

    rt: Runtime
    mine: Caller
    neighbour: Caller
    http: httpx.Client
    pairs: Pairs


@pytest.fixture
def world(servers: Servers, new_database: NewDatabase) -> Iterator[World]:
    settings = Settings.read(
        database_url=new_database("crowd"),
        redis_url=servers.redis_url,
        secret_key=SECRET,
        public_url=PUBLIC_URL,
        callback_networks="127.0.0.0/8",
    )
    rt = Runtime.start(settings, name="crowd", seed=1)
    try:
        migrate.upgrade(rt.engine)
        mine, neighbour = a_caller(rt), a_caller(rt)
        with (
            serving(create_app(rt)) as url,
            httpx.Client(base_url=url, timeout=60) as http,
        ):
            http.headers.update(neighbour.headers)
            furnished(rt, http, neighbour)
            http.headers.update(mine.headers)
            yield World(rt, mine, neighbour, http, furnished(rt, http, mine))
    finally:
        rt.close()


def furnished(rt: Runtime, http: httpx.Client, who: Caller) -> Pairs:
    """Everything a tenant can have, and what an endpoint is told."""
    pairs = everything(rt, http, who)
    endpoint = f"/v1/endpoints/{pairs['endpoint_id'].theirs}"
    assert http.post(f"{endpoint}/test", json={"type": "message.sent"}).is_success
    return pairs


def requests_of(world: World) -> list[tuple[str, str, Any]]:
    """Every GET of what is the tenant's own, and every question that is a POST."""
    found: list[tuple[str, str, Any]] = []
    for method, path, _ in operations():
        names = re.findall(r"\{(\w+)\}", path)
        if method == "GET" and set(names) <= world.pairs.keys():
            found.append((method, path.format(**{n: world.pairs[n].theirs for n in names}), None))
    return found + [("POST", path, body) for path, body in ASKED]


def measured(world: World, tracer: Tracer) -> dict[str, dict[str, tuple[int, int]]]:
    """By request, what each of its statements visits."""
    found = {}
    for method, path, body in requests_of(world):
        ask = partial(world.http.request, method, path, json=body)
        trace = tracer.of(ask, world.mine.tenant.id)
        found[f"{method} {path} {body or ''}"] = visits(world.rt.engine, trace)
    world.rt.forget(world.mine.tenant.id)
    known = tracer.of(partial(world.rt.senders_of, world.mine.tenant.id), world.neighbour.tenant.id)
    return found | {"what a process knows of a tenant": visits(world.rt.engine, known)}


def test_a_neighbours_rows_are_not_visited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracing(world.rt, world.mine.key, monkeypatch) as tracer:
        measured(world, tracer)  # what is made only once is made
        before = measured(world, tracer)
        added = multiply(world.rt.engine, world.neighbour.tenant.id, CROWD)
        after = measured(world, tracer)
    assert len(before) > 40
    assert {"messages", "contacts", "suppression_events", "audit_log", "notices"} <= added.keys()
    grown = {
        f"{asked}\n{statement}": (before[asked].get(statement), visited)
        for asked, statements in after.items()
        for statement, visited in statements.items()
        if visited[0] > before[asked].get(statement, (0, 0))[0] + ROWS
        or visited[1] > before[asked].get(statement, (0, 0))[1] + PAGES
    }
    assert grown == {}
