"""What belongs to another tenant answers like what is nowhere: every operation, to the last header.

A new operation takes part by itself; one with a new kind of path parameter fails here until it is said what
another tenant has of that kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging.runtime import Runtime
from messaging.store import tables as t
from tests.api.hostile_routes import TO
from tests.api.test_isolation import settle_in
from tests.api.test_schemathesis import document

NOWHERE = "0192f0c1-7a53-7000-8000-00000000dead"
NO_KEY = "abcdefghijkl"
LATER = "2030-01-01T12:00:00Z"
_VOLATILE = {"date", "x-request-id", "ratelimit"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INSTANCE = re.compile(rb'"instance":"[^"]*"')


@dataclass(frozen=True)
class Pair:
    """What another tenant has, and the like of it that nobody has."""

    theirs: str
    nowhere: str = NOWHERE


Pairs = dict[str, Pair]
OURS = ("/v1/accounts", "/v1/rules", "/problems", "/livez", "/readyz", "/webhooks")
"""Addresses whose parameters name nothing of a tenant's, or that take no API key."""


@pytest.fixture
def foreign(address: str, stranger: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=20, headers=stranger.headers) as client:
        yield client


def everything(rt: Runtime, http: httpx.Client, caller: Any) -> Pairs:
    """One of each thing a tenant can have, by the name of the parameter that it is asked for with."""
    has = settle_in(rt, http, caller)
    contact = http.post("/v1/contacts", json={"ref": "my contact", "phones": [TO]})
    assert contact.is_success, contact.text
    use_case = http.post("/v1/use-cases", json={"name": "my case", "pool": "main"})
    assert use_case.status_code == 201, use_case.text
    people = [{"to": TO, "fields": {"first_name": "my name"}}]
    campaign = {"name": "my own", "body": "Hi {{first_name}}", "recipients": people}
    drafted = http.post("/v1/campaigns", json=campaign)
    assert drafted.status_code == 201, drafted.text
    key = http.post("/v1/keys", json={"name": "my key"}).json()["id"]
    with rt.engine.connect() as db:
        query = sa.select(t.conversations.c.id).where(
            t.conversations.c.tenant_id == caller.tenant.id
        )
        conversation = str(db.execute(query).scalars().first())
    return {
        "message_id": Pair(has["message"]),
        "sender_id": Pair(has["sender"]),
        "endpoint_id": Pair(has["endpoint"]),
        "erasure_id": Pair(has["erasure"]),
        "conversation_id": Pair(conversation),
        "campaign_id": Pair(drafted.json()["id"]),
        "use_case_id": Pair(use_case.json()["id"]),
        "key_id": Pair(key, NO_KEY),
        "contact": Pair("my contact", "zq contact"),
        "name": Pair("my pool", "zq pool"),
        "campaign": Pair("my campaign", "zq campaign"),
        "template": Pair("my text", "zq text"),
        "registry": Pair("US", "BR"),
    }


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in sorted(document()["paths"].items()):
        for method, operation in sorted(found.items()):
            if not path.startswith(OURS):
                yield method.upper(), path, operation


def body_of(operation: dict[str, Any]) -> Any:
    """The first example of a body, if it takes one."""
    content = operation.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    return next((example["value"] for example in examples.values()), None)


def said(answer: httpx.Response, used: set[str]) -> tuple[Any, ...]:
    """An answer without what is of this request alone: its id, and the names it was asked with."""
    body = _INSTANCE.sub(b"", answer.content)
    for name in sorted(used, key=len, reverse=True):
        body = body.replace(name.encode(), b"<name>")
    headers = [(k, v) for k, v in answer.headers.items() if k not in _VOLATILE]
    # Names of two lengths are repeated, where they are.
    if body != _INSTANCE.sub(b"", answer.content):
        headers = [(k, v) for k, v in headers if k != "content-length"]
    for name in used:
        headers = [(k, v.replace(name.replace(" ", "%20"), "<name>")) for k, v in headers]
    return answer.status_code, body, headers


PARTED = [(m, p) for m, p, _ in operations() if "{" in p]


def test_every_operation_answers_as_for_what_is_nowhere(
    rt: Runtime, http: httpx.Client, caller: Any, foreign: httpx.Client
) -> None:
    pairs = everything(rt, http, caller)
    before = {path: http.get(path).content for path in LISTED}
    assert len(PARTED) > 25
    for method, path, operation in operations():
        names = re.findall(r"\{(\w+)\}", path)
        if not names:
            continue
        assert set(names) <= pairs.keys(), f"say in `everything` what {path} names"
        body = body_of(operation)
        both = []
        for which in ("nowhere", "theirs"):
            used = {name: getattr(pairs[name], which) for name in names}
            answer = foreign.request(method, path.format(**used), json=body)
            both.append(said(answer, set(used.values())))
        assert both[0] == both[1], f"{method} {path}"
        assert both[0][0] != 500
    assert {path: http.get(path).content for path in LISTED} == before


LISTED = [
    path for method, path, _ in operations()
    if method == "GET" and "{" not in path
]  # fmt: skip


def test_a_list_shows_no_row_and_no_count_of_another_tenant(
    rt: Runtime, http: httpx.Client, caller: Any, foreign: httpx.Client
) -> None:
    before = {path: foreign.get(path) for path in LISTED}
    assert [path for path, answer in before.items() if answer.status_code != 200] == []
    everything(rt, http, caller)
    for path, answer in before.items():
        again = foreign.get(path)
        assert said(again, set()) == said(answer, set()), path


def in_bodies(pairs: Pairs, which: str) -> list[tuple[str, str, Any]]:
    """Requests that name a thing in their body."""
    its = {name: getattr(pair, which) for name, pair in pairs.items()}
    message = {"to": TO, "body": "Hi"}
    mail = {"channel": "email", "to": "ana@example.com", "subject": "Hi"}
    campaign = {"name": "x", "body": "Hi"}
    bind = {"kind": "campaign", "ref": "x"}
    return [
        ("POST", "/v1/messages", message | {"from": its["sender_id"]}),
        ("POST", "/v1/messages", message | {"pool": its["name"]}),
        ("POST", "/v1/messages", message | {"use_case": its["use_case_id"]}),
        ("POST", "/v1/messages", message | {"conversation_id": its["conversation_id"]}),
        ("POST", "/v1/messages", message | {"fallback": mail | {"from": its["sender_id"]}}),
        ("POST", "/v1/messages", [message | {"from": its["sender_id"]}]),
        ("POST", "/v1/campaigns", campaign | {"from": its["sender_id"]}),
        ("POST", "/v1/campaigns", campaign | {"pool": its["name"]}),
        ("POST", "/v1/campaigns", campaign | {"use_case": its["use_case_id"]}),
        ("POST", "/v1/messages/preview", message | {"from": its["sender_id"]}),
        ("PUT", "/v1/bindings", bind | {"sender": its["sender_id"]}),
        ("PUT", "/v1/bindings", bind | {"pool": its["name"]}),
        ("PUT", "/v1/bindings", bind | {"account": its["campaign"]}),
        ("DELETE", "/v1/bindings", bind | {"ref": its["campaign"]}),
        ("PUT", "/v1/tendlc-campaigns/x", {"brand": its["name"], "status": "pending"}),
        ("POST", "/v1/use-cases", {"name": "x", "pool": its["name"]}),
        ("PATCH", "/v1/policy", {"lookup": {"account": its["name"]}}),
        (
            "POST",
            "/v1/contacts/search",
            {"audience": {"lead_ids": [its["contact"]]}, "channel": "sms"},
        ),
    ]


def test_what_a_body_names_of_another_tenants_is_nowhere(
    rt: Runtime, http: httpx.Client, caller: Any, foreign: httpx.Client
) -> None:
    pairs = everything(rt, http, caller)
    asked = [in_bodies(pairs, which) for which in ("nowhere", "theirs")]
    for nowhere, theirs in zip(*asked, strict=True):
        answers = [foreign.request(m, path, json=body) for m, path, body in (nowhere, theirs)]
        # What is kept all the same has an id of its own: a conversation's is only repeated.
        own = [set(_UUID.findall(a.text)) if a.is_success else set() for a in answers]
        assert said(answers[0], own[0]) == said(answers[1], own[1]), theirs
        assert answers[0].status_code in {200, 202, 404, 422}, answers[0].text


def at_facades(pairs: Pairs, which: str) -> list[tuple[str, str, Any]]:
    """Requests of the five documents that name a thing."""
    its = {name: getattr(pair, which) for name, pair in pairs.items()}
    lead = {"leadId": its["contact"], "message": "Hi"}
    mail = {"recipient": TO, "content": "Hi"}
    unified = {"sender_type": "sms", "message_data": mail}
    pinged = {"conversationId": its["conversation_id"], "text": "Hi"}
    used = {"use_case_id": its["use_case_id"], "to_phone_number": TO, "message": "Hi"}
    return [
        ("POST", "/leadsail/api/v1/sms/send", lead),
        ("POST", "/leadsail/api/v1/sms/send", lead | {"to": TO}),
        ("POST", "/leadping/sms/send", pinged),
        ("GET", f"/leadping/sms/{its['message_id']}", None),
        ("GET", f"/liguelead/v1/sms/{its['campaign_uuid']}", None),
        (
            "POST", "/unified/api/messaging/send",
            unified | {"sender_identifier": its["sender_id"]},
        ),
        (
            "POST", "/unified/api/messaging/send",
            unified | {"bulk_settings": {"lead_ids": [its["contact"]]}},
        ),
        ("POST", "/usecase/v1/sms/", used),
        ("GET", f"/usecase/v1/sms/{its['message_id']}", None),
    ]  # fmt: skip


def test_the_five_documents_answer_as_for_what_is_nowhere_too(
    rt: Runtime, http: httpx.Client, caller: Any, foreign: httpx.Client, stranger: Any
) -> None:
    pairs = everything(rt, http, caller)
    tokens = {"api-token": caller.key, "app-id": caller.tenant.name}
    body = {"title": "mine", "message": "Hi", "phones": ["11999999999"]}
    batch = http.post("/liguelead/v1/sms", json=body, headers=tokens)
    assert batch.status_code == 202, batch.text
    pairs["campaign_uuid"] = Pair(batch.json()["data"]["campaign_id"])
    headers = {"api-token": stranger.key, "app-id": stranger.tenant.name}
    asked = [at_facades(pairs, which) for which in ("nowhere", "theirs")]
    for nowhere, theirs in zip(*asked, strict=True):
        answers = [
            foreign.request(m, path, json=body, headers=headers)
            for m, path, body in (nowhere, theirs)
        ]
        # A bulk to nobody is kept, under an id of its own.
        own = [set(_UUID.findall(a.text)) if a.is_success else set() for a in answers]
        assert said(answers[0], own[0]) == said(answers[1], own[1]), theirs
        assert answers[0].status_code in {200, 404, 422}, f"{nowhere}: {answers[0].text}"
    assert foreign.get("/v1/messages").json()["data"] == []


def test_an_idempotency_key_is_each_tenants_own(http: httpx.Client, foreign: httpx.Client) -> None:
    headers = {"Idempotency-Key": "the-same"}
    mine = http.post("/v1/messages", json={"to": TO, "body": "Mine"}, headers=headers)
    theirs = foreign.post("/v1/messages", json={"to": TO, "body": "Theirs"}, headers=headers)
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["id"] != theirs.json()["id"]
    assert "Idempotent-Replayed" not in theirs.headers


def test_no_number_that_grows_with_all_tenants_is_shown(http: httpx.Client) -> None:
    """Two numbers of one's own would tell how much happened to the others in between."""
    made = http.post("/v1/endpoints", json={"url": "http://127.0.0.1:9/mine"}).json()["id"]
    where = f"/v1/endpoints/{made}"
    ids = [http.post(f"{where}/test").json()["id"] for _ in range(3)]
    assert all(re.fullmatch(r"ntc_[0-9a-f]{24}", id_) for id_ in ids)
    for path, key in ((f"{where}/notices", "id"), ("/v1/audit", "target")):
        page = http.get(path, params={"limit": 1}).json()
        after = http.get(path, params={"limit": 1, "cursor": page["next_cursor"]}).json()
        assert page["data"][0][key] != after["data"][0][key]
        assert http.get(path, params={"cursor": "4711"}).status_code == 422
