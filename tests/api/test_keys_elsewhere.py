"""Keys as another process sees them: made here, ended here, refused there."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from messaging import access
from messaging.access import Asked
from messaging.runtime import Runtime

MESSAGE = {"to": "+12025550123", "body": "Hi"}


def status(live: Any, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{live.url}/v1/messages", json=MESSAGE, headers=headers, timeout=20)
    return answer.status_code


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_key_ended_here_is_refused_there(http: httpx.Client, live: Any) -> None:
    made = http.post("/v1/keys", json={"name": "shop"}).json()
    assert status(live, made["key"]) == 202
    assert http.delete(f"/v1/keys/{made['id']}").status_code == 204
    until(lambda: status(live, made["key"]) == 401)
    assert status(live, made["key"]) == 401


def test_two_keys_are_good_at_once_and_one_may_go(http: httpx.Client, live: Any) -> None:
    old, new = (http.post("/v1/keys", json={"name": name}).json() for name in ("old", "new"))
    assert [status(live, key["key"]) for key in (old, new)] == [202, 202]
    assert http.delete(f"/v1/keys/{old['id']}").status_code == 204
    seen = []

    def gone() -> bool:
        seen.append(status(live, new["key"]))
        return status(live, old["key"]) == 401

    until(gone)
    assert set(seen) == {202}  # without a gap


def test_a_key_is_good_until_its_end_and_no_longer(rt: Runtime, caller: Any, live: Any) -> None:
    ends = rt.now() + timedelta(seconds=8)
    key = access.create(rt, caller.tenant, Asked("for a while", expires_at=ends))[0]
    while rt.now() < ends - timedelta(seconds=2):
        before = status(live, key)
        assert before == 202 or rt.now() >= ends
        time.sleep(0.2)
    until(lambda: rt.now() > ends)
    assert status(live, key) == 401  # what was remembered of it ended with it
