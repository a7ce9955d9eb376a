"""A service that knows only Celery hands messages in by the task's name, and nobody reads them on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import celery
import httpx
import pytest
import redis
import sqlalchemy as sa

from messaging import store
from messaging.queues import KEY_PREFIX
from tests.journeys.household import Household, poll

pytestmark = pytest.mark.stack

TO = "+12125550177"
BODY = "canary-in-the-body"


def plain_client(posthorn: Household) -> celery.Celery:
    """What another service has: Celery and the broker's address."""
    app = celery.Celery("somebody", broker=posthorn.address.redis_url, set_as_current=False)
    app.conf.task_ignore_result = True
    return app


@contextmanager
def overheard(app: celery.Celery) -> Iterator[list[dict[str, Any]]]:
    """Every event the workers send, as Flower would see it."""
    events: list[dict[str, Any]] = []
    listening = threading.Event()
    with app.connection() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": events.append})

        def listen() -> None:
            listening.set()
            receiver.capture(limit=None, timeout=None, wakeup=True)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        listening.wait(5)
        yield events
        receiver.should_stop = True
        thread.join(10)


def everything_in(client: redis.Redis) -> str:
    """All of Redis as text."""
    readers: dict[bytes, Any] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    keys: Any = client.keys("*")
    kinds: list[tuple[Any, Any]] = [(key, client.type(key)) for key in keys]
    # What ran out between the two questions is of no type.
    return "\n".join(f"{key!r} {readers[kind](key)!r}" for key, kind in kinds if kind in readers)


def test_a_task_by_name_sends_and_leaves_no_trace_of_what_it_said(posthorn: Household) -> None:
    key = posthorn.address.api_key
    assert key is not None
    app = plain_client(posthorn)
    engine = store.connect(posthorn.address.database_url, name="test")
    fields = {"api_key": key, "to": TO, "body": BODY, "idempotency_key": "celery-1"}
    with overheard(app) as events:
        poll(lambda: events, "no worker says anything")
        for _ in range(2):
            app.send_task("posthorn.send", kwargs=fields, queue="intake")
        app.send_task("posthorn.send", kwargs={**fields, "to": BODY}, queue="intake")

        def done() -> list[str]:
            return [e["uuid"] for e in events if e["type"] == "task-succeeded" and ours(e)]

        def ours(event: dict[str, Any]) -> bool:
            names = {e["uuid"]: e.get("name") for e in events if e["type"] == "task-received"}
            return names.get(event["uuid"]) == "posthorn.send"

        poll(lambda: len(done()) == 3, "the three tasks did not end")
    query = sa.text("SELECT status::text FROM messages WHERE body = :body")

    def statuses() -> list[str]:
        with engine.connect() as db:
            return list(db.execute(query, {"body": BODY}).scalars())

    poll(lambda: statuses() == ["delivered"], "it was not delivered, or more than once")
    engine.dispose()
    app.close()

    logs = {log.name: log.read_text() for log in (posthorn.home / "logs").glob("*.log")}
    assert "posthorn.send" in logs["worker-intake.log"]
    with redis.Redis.from_url(posthorn.address.redis_url) as client:
        poll(lambda: client.exists(f"{KEY_PREFIX}counters"), "nothing was counted")
        places = {**logs, "redis": everything_in(client), "events": repr(events)}
    for canary in (BODY, TO, TO.removeprefix("+1"), key):
        assert [name for name, text in places.items() if canary in text] == [], canary


def test_lists_and_cancellations_are_handed_in_by_name_too(posthorn: Household) -> None:
    key = posthorn.address.api_key
    assert key is not None
    app = plain_client(posthorn)
    engine = store.connect(posthorn.address.database_url, name="test")
    later = {"body": "celery-list"}
    with engine.connect() as db:
        year = db.execute(sa.text("SELECT now() + interval '30 days'")).scalar_one()
    later["scheduled_for"] = year.isoformat()
    fields = {
        "api_key": key,
        "messages": [{"to": TO, **later}, {"to": BODY, **later}, {"to": "+12125550178", **later}],
        "idempotency_key": "celery-list-1",
    }
    for _ in range(2):
        app.send_task("posthorn.send_many", kwargs=fields, queue="intake")

    def found() -> list[tuple[str, str]]:
        query = "SELECT id::text, status::text FROM messages WHERE body = 'celery-list' ORDER BY id"
        with engine.connect() as db:
            return [(row[0], row[1]) for row in db.execute(sa.text(query))]

    log = posthorn.home / "logs" / "worker-intake.log"
    poll(lambda: log.read_text().count("kept 2, refused 1 ") == 2, "the two tasks did not end")
    (first, status), (second, _) = found()
    assert status == "scheduled"
    assert "(replayed)" in log.read_text()
    assert first in log.read_text()
    app.send_task("posthorn.cancel", kwargs={"api_key": key, "id": first}, queue="intake")
    poll(lambda: dict(found())[first] == "canceled", "it was not canceled")
    assert dict(found())[second] == "scheduled"
    refused = ({"id": first}, {"api_key": key, "id": "nobody"}, {"api_key": key, "id": first})
    for wrong in refused:
        app.send_task("posthorn.cancel", kwargs=wrong, queue="intake")
    codes = ("unauthorized", "not_found", "conflict")
    poll(lambda: all(f"refused: {code}" in log.read_text() for code in codes), "not all refused")
    engine.dispose()
    app.close()
    assert not [canary for canary in (key, TO, BODY, "5550178") if canary in log.read_text()]


def test_what_is_over_a_keys_limit_waits_and_is_kept_once(posthorn: Household) -> None:
    headers = {"X-API-Key": str(posthorn.address.api_key)}
    asked = {"name": "celery", "requests_per_minute": 60}
    made = httpx.post(f"{posthorn.address.url}/v1/keys", json=asked, headers=headers, timeout=30)
    assert made.status_code == 201, made.text
    app = plain_client(posthorn)
    later = {"api_key": made.json()["key"], "body": "celery-crowd", "draft": True}
    numbers = [f"+121255501{n:02}" for n in range(20)]
    for to in numbers:
        app.send_task("posthorn.send", kwargs={**later, "to": to}, queue="intake")
    log = posthorn.home / "logs" / "worker-intake.log"
    poll(lambda: "intake.put_off" in log.read_text(), "none was put off")
    engine = store.connect(posthorn.address.database_url, name="test")

    def kept() -> list[str]:
        query = "SELECT recipient FROM messages WHERE body = 'celery-crowd' ORDER BY recipient"
        with engine.connect() as db:
            return [row[0] for row in db.execute(sa.text(query))]

    poll(lambda: len(kept()) >= len(numbers), "some were lost", 120.0)
    assert kept() == numbers
    engine.dispose()
    app.close()
    assert not [canary for canary in (later["api_key"], numbers[0]) if canary in log.read_text()]
