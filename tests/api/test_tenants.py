"""One tenant sees nothing of another; a key is good until it is not."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from messaging import access
from messaging.domain.errors import UnauthorizedError
from messaging.runtime import Runtime
from messaging.store import tables as t

MESSAGE = {"to": "+12025550123", "body": "Mine"}


def test_another_tenants_message_does_not_exist(
    http: httpx.Client, anonymous: httpx.Client, stranger: Any
) -> None:
    mine = http.post("/v1/messages", json=MESSAGE).json()["id"]
    for method, path in [
        ("GET", ""),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("POST", "/submit"),
    ]:
        answer = anonymous.request(method, f"/v1/messages/{mine}{path}", headers=stranger.headers)
        assert answer.status_code == 404
    assert http.get(f"/v1/messages/{mine}").json()["status"] == "queued"
    theirs = anonymous.get("/v1/messages", headers=stranger.headers).json()
    assert theirs == {"data": [], "next_cursor": None}
    found = anonymous.post(
        "/v1/messages/search", json={"to": MESSAGE["to"]}, headers=stranger.headers
    )
    assert found.json()["data"] == []


def test_another_tenants_sender_pool_and_suppressions_are_unknown(
    http: httpx.Client, anonymous: httpx.Client, caller: Any, stranger: Any
) -> None:
    listed = http.get("/v1/senders").json()["data"]
    assert [(s["id"], s["pools"]) for s in listed] == [(str(caller.sender.id), ["main"])]
    body = MESSAGE | {"from": str(caller.sender.id)}
    assert http.post("/v1/messages", json=body).status_code == 202
    answer = anonymous.post("/v1/messages", json=body, headers=stranger.headers)
    assert answer.json()["errors"][0]["code"] == "unknown_sender"
    assert http.post("/v1/suppressions", json={"to": "+12025550123"}).status_code == 201
    check = anonymous.post(
        "/v1/suppressions/check", json={"to": "+12025550123"}, headers=stranger.headers
    )
    assert check.json() == {"suppressed": False, "suppressions": []}


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_either_header_carries_the_key(anonymous: httpx.Client, caller: Any, header: str) -> None:
    value = caller.key if header == "X-API-Key" else f"bearer {caller.key}"
    assert anonymous.get("/v1/lanes", headers={header: value}).status_code == 200


def test_a_revoked_key_is_refused_within_five_seconds(
    http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    assert http.get("/v1/lanes").status_code == 200
    key_id = access.key_id_of(caller.key)
    assert key_id is not None
    assert access.revoke(rt, key_id)
    assert not access.revoke(rt, key_id)
    with pytest.raises(UnauthorizedError):
        access.authenticate(rt, caller.key)
    deadline = time.monotonic() + 5
    while http.get("/v1/lanes").status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_every_refused_key_is_refused_in_the_same_words(rt: Runtime, caller: Any) -> None:
    expired = access.mint(rt, caller.tenant, "old")
    key_id = access.key_id_of(expired)
    with rt.engine.begin() as db:
        db.execute(
            sa.update(t.api_keys).where(t.api_keys.c.id == key_id).values(expires_at=rt.now())
        )
    wrong = caller.key[:-1] + ("A" if caller.key[-1] != "A" else "B")
    other_kind = caller.key.replace("ph_live_", "ph_test_")
    texts = set()
    for presented in (None, "", "x", expired, wrong, other_kind, "ph_test_" + "a" * 12):
        with pytest.raises(UnauthorizedError) as refused:
            access.authenticate(rt, presented)
        texts.add(refused.value.detail)
    assert len(texts) == 1


def test_a_secret_is_not_stored(rt: Runtime, caller: Any) -> None:
    with rt.engine.connect() as db:
        stored = db.execute(sa.select(t.api_keys.c.secret_hash)).scalars()
        assert all(caller.key.encode() not in bytes(hash_) for hash_ in stored)
    assert access.authenticate(rt, caller.key) == caller.tenant
