"""What the tests of consent and do-not-call lists ask of the application."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

US, CA = "+12025550123", "+14165550123"
GRANT = {"to": US, "action": "grant", "basis": "express_written", "source": "web"}


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def ago(**time: int) -> str:
    return iso(datetime.now(UTC) - timedelta(**time))  # noqa: TID251 - as a caller's clock says


def check(http: httpx.Client, to: str = US, **more: str) -> dict[str, Any]:
    answer = http.post("/v1/consents/check", json={"to": to, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def record(http: httpx.Client, **fields: Any) -> None:
    answer = http.post("/v1/consents", json=GRANT | fields)
    assert (answer.status_code, answer.json()) == (201, {"recorded": 1}), answer.text


def problems(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {e["pointer"]: e["code"] for e in answer.json()["errors"]}


def put(http: httpx.Client, registry: str, content: str, at: str | None = None) -> httpx.Response:
    moment = at or ago(days=1)
    return http.put(f"/v1/dnc/{registry}", content=content, params={"scrubbed_at": moment})
