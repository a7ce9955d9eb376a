"""The examples of the five documented APIs are sent, and answered as their documents say."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.documented import Operation, bodies, operations, wrong
from tests.api.facades.people import lead

POSTS = [o for o in operations() if o.of and o.method == "POST" and o.id != "status_callback"]
"""The receipt address is for providers: tests/api/facades/test_usecase_webhook.py."""
READS = {"leadping": ("get_sms", "id"), "liguelead": ("get_campaign", "campaign_id"),
         "usecase": ("get_sms", "id")}  # fmt: skip
STANDS_FOR_A_CONVERSATION = STANDS_FOR_A_USE_CASE = "0197e2a4-6e1c-7d52-9c5b-0d6f0a7c1e11"


@pytest.fixture
def there(rt: Runtime, caller: Caller, http: httpx.Client) -> dict[str, dict[str, str]]:
    """What the examples name, by facade: the id in the document, and that of what is there."""
    lead(rt, caller)
    http.post("/v1/senders", json={"address": "news@example.com", "is_default": True})
    said = {"leadId": "lead_abc123", "message": "Hi"}
    talk = http.post("/leadsail/api/v1/sms/send", json=said).json()["data"]["interactionId"]
    use_case = http.post("/v1/use-cases", json={"name": "alerts", "pool": "main"}).json()["id"]
    return {
        "leadping": {STANDS_FOR_A_CONVERSATION: talk},
        "usecase": {STANDS_FOR_A_USE_CASE: use_case},
    }


@pytest.mark.parametrize("operation", POSTS, ids=lambda o: o.of)
def test_every_example_is_taken_and_answered_as_documented(
    http: httpx.Client, caller: Caller, there: dict[str, dict[str, str]], operation: Operation
) -> None:
    for name, _, body in bodies(operation):
        text = json.dumps(body)
        for said, made in there.get(operation.of, {}).items():
            text = text.replace(said, made)
        answer = ask(http, caller, operation, json.loads(text))
        assert answer.is_success, f"{name}: {answer.text}"
        assert not wrong(operation, answer), name
        reading = READS.get(operation.of)
        if reading is not None:
            check_reading(http, caller, operation.of, reading, answer.json())


def check_reading(
    http: httpx.Client, caller: Caller, of: str, reading: tuple[str, str], made: Any
) -> None:
    id_, name = reading
    (operation,) = [o for o in operations() if (o.of, o.id) == (of, id_)]
    key = made.get("data", made)[name]
    answer = ask(http, caller, operation, None, key)
    assert answer.status_code == 200, answer.text
    assert not wrong(operation, answer)


@pytest.mark.parametrize("operation", POSTS, ids=lambda o: o.of)
@pytest.mark.parametrize("body", ["", "{}", "[]", '{"text": 1}', "{"], ids=repr)
def test_what_is_refused_is_refused_as_documented(
    http: httpx.Client, caller: Caller, operation: Operation, body: str
) -> None:
    answer = http.request(operation.method, f"/{operation.of}{operation.path}", content=body,
                          headers=credentials(caller))  # fmt: skip
    assert answer.is_client_error
    assert not wrong(operation, answer)


def ask(
    http: httpx.Client, caller: Caller, operation: Operation, body: Any, key: str = ""
) -> httpx.Response:
    path = operation.path.format(**dict.fromkeys(("sms_id", "campaign_id"), key))
    return http.request(
        operation.method, f"/{operation.of}{path}", json=body, headers=credentials(caller)
    )


def credentials(caller: Caller) -> dict[str, str]:
    """LigueLead's own headers; the others do not look at them."""
    return {"api-token": caller.key, "app-id": caller.tenant.name}
