"""`/v1/bindings`: what campaigns, sources, use cases, leads and tenants send from."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging import accounts
from messaging.accounts import NewAccount
from messaging.runtime import Runtime
from tests.api.conftest import Caller

PATH = "/v1/bindings"
OURS = "+12025550199"


def bind(http: httpx.Client, kind: str, ref: str | None = None, **target: str) -> Any:
    answer = http.put(PATH, json={"kind": kind, "ref": ref, **target})
    assert answer.status_code == 200, answer.text
    return [{k: v for k, v in b.items() if v is not None} for b in answer.json()["data"]]


def problem(http: httpx.Client, body: dict[str, Any]) -> tuple[str, str]:
    answer = http.put(PATH, json=body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    return error["pointer"], error["code"]


@pytest.mark.parametrize("kind", ["campaign", "source"])
def test_one_thing_is_bound_to_several(http: httpx.Client, caller: Caller, kind: str) -> None:
    bind(http, kind, "spring", pool="main")
    bind(http, kind, "spring", account="main")
    for name in (OURS, str(caller.sender.id)):  # the same one, by either name
        found = bind(http, kind, "spring", sender=name)
    sender = {"sender": OURS, "sender_id": str(caller.sender.id)}
    about = {"kind": kind, "ref": "spring"}
    assert found == [about | {"pool": "main"}, about | {"account": "main"}, about | sender]
    removed = http.request("DELETE", PATH, json={**about, "pool": "main"})
    assert removed.json() == {"removed": 1}
    assert http.request("DELETE", PATH, json=about).json() == {"removed": 2}
    assert http.request("DELETE", PATH, json=about).status_code == 404
    assert http.get(PATH).json() == {"data": [], "next_cursor": None}


def test_a_use_case_has_one_pool_and_a_lead_one_sender(http: httpx.Client) -> None:
    http.post("/v1/pools", json={"name": "second"})
    http.post("/v1/senders", json={"address": "+12025550150"})
    bind(http, "use_case", "reminders", pool="main")
    message = {"to": "+12025550123", "body": "x", "use_case": "reminders"}
    assert http.post("/v1/messages", json=message).status_code == 202
    assert bind(http, "use_case", "reminders", pool="second") == [
        {"kind": "use_case", "ref": "reminders", "pool": "second"}
    ]
    assert http.post("/v1/messages", json=message).json()["code"] == "no_sender_in_pool"
    bind(http, "lead", "4711", sender=OURS)
    (found,) = bind(http, "lead", "4711", sender="+12025550150")
    assert found["sender"] == "+12025550150"


def test_the_tenant_itself_has_no_ref(http: httpx.Client) -> None:
    assert bind(http, "tenant", pool="main") == [{"kind": "tenant", "pool": "main"}]
    assert http.request("DELETE", PATH, json={"kind": "tenant"}).json() == {"removed": 1}


def test_a_number_is_never_bound_beside_another_account(
    rt: Runtime, http: httpx.Client, caller: Caller
) -> None:
    there = NewAccount("twilio", "there", "AC" + "1" * 32, "secret")
    accounts.add(rt, caller.tenant, there)
    bind(http, "campaign", "spring", account="there")
    wrong = {"kind": "campaign", "ref": "spring", "sender": OURS}
    answer = http.put(PATH, json=wrong)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["code"] == "other_account"
    assert "'main'" in error["detail"]
    assert "'there'" in error["detail"]
    http.post("/v1/senders", json={"address": "+12025550150", "account": "there"})
    bind(http, "campaign", "spring", sender="+12025550150")
    # And the other way round; another campaign is another matter.
    bind(http, "campaign", "autumn", sender=OURS)
    other = {"kind": "campaign", "ref": "autumn", "account": "there"}
    assert problem(http, other) == ("#/account", "other_account")
    bind(http, "campaign", "autumn", account="main")


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"kind": "x", "ref": "y", "pool": "main"}, "#/kind", "not_allowed"),
        ({"kind": "campaign", "pool": "main"}, "#/ref", "not_valid"),
        ({"kind": "campaign", "ref": "", "pool": "main"}, "#/ref", "too_short"),
        ({"kind": "tenant", "ref": "x", "pool": "main"}, "#/ref", "not_valid"),
        ({"kind": "campaign", "ref": "x"}, "#", "not_together"),
        ({"kind": "campaign", "ref": "x", "pool": "main", "sender": OURS}, "#", "not_together"),
        ({"kind": "campaign", "ref": "x", "pool": "none"}, "#/pool", "unknown_pool"),
        ({"kind": "campaign", "ref": "x", "sender": "none"}, "#/sender", "unknown_sender"),
        ({"kind": "campaign", "ref": "x", "account": "none"}, "#/account", "unknown_account"),
        ({"kind": "use_case", "ref": "x", "sender": OURS}, "#/sender", "not_allowed"),
        ({"kind": "use_case", "ref": "x", "account": "main"}, "#/account", "not_allowed"),
        ({"kind": "lead", "ref": "x", "pool": "main"}, "#/pool", "not_allowed"),
    ],
)
def test_what_cannot_be_bound_is_explained(
    http: httpx.Client, body: dict[str, Any], pointer: str, code: str
) -> None:
    assert problem(http, body) == (pointer, code)
    assert http.get(PATH).json()["data"] == []


def test_bindings_are_listed_page_by_page_and_by_what_they_are_of(http: httpx.Client) -> None:
    for n in range(5):
        bind(http, "lead", f"lead-{n}", sender=OURS)
    bind(http, "source", "web", pool="main")
    seen: list[str] = []
    path: str | None = f"{PATH}?limit=2&kind=lead"
    while path is not None:
        answer = http.get(path)
        seen += [b["ref"] for b in answer.json()["data"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == [f"lead-{n}" for n in range(5)]
    one = http.get(PATH, params={"kind": "lead", "ref": "lead-3"}).json()["data"]
    assert [b["sender"] for b in one] == [OURS]
    assert len(http.get(PATH).json()["data"]) == 6
