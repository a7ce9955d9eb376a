"""Whatever fits the OpenAPI document or does not: no route breaks, and every answer is as it says.

`POSTHORN_SCHEMATHESIS_EXAMPLES` makes it longer: requests to each operation. Unset, all of them together
get a thousand.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.documented import documents
from tests.api.hostile_routes import TO
from tests.api.test_hostile_input import HOSTILE, RAW, spots

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STRICT = [*CHECKS, status_code_conformance]
"""Also: no answer but those that are documented."""
_KEYS = {"authorization", "x-api-key"}
MODES = list(schemathesis.GenerationMode)
EVIL = st.sampled_from(
    [text for text in HOSTILE if isinstance(text, str) and 0 < len(text) < 3_000]
) | st.text(min_size=1, max_size=20)
"""What fits into an address and should not be there."""


def document() -> dict[str, Any]:
    """The API's document; nothing is connected for it."""
    found: dict[str, Any] = documents()[""]
    return found


@cache
def api() -> Any:
    load_all_checks()
    return schemathesis.openapi.from_dict(document())


OPERATIONS = [
    (method.upper(), path) for path, found in document()["paths"].items() for method in found
]
EXAMPLES = int(os.environ.get("POSTHORN_SCHEMATHESIS_EXAMPLES", 1_000 // len(OPERATIONS)))


@pytest.fixture
def known(http: httpx.Client, caller: Any) -> dict[str, str]:
    """Path parameters that name something."""
    sent = http.post("/v1/messages", json={"to": TO, "body": "Hi", "draft": True}).json()
    http.post("/v1/endpoints", json={"url": "https://8.8.8.8/hook"})
    http.post("/v1/contacts", json={"ref": "main", "phones": [TO]})
    endpoints = http.get("/v1/endpoints").json()["data"]
    return {
        "message_id": sent["id"],
        "sender_id": str(caller.sender.id),
        "name": "main",
        "registry": "US",
        "campaign": "main",
        "template": "main",
        "contact": "main",
        "code": "not_found",
        "provider": "twilio",
        "account": str(caller.account.id),
        **({"endpoint_id": endpoints[0]["id"]} if endpoints else {}),
    }


def request(
    case: schemathesis.Case[Any], data: st.DataObject, known: Mapping[str, str], address: str
) -> dict[str, Any]:
    """A case as it is sent: often to what is there, and now and then with something evil in it."""
    sent = case.as_transport_kwargs(base_url=address)
    parameters = dict(case.path_parameters or {})
    for name, value in parameters.items():
        choices = [known.get(name, value)] * 3 + [value, data.draw(EVIL, label=f"evil {name}")]
        parameters[name] = data.draw(st.sampled_from(choices), label=name)
    sent["url"] = address + case.path.format(**{n: _quoted(v) for n, v in parameters.items()})
    evil_query, evil_body = data.draw(st.tuples(st.booleans(), st.booleans()), label="evil")
    declared = [p.name for p in case.operation.query]
    if declared and evil_query:
        name = data.draw(st.sampled_from(declared), label="query name")
        sent["url"] += f"?{name}={_quoted(data.draw(EVIL, label='query value'))}"
        sent["params"] = {k: v for k, v in (sent.get("params") or {}).items() if k != name}
    if "json" in sent and evil_body:
        raw = _spoiled(sent.pop("json"), data)
        sent["data"] = raw
        sent["headers"] = {**(sent["headers"] or {}), "Content-Type": "application/json"}
    return sent


def _spoiled(body: Any, data: st.DataObject) -> bytes:
    """A body with a hostile value somewhere in it, or in its place."""
    places = list(spots(body)) if isinstance(body, dict | list) else []
    if not places or data.draw(st.integers(0, 5), label="whole body") == 0:
        return data.draw(st.sampled_from(RAW), label="raw body")
    copy = json.loads(json.dumps(body))
    path = data.draw(st.sampled_from(places), label="place")
    at = copy
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = data.draw(st.sampled_from(HOSTILE), label="value")
    return json.dumps(copy).encode()


def _quoted(value: object) -> str:
    return quote(str(value), safe="", errors="surrogatepass")


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_no_request_breaks_an_operation(
    address: str, caller: Any, known: Mapping[str, str], operation: tuple[str, str]
) -> None:
    method, path = operation
    found = api()[path][method]
    cases = st.one_of(*(found.as_strategy(generation_mode=m) for m in MODES))

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, data=st.data())
    def run(case: schemathesis.Case[Any], data: st.DataObject) -> None:
        sent = request(case, data, known, address)
        made = {k: v for k, v in (sent["headers"] or {}).items() if k.lower() not in _KEYS}
        sent["headers"] = {**made, **caller.headers}
        answer = session.request(**sent, timeout=20, allow_redirects=False)
        # A name of dots leads to another address, which may not take this method.
        case.validate_response(answer, checks=CHECKS if answer.status_code == 405 else STRICT)
        assert answer.headers["x-request-id"]

    with requests.Session() as session:
        session.trust_env = False
        run()
