"""What belongs to another tenant is looked for as what is nowhere: the same statements, the same commands.

So no clock tells the two apart, on whatever machine. A new operation takes part by itself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest

from messaging.runtime import Runtime
from tests.api.hostile_routes import AT, TO
from tests.api.test_isolation import hears
from tests.api.test_two_tenants import (
    Pair,
    at_facades,
    body_of,
    everything,
    in_bodies,
    operations,
)
from tests.api.tracing import Trace, Tracer, tracing

Request = tuple[str, str, dict[str, Any]]
"""Method, address, and what it carries."""


@pytest.fixture
def foreign(address: str, stranger: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=20, headers=stranger.headers) as client:
        yield client


@pytest.fixture
def tracer(
    rt: Runtime, foreign: httpx.Client, stranger: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Tracer]:
    with tracing(rt, stranger.key, monkeypatch) as found:
        assert foreign.get("/v1/senders").is_success  # whose key it is, is known from now on
        yield found


FROM_MEMORY = {"/v1/messages", "/v1/messages/preview", "/v1/campaigns"}
"""Whose senders and pools are known to the process already, a tenant's at a time."""


class Asking:
    """Asks as one tenant, and compares what was done."""

    def __init__(self, http: httpx.Client, tracer: Tracer, tenant_id: UUID) -> None:
        self._http, self._tracer, self._tenant_id = http, tracer, tenant_id

    def same(self, one: Request, other: Request) -> Trace:
        """Both requests did the same, and asked the database something; what the second did."""
        traces = [
            self._tracer.of(partial(self._ask, asked), self._tenant_id) for asked in (one, other)
        ]
        assert traces[0].shape == traces[1].shape, other[:2]
        assert traces[1].statements or other[1] in FROM_MEMORY, f"{other[:2]} asks nobody"
        return traces[1]

    def _ask(self, asked: Request) -> None:
        method, path, given = asked
        answer = self._http.request(method, path, **given)
        assert answer.status_code != 500, answer.text


@pytest.fixture
def asking(foreign: httpx.Client, tracer: Tracer, stranger: Any) -> Asking:
    return Asking(foreign, tracer, stranger.tenant.id)


def given_of(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """What a request to an operation carries."""
    if path == "/v1/dnc/{registry}":
        return {"params": {"scrubbed_at": AT}, "content": "number\n"}
    return {"json": body_of(operation)}


def test_every_operation_does_as_for_what_is_nowhere(
    rt: Runtime, http: httpx.Client, caller: Any, asking: Asking
) -> None:
    pairs = everything(rt, http, caller)
    for method, path, operation in operations():
        names = re.findall(r"\{(\w+)\}", path)
        if not names:
            continue
        nowhere, theirs = (
            path.format(**{name: getattr(pairs[name], which) for name in names})
            for which in ("nowhere", "theirs")
        )
        given = given_of(path, operation)
        asking.same((method, nowhere, given), (method, theirs, given))


def test_what_a_body_names_is_looked_for_in_the_same_way(
    rt: Runtime, http: httpx.Client, caller: Any, asking: Asking
) -> None:
    pairs = everything(rt, http, caller)
    asked = [in_bodies(pairs, which) for which in ("nowhere", "theirs")]
    for nowhere, theirs in zip(*asked, strict=True):
        asking.same(*((m, path, {"json": body}) for m, path, body in (nowhere, theirs)))


def test_the_five_documents_do_as_for_what_is_nowhere_too(
    rt: Runtime, http: httpx.Client, caller: Any, asking: Asking, stranger: Any
) -> None:
    pairs = everything(rt, http, caller)
    pairs["campaign_uuid"] = Pair(a_batch(http, caller))
    headers = tokens(stranger)
    asked = [at_facades(pairs, which) for which in ("nowhere", "theirs")]
    for nowhere, theirs in zip(*asked, strict=True):
        asking.same(*((m, p, {"json": b, "headers": headers}) for m, p, b in (nowhere, theirs)))


MESSAGE = {"to": TO, "body": "Hi"}
KEYED: list[tuple[str, Any]] = [
    ("/v1/messages", MESSAGE),
    ("/v1/messages", [MESSAGE]),
    ("/leadsail/api/v1/sms/send", {"leadId": "shared lead", "message": "Hi", "to": TO}),
    ("/liguelead/v1/sms", {"title": "x", "message": "Hi", "phones": ["11999999999"]}),
    (
        "/unified/api/messaging/send",
        {"sender_type": "sms", "message_data": {"recipient": TO, "content": "Hi"}},
    ),
    ("/usecase/v1/sms/", {"to_phone_number": TO, "message": "Hi"}),
]


@pytest.mark.parametrize(("path", "body"), KEYED, ids=[f"{p} {type(b).__name__}" for p, b in KEYED])
def test_a_key_that_another_tenant_used_is_a_fresh_one(
    http: httpx.Client,
    foreign: httpx.Client,
    caller: Any,
    stranger: Any,
    asking: Asking,
    path: str,
    body: Any,
) -> None:
    bodies = []
    for client, who in ((http, caller), (foreign, stranger)):
        client.headers.update(tokens(who))
        made = client.post("/v1/contacts", json={"ref": "shared lead", "phones": [TO]})
        assert made.is_success, made.text
        case = client.post("/v1/use-cases", json={"name": "c", "pool": "main"}).json()["id"]
        bodies.append({**body, "use_case_id": case} if "usecase" in path else body)
    name = secrets.token_hex(8)
    used = http.post(path, json=bodies[0], headers={"Idempotency-Key": name})
    assert used.is_success, used.text
    first = foreign.post(path, json=bodies[1], headers={"Idempotency-Key": "a first one"})
    assert first.is_success, first.text  # its conversation is there from now on
    fresh, theirs = (
        ("POST", path, {"json": bodies[1], "headers": {"Idempotency-Key": key}})
        for key in (secrets.token_hex(8), name)
    )
    asking.same(fresh, theirs)


PAGED = [
    path
    for method, path, operation in operations()
    if method == "GET" and "{" not in path
    and "cursor" in {parameter["name"] for parameter in operation.get("parameters", ())}
]  # fmt: skip


def test_a_cursor_of_another_tenants_is_a_place_in_ones_own_list(
    rt: Runtime,
    http: httpx.Client,
    foreign: httpx.Client,
    caller: Any,
    stranger: Any,
    asking: Asking,
) -> None:
    for client, who in ((http, caller), (foreign, stranger)):
        everything(rt, client, who)
        hears(rt, client, who, "hello again", "SM" + "2" * 32)
        for path, body in (
            ("campaigns", {"name": "more", "body": "Hi"}),
            ("suppressions", {"to": "+12025550144"}),
            ("contacts", {"ref": "more", "phones": ["+12025550144"]}),
        ):
            assert client.post(f"/v1/{path}", json=body).is_success
    assert len(PAGED) >= 7
    for path in PAGED:
        own, theirs = (
            client.get(path, params={"limit": 1}).json()["next_cursor"]
            for client in (foreign, http)
        )
        assert None not in {own, theirs}, path
        asking.same(*(("GET", path, {"params": {"limit": 1, "cursor": c}}) for c in (own, theirs)))


def a_batch(http: httpx.Client, who: Any) -> str:
    """What a call of LigueLead's is known by."""
    body = {"title": "mine", "message": "Hi", "phones": ["11999999999"]}
    answer = http.post("/liguelead/v1/sms", json=body, headers=tokens(who))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["campaign_id"])


def tokens(who: Any) -> dict[str, str]:
    return {"api-token": who.key, "app-id": who.tenant.name}
