"""What the tests of LigueLead's door share: its example, and a caller with its two headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import Caller

EXAMPLE = """{
    "title": "Welcome Campaign",
    "message": "Welcome to LigueLead! Thank you for joining us.",
    "phones": ["11999999999", "11888888888"],
    "group_id": "optional-group-id"
  }"""
TEXT = {"title": "Teste", "message": "Bom dia", "phones": ["11999999999"]}
UUID4ISH = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ACCEPTED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def lead(address: str, caller: Caller) -> Iterator[httpx.Client]:
    headers = {
        "api-token": caller.key,
        "app-id": caller.tenant.name,
        "Content-Type": "application/json",
    }
    with httpx.Client(base_url=f"{address}/liguelead", timeout=60, headers=headers) as client:
        yield client


def looked_up(lead: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    found = lead.get(f"/v1/sms/{answer.json()['data']['campaign_id']}")
    assert found.status_code == 200, found.text
    data: dict[str, Any] = found.json()["data"]
    return data
