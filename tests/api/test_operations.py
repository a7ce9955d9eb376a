"""Health, lanes, pages, the OpenAPI document and the exporter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
import redis
import sqlalchemy as sa
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from messaging import billing, exporter, telemetry
from messaging.api.openapi import SEND_EXAMPLES
from messaging.runtime import Runtime
from tests.api.test_two_tenants import everything

TO = "+12025550123"


def test_a_process_that_can_keep_messages_is_ready(anonymous: httpx.Client) -> None:
    assert anonymous.get("/livez").json() == {"status": "ok"}
    answer = anonymous.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "postgres": "ok", "redis": "ok"}


def test_it_is_ready_and_keeps_messages_without_redis(
    http: httpx.Client, rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rt, "redis", redis.Redis(host="127.0.0.1", port=9))
    answer = http.get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (200, "down")
    assert http.post("/v1/messages", json={"to": TO, "body": "x"}).status_code == 202


def test_it_is_not_ready_with_another_schema(
    anonymous: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.api.health._head", lambda: "another")
    answer = anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["postgres"]) == (503, "schema_not_current")


def test_lanes_say_what_waits(http: httpx.Client) -> None:
    before = http.get("/v1/lanes").json()["lanes"]
    http.post("/v1/messages", json=[{"to": TO, "body": "x", "priority": "LOW"}] * 3)
    after = http.get("/v1/lanes").json()["lanes"]
    assert set(after) == {"high", "normal", "low", "suspect"}
    assert after["low"]["ready"] == before["low"]["ready"] + 3
    assert after["low"]["oldest_seconds"] > 0


def test_pages_follow_each_other_by_link_and_by_cursor(http: httpx.Client) -> None:
    ids = [
        item["id"]
        for item in http.post(
            "/v1/messages", json=[{"to": TO, "body": str(i)} for i in range(7)]
        ).json()["data"]
    ]
    seen: list[str] = []
    path: str | None = "/v1/messages?limit=3&priority=NORMAL"
    while path is not None:
        answer = http.get(path)
        seen += [m["id"] for m in answer.json()["data"]]
        path = answer.links["next"]["url"] if "next" in answer.links else None
        assert (answer.json()["next_cursor"] is None) == (path is None)
    assert seen == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=draft", 1),
        ("status=queued", 2),
        ("priority=HIGH", 1),
        ("category=MARKETING", 1),
        ("status=sent", 0),
        ("created_from=2020-01-01T00:00:00Z", 3),
        ("created_to=2020-01-01T00:00:00Z", 0),
        (f"created_from={quote('2020-01-01T00:00:00+05:00')}&status=draft", 1),
    ],
)
def test_lists_are_filtered(http: httpx.Client, query: str, found: int) -> None:
    bodies: list[dict[str, Any]] = [
        {"draft": True},
        {"priority": "HIGH"},
        {"category": "MARKETING"},
    ]
    consent = {"to": TO, "action": "grant", "basis": "express_written", "source": "form"}
    assert http.post("/v1/consents", json=consent).status_code == 201
    http.post("/v1/messages", json=[{"to": TO, "body": "x", **b} for b in bodies])
    assert len(http.get(f"/v1/messages?{query}").json()["data"]) == found


def test_messages_are_found_by_recipient(http: httpx.Client) -> None:
    http.post("/v1/messages", json=[{"to": t, "body": "x"} for t in (TO, TO, "+12025550177")])
    first = http.post("/v1/messages/search", json={"to": "(202) 555-0123", "limit": 1}).json()
    rest = http.post("/v1/messages/search", json={"to": TO, "cursor": first["next_cursor"]}).json()
    assert [m["to"] for m in first["data"] + rest["data"]] == [TO, TO]
    assert rest["next_cursor"] is None


def document(app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(app.openapi()))
    return found


def test_the_document_describes_every_route(app: FastAPI, anonymous: httpx.Client) -> None:
    spec = anonymous.get("/openapi.json").json()
    assert spec == document(app)
    assert spec["openapi"].startswith("3.1")
    assert set(spec["paths"]["/v1/messages"]) == {"get", "post"}
    assert set(spec["paths"]["/v1/suppressions"]) == {"get", "post", "delete"}
    assert anonymous.get("/docs").status_code == 200


@pytest.mark.parametrize("name", SEND_EXAMPLES)
def test_each_documented_send_is_accepted(http: httpx.Client, app: FastAPI, name: str) -> None:
    operation = document(app)["paths"]["/v1/messages"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["examples"][name]
    answer = http.post("/v1/messages", json=example["value"])
    assert answer.status_code == 202, answer.text
    assert answer.json().get("refused", 0) == 0


def test_each_other_documented_example_is_accepted(
    rt: Runtime, http: httpx.Client, app: FastAPI, caller: Any
) -> None:
    has = {name: pair.theirs for name, pair in everything(rt, http, caller).items()}
    billing.enable(rt, caller.tenant, "USD")
    ran = 0
    for path, operations in document(app)["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            for example in content.get("application/json", {}).get("examples", {}).values():
                there = path.format(**{**has, "name": "main"})
                asked = orjson.loads(
                    # Names are looked up, and this machine may know none.
                    orjson.dumps(example["value"]).replace(
                        b"https://example.com", b"http://127.0.0.1"
                    )
                )
                answer = http.request(method.upper(), there, json=asked)
                lifted = (method, answer.status_code) == ("delete", 404)
                # Nothing of a draft has failed.
                too_soon = path.endswith("/retry") and answer.status_code == 409
                assert answer.is_success or lifted or too_soon, answer.text
                ran += 1
    assert ran >= 8


def scrape(port: int) -> dict[str, Any]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20).text
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_metrics_come_from_both_stores(rt: Runtime, http: httpx.Client) -> None:
    rt.counters.flush()
    rt.redis.delete(telemetry.COUNTERS_KEY)  # other tests of this database count too
    http.post("/v1/messages", json=[{"to": TO, "body": "x", "priority": "HIGH"}] * 2)
    rt.counters.add({'posthorn_attempts_total{outcome="accepted",provider="twilio"}': 3})
    rt.counters.add(
        telemetry.buckets("posthorn_due_to_sent_seconds", (0.5, 10.0), [0.1, 7.0, 20.0], lane="low")
    )
    rt.counters.flush()
    server, thread = exporter.serve(rt, 0)
    try:
        found = scrape(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
    ready = {s.labels["lane"]: s.value for s in found["posthorn_lane_ready"].samples}
    assert ready["high"] >= 2
    assert found["posthorn_database_up"].samples[0].value == 1
    assert {"posthorn_lane_oldest_seconds", "posthorn_scheduled", "posthorn_in_doubt"} <= set(found)
    (attempts,) = found["posthorn_attempts"].samples
    assert (attempts.labels, attempts.value) == (
        {"outcome": "accepted", "provider": "twilio"},
        3.0,
    )
    waited = found["posthorn_due_to_sent_seconds"]
    assert waited.type == "histogram"
    assert [(s.labels["le"], s.value) for s in waited.samples if s.name.endswith("_bucket")] == [
        ("0.5", 1.0),
        ("10", 2.0),
        ("+Inf", 3.0),
    ]
    assert found["posthorn_messages_accepted"].samples[0].value > 0


def test_senders_are_measured_without_their_addresses(
    rt: Runtime, http: httpx.Client, caller: Any
) -> None:
    sender_id = str(caller.sender.id)
    stats = sa.text(
        "INSERT INTO sender_stats (sender_id, template, bucket, delivered, filtered)"
        " VALUES (:id, '', now(), 3, 1)"
    )
    with rt.engine.begin() as db:
        db.execute(stats, {"id": sender_id})
    http.patch(f"/v1/senders/{sender_id}", json={"state": "cordoned"})
    families = {m.name: m for m in exporter.Ledger(rt).collect()}

    def of(name: str) -> list[tuple[dict[str, str], float]]:
        found = [(s.labels, s.value) for s in families[f"posthorn_sender_{name}"].samples]
        return [sample for sample in found if sample[0]["sender"] == sender_id]

    assert of("state") == [({"sender": sender_id, "state": "cordoned"}, 1)]
    assert of("headroom_share") == [({"sender": sender_id}, 1.0)]
    assert of("delivered_ratio") == [({"sender": sender_id}, 0.75)]
    assert caller.sender.address not in str([m.samples for m in families.values()])


def test_a_scrape_without_the_database_says_so(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from messaging import store

    nowhere = store.connect(f"postgresql:///none?host={tmp_path}", name="test")
    monkeypatch.setattr(rt, "engine", nowhere)
    families = {m.name: m for m in exporter.Ledger(rt).collect()}
    assert families["posthorn_database_up"].samples[0].value == 0
    assert "posthorn_lane_ready" not in families
