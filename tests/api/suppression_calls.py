"""Suppressions as a tenant says and sees them over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

PATH = "/v1/suppressions"
TO = "+12025550123"
CANARY = "+12025550177"
LONG_AGO = "2026-01-05T10:00:00+00:00"


def check(http: httpx.Client, to: str = TO, channel: str = "sms") -> Any:
    answer = http.post(f"{PATH}/check", json={"to": to, "channel": channel})
    assert answer.status_code == 200
    return answer.json()


def held(http: httpx.Client, to: str = TO, channel: str = "sms") -> list[tuple[str, str, str]]:
    state = check(http, to, channel)
    assert state["suppressed"] is bool(state["suppressions"])
    return [(s["kind"], s["scope"], s["source"]) for s in state["suppressions"]]


def lift(http: httpx.Client, **fields: Any) -> int:
    return http.request("DELETE", PATH, json={"to": TO} | fields).status_code


def upload(http: httpx.Client, *lines: str) -> httpx.Response:
    content = "\n".join(lines).encode()
    return http.post(f"{PATH}/import", content=content, headers={"Content-Type": "text/csv"})


def send(http: httpx.Client, to: str = TO, **fields: Any) -> str:
    answer = http.post("/v1/messages", json={"to": to, "body": "Hello"} | fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def status(http: httpx.Client, message_id: str) -> tuple[str, str]:
    found = http.get(f"/v1/messages/{message_id}").json()
    return found["status"], found["status_reason"]
