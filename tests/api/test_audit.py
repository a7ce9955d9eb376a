"""Who changed what: every change of a tenant's settings leaves a line, and none names a person."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from messaging import access, accounts, audit
from messaging.access import Asked
from messaging.accounts import AccountPatch, NewAccount
from messaging.domain.scopes import Scope
from messaging.runtime import Runtime
from messaging.store import tables as t

TO = "+12025550123"
REQUEST_ID = "0192f0c1-7a53-7000-8000-000000000001"


def told(http: httpx.Client, **query: str) -> list[dict[str, Any]]:
    answer = http.get("/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def changes(sender: str) -> list[tuple[str, str, Any, str, str | None, list[str]]]:
    """A request, and the line it leaves."""
    return [
        ("PATCH", "policy", {"brand": "Secret"}, "policy.changed", None, ["brand"]),
        ("PUT", "brands/acme", {"status": "active"}, "brand.changed", "acme", []),
        (
            "PUT", "tendlc-campaigns/alerts", {"brand": "acme", "status": "pending"},
            "tendlc_campaign.changed", "alerts", [],
        ),
        ("POST", "pools", {"name": "second"}, "pool.created", "second", []),
        ("PATCH", "pools/second", {"sticky": False}, "pool.changed", "second", ["sticky"]),
        ("PUT", f"pools/second/senders/{sender}", None, "pool.joined", f"second {sender}", []),
        ("DELETE", f"pools/second/senders/{sender}", None, "pool.left", f"second {sender}", []),
        ("DELETE", "pools/second", None, "pool.deleted", "second", []),
        (
            "PUT", "bindings", {"kind": "campaign", "ref": "spring", "pool": "main"},
            "binding.added", "campaign spring", [],
        ),
        (
            "PUT", "bindings", {"kind": "lead", "ref": "Jane Doe", "sender": sender},
            "binding.added", "lead", [],
        ),
        (
            "DELETE", "bindings", {"kind": "campaign", "ref": "spring"},
            "binding.removed", "campaign spring", [],
        ),
        ("DELETE", "suppressions", {"to": TO}, "suppression.lifted", "sms opt_out", []),
        ("PATCH", f"senders/{sender}", {"mps": 3}, "sender.changed", sender, ["mps"]),
        ("DELETE", f"senders/{sender}", None, "sender.retired", sender, ["state"]),
    ]  # fmt: skip


def test_a_change_leaves_a_line_with_whose_hand_it_was(http: httpx.Client, caller: Any) -> None:
    assert http.post("/v1/suppressions", json={"to": TO}).status_code == 201
    for method, path, body, action, target, fields in changes(str(caller.sender.id)):
        answer = http.request(
            method, f"/v1/{path}", json=body, headers={"X-Request-ID": REQUEST_ID}
        )
        assert answer.is_success, f"{method} {path}: {answer.text}"
        line = told(http)[0]
        del line["at"]
        assert line == {
            "key_id": access.key_id_of(caller.key),
            "request_id": REQUEST_ID,
            "action": action,
            "target": target,
            "fields": fields,
        }
    whole = http.get("/v1/audit").text
    assert all(word not in whole for word in ("Secret", "Jane", TO, TO[2:], caller.key[-20:]))


def test_endpoints_erasures_and_keys_leave_lines_too(http: httpx.Client) -> None:
    endpoint = http.post("/v1/endpoints", json={"url": "http://127.0.0.1:9/audited"}).json()
    where = f"/v1/endpoints/{endpoint['id']}"
    assert http.patch(where, json={"enabled": False}).is_success
    assert http.patch(where, json={"enabled": True}).is_success
    assert http.post(f"{where}/rotate").is_success
    assert http.post(f"{where}/replay", json={"since": "2026-01-01T00:00:00Z"}).is_success
    assert http.delete(where).is_success
    erasure = http.post("/v1/erasures", json={"to": "+12025550166"}).json()["id"]
    key = http.post("/v1/keys", json={"name": "x"}).json()["id"]
    assert http.delete(f"/v1/keys/{key}").is_success
    assert [(line["action"], line["target"]) for line in told(http)][::-1][1:] == [
        *((f"endpoint.{done}", endpoint["id"]) for done in (
            "added", "changed", "changed", "rotated", "replayed", "removed",
        )),
        ("erasure.requested", erasure),
        ("key.created", key),
        ("key.revoked", key),
    ]  # fmt: skip


def test_what_did_not_happen_leaves_no_line(http: httpx.Client, caller: Any) -> None:
    before = told(http)
    for method, path, body in (
        ("POST", "pools", {"name": "main"}),
        ("DELETE", "pools/none", None),
        ("DELETE", "pools/main", None),
        ("PATCH", f"senders/{caller.sender.id}", {"campaign": "none"}),
        ("DELETE", "suppressions", {"to": TO}),
        ("PATCH", "policy", {"nonsense": 1}),
        ("DELETE", "keys/aaaaaaaaaaaa", None),
    ):
        assert not http.request(method, f"/v1/{path}", json=body).is_success
    assert told(http) == before


def test_the_command_line_has_no_key(rt: Runtime, http: httpx.Client, caller: Any) -> None:
    secret = secrets.token_hex()
    accounts.add(rt, caller.tenant, NewAccount("twilio", "second", "AC" + "1" * 32, secret))
    accounts.change(rt, caller.tenant, "second", AccountPatch(secret=f"{secret}2", max_in_flight=3))
    lines = told(http)[:2]
    assert [(line["action"], line["fields"]) for line in lines] == [
        ("account.changed", ["max_in_flight", "secret"]),
        ("account.added", []),
    ]
    assert {(line["key_id"], line["request_id"], line["target"]) for line in lines} == {
        (None, None, "second")
    }
    assert secret not in http.get("/v1/audit").text


def test_lines_are_read_page_by_page_and_by_action(http: httpx.Client) -> None:
    for name in ("one", "two", "three"):
        assert http.post("/v1/pools", json={"name": name}).is_success
    assert [line["target"] for line in told(http, action="pool.created")] == ["three", "two", "one"]
    seen, cursor = [], None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = http.get("/v1/audit", params=query).json()
        seen += [line["action"] for line in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["pool.created"] * 3 + ["key.created"]
    for query in ({"action": "none"}, {"cursor": "1"}, {"cursor": "é"}, {"limit": "0"}):
        assert http.get("/v1/audit", params=query).status_code == 422


def test_another_tenants_lines_are_not_there(
    http: httpx.Client, anonymous: httpx.Client, stranger: Any
) -> None:
    assert http.post("/v1/pools", json={"name": "mine"}).is_success
    theirs = anonymous.get("/v1/audit", headers=stranger.headers).json()["data"]
    assert [line["action"] for line in theirs] == ["key.created"]


def test_a_line_is_never_altered(rt: Runtime, caller: Any) -> None:
    with pytest.raises(DBAPIError, match="only appended to"), rt.engine.begin() as db:
        db.execute(sa.update(t.audit_log).values(key_id=None))
    access.create(rt, caller.tenant, Asked("x", scopes=[Scope.AUDIT]))
    assert audit.page(rt, caller.tenant, limit=1)[0].action == "key.created"
