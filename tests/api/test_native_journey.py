from __future__ import annotations

from typing import Any

import httpx

TO = "+12025550123"


def test_a_message_is_kept_and_can_be_read(http: httpx.Client) -> None:
    answer = http.post("/v1/messages", json={"to": TO, "body": "Hello"})
    assert answer.status_code == 202
    message_id = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/messages/{message_id}"

    message: dict[str, Any] = http.get(f"/v1/messages/{message_id}").json()
    assert (message["to"], message["body"], message["status"]) == (TO, "Hello", "queued")
    assert message["created_at"].endswith("Z")

    history = http.get(f"/v1/messages/{message_id}/events").json()
    assert [e["event"] for e in history["events"]] == ["submitted"]
