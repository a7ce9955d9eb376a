"""Names are each tenant's own: one that another tenant has is free, and taking it is felt by nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from messaging.runtime import Runtime
from tests.api.hostile_routes import TO
from tests.api.test_isolation import told
from tests.api.test_two_tenants_paths import Asking, asking, foreign, tracer

__all__ = ["asking", "foreign", "tracer"]

Made = tuple[str, str, dict[str, Any]]
MAKING: dict[str, Callable[[str], Made]] = {
    "pool": lambda name: ("POST", "/v1/pools", {"name": name}),
    "use case": lambda name: ("POST", "/v1/use-cases", {"name": name, "pool": "main"}),
    "campaign": lambda name: ("POST", "/v1/campaigns", {"name": name, "body": "Hi"}),
    "contact": lambda name: ("POST", "/v1/contacts", {"ref": name, "phones": [TO]}),
    "endpoint": lambda name: ("POST", "/v1/endpoints", {"url": f"http://127.0.0.1:9/{name}"}),
    "brand": lambda name: ("PUT", f"/v1/brands/{name}", {"status": "active"}),
    "API key": lambda name: ("POST", "/v1/keys", {"name": name}),
    "binding": lambda name: (
        "PUT", "/v1/bindings", {"kind": "source", "ref": name, "pool": "main"},
    ),
    "sender": lambda name: (
        "POST", "/v1/senders", {"address": f"+120255501{len(name):02}", "account": "main"},
    ),
    "erasure": lambda name: ("POST", "/v1/erasures", {"to": f"+120255501{len(name):02}"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", MAKING)
def test_a_name_that_another_tenant_has_is_a_free_one(
    rt: Runtime, http: httpx.Client, foreign: httpx.Client, stranger: Any, asking: Asking, kind: str
) -> None:
    """It is answered as a fresh one, and looked for with the same statements."""
    make = MAKING[kind]
    method, path, body = make("theirs")
    assert http.request(method, path, json=body).is_success
    before = told(http)
    for name in ("a", "bb"):  # what is made only once is made
        method, path, body = make(name)
        assert foreign.request(method, path, json=body).is_success
        rt.forget(stranger.tenant.id)
    asking.same(*((m, p, {"json": b}) for m, p, b in map(make, ("own", "theirs"))))
    again = [foreign.request(m, p, json=b) for m, p, b in map(make, ("own", "theirs"))]
    assert again[0].status_code == again[1].status_code, again[1].text
    assert told(http) == before
