"""A conversation with a lead, and SMS in it as Leadping's document has them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.facades.people import lead

PATH = "/leadping/sms/send"


@pytest.fixture(name="thread")
def a_thread(rt: Runtime, caller: Caller, http: httpx.Client) -> str:
    """A conversation with a lead."""
    lead(rt, caller, source="web", campaign="spring")
    answer = http.post(
        "/leadsail/api/v1/sms/send", json={"leadId": "lead_abc123", "message": "first"}
    )
    return str(answer.json()["data"]["interactionId"])


def post(http: httpx.Client, thread: str, **fields: Any) -> httpx.Response:
    return http.post(PATH, json={"conversationId": thread, "text": "Hi", **fields})


def sent(http: httpx.Client, thread: str, **fields: Any) -> Any:
    answer = post(http, thread, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json()
