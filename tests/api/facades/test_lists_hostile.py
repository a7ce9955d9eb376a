"""Nothing that is put into a list, or into the message to many, breaks a door or comes back from it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.api.conftest import Caller
from tests.api.facades.unified_document import BY_FILTERS, INSTAGRAM, VALID_SMS
from tests.api.hostile_routes import CANARY
from tests.api.test_hostile_input import HOSTILE, RAW, put, spots

LEAD = "/liguelead/v1/sms"
UNIFIED = "/unified/api/messaging/send"
_LIST = {
    "title": "t",
    "message": "m",
    "phones": ["11999999999"],
    "group_id": "g",
    "is_flash": False,
}
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "liguelead": (LEAD, _LIST),
    "sms": (UNIFIED, json.loads(VALID_SMS)),
    "instagram": (UNIFIED, json.loads(INSTAGRAM)),
    "filters": (UNIFIED, json.loads(BY_FILTERS)),
}


@pytest.fixture
def headers(caller: Caller) -> dict[str, str]:
    mine = {"api-token": caller.key, "app-id": caller.tenant.name, **caller.headers}
    return {**mine, "Content-Type": "application/json"}


def refused_well(answer: httpx.Response) -> bool:
    if answer.status_code < 400:
        return True
    body = answer.json()
    shapes = ({"message", "error"}, {"detail"})
    return answer.status_code < 500 and set(body) in shapes and CANARY not in answer.text


@pytest.mark.parametrize("name", BODIES)
def test_no_value_of_any_field_breaks_it(
    http: httpx.Client, headers: dict[str, str], name: str
) -> None:
    path, base = BODIES[name]
    faults = []
    for value in HOSTILE:
        bodies = [put(base, spot, value) for spot in spots(base)]
        for raw in (*bodies, put(base, ("extra",), value), json.dumps(value).encode()):
            answer = http.post(path, content=raw, headers=headers)
            if not refused_well(answer):
                faults.append(f"{raw[:300]!r} -> {answer.status_code} {answer.text[:200]}")
            elif path == LEAD and answer.status_code == 202:
                found = http.get(f"{LEAD}/{answer.json()['data']['campaign_id']}", headers=headers)
                assert found.status_code == 200, raw
    assert not faults, "\n".join(faults)
    for message in http.get("/v1/messages?limit=200").json()["data"]:
        assert http.get(f"/v1/messages/{message['id']}").status_code == 200


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
@pytest.mark.parametrize("path", [LEAD, UNIFIED])
def test_what_is_no_json_is_refused_and_not_repeated(
    http: httpx.Client, headers: dict[str, str], path: str, raw: bytes
) -> None:
    answer = http.post(path, content=raw, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text
    assert refused_well(answer)
