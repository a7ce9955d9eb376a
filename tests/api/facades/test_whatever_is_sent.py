"""Whatever fits a facade's document or does not: nothing breaks, and every answer is as it describes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.documented import documents
from tests.api.facades.people import PHONE, lead
from tests.api.hostile_routes import CANARY
from tests.api.test_hostile_input import RAW
from tests.api.test_schemathesis import CHECKS, EXAMPLES, MODES, STRICT, request

OPERATIONS = [
    (name, method.upper(), path)
    for name, document in documents().items()
    if name
    for path, found in document["paths"].items()
    for method in found
]


@pytest.fixture
def known(rt: Runtime, http: httpx.Client, caller: Caller) -> dict[str, str]:
    """What there is to ask for."""
    lead(rt, caller)
    asked = {"leadId": "lead_abc123", "message": "Hi"}
    data = http.post("/leadsail/api/v1/sms/send", json=asked).json()["data"]
    use_case = http.post("/v1/use-cases", json={"name": "alerts", "pool": "main"}).json()["id"]
    return {
        "sms_id": data["messageId"],
        "leadId": "lead_abc123",
        "conversationId": data["interactionId"],
        "interactionId": data["interactionId"],
        "use_case_id": use_case,
        "to_phone_number": PHONE,
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_no_request_breaks_a_facade(
    address: str, caller: Caller, known: dict[str, str], operation: tuple[str, str, str]
) -> None:
    name, method, path = operation
    found = schemathesis.openapi.from_dict(documents()[name])[path][method]
    cases = st.one_of(*(found.as_strategy(generation_mode=mode) for mode in MODES))

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
        sent = request(case, data, known, f"{address}/{name}")
        made = {k: v for k, v in (sent["headers"] or {}).items() if k.lower() not in _OURS}
        sent["headers"] = {**made, **caller.headers, **_credentials(caller)}
        body = sent.get("json")
        if isinstance(body, dict):  # or nothing would ever be found
            there = data.draw(st.sets(st.sampled_from(list(known))), label="there")
            sent["json"] = body | {n: known[n] for n in there & body.keys()}
        answer = session.request(**sent, timeout=20, allow_redirects=False)
        # A name of dots leads to another address, which may not take this method.
        case.validate_response(answer, checks=CHECKS if answer.status_code == 405 else STRICT)
        assert len(answer.headers["x-request-id"].split(",")) == 1

    with requests.Session() as session:
        session.trust_env = False
        run()


_OURS = {"api-token", "app-id", "authorization", "x-api-key", "prefer"}


def _credentials(caller: Caller) -> dict[str, str]:
    """LigueLead's own headers; the others do not look at them."""
    return {"api-token": caller.key, "app-id": caller.tenant.name}


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
@pytest.mark.parametrize(
    "path", ["/leadsail/api/v1/sms/send", "/leadping/sms/send", "/usecase/v1/sms/"]
)
def test_what_is_no_json_is_refused_and_not_repeated(
    http: httpx.Client, path: str, raw: bytes
) -> None:
    answer = http.post(path, content=raw)
    assert 400 <= answer.status_code < 500, answer.text
    assert CANARY not in answer.text
    assert answer.headers["content-type"] == "application/json"
