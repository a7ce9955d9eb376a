"""Do a message's text, its recipient or a caller's key show anywhere they should not?

Planted strings are looked for in every log, in all of Redis, in every Celery event, in what remote
control says, on every page of Flower and in the metrics. The one place they may pass through is the
queue of `posthorn.send` until a worker takes the task, so the search begins after that.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx
import pytest
import redis
from celery import Celery

from messaging.queues import Task, WorkQueue
from tests.faults.caller import Caller, client_of, texts
from tests.faults.rig import FLOWER, Rig, until
from tests.faults.verdict import settle

pytestmark = pytest.mark.fault

BODY = "canary-of-the-body"
NOTE = "canary-of-the-metadata"
PHONE = "2025550177"
PAGES = ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks", "/api/task/types")


@contextmanager
def events(broker: Celery, found: list[dict[str, Any]]) -> Iterator[None]:
    """Collect every Celery event for as long as the block lasts."""
    with broker.connection_for_read() as connection:
        receiver = broker.events.Receiver(connection, handlers={"*": found.append})

        def listen() -> None:
            while not receiver.should_stop:
                try:
                    receiver.capture(limit=None, timeout=0.5, wakeup=False)
                except TimeoutError:
                    continue

        thread = Thread(target=listen)
        thread.start()
        try:
            yield
        finally:
            receiver.should_stop = True
            thread.join(10)


def everything_in(client: redis.Redis) -> str:
    """Every key and every value."""
    reading: dict[Any, Callable[[Any], Any]] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    return "\n".join(
        f"{key!r} {reading[kind](key)!r}"
        for key in client.scan_iter(count=1000)
        if (kind := client.type(key)) != b"none"
    )


def flower_pages(rig: Rig, tasks: list[str]) -> dict[str, str]:
    """Every page and answer of Flower that shows tasks or workers."""
    who = (FLOWER.user, FLOWER.password.get_secret_value())
    base = f"http://127.0.0.1:{rig.ports.flower}"
    details = [page for task in tasks for page in (f"/task/{task}", f"/api/task/info/{task}")]
    worker = f"/worker/intake@{socket.gethostname()}"
    with httpx.Client(base_url=base, auth=who, timeout=20, trust_env=False) as flower:
        return {
            page: flower.get(page, follow_redirects=True).raise_for_status().text
            for page in (*PAGES, worker, *details)
        }


def send_all_ways(caller: Caller, broker: Celery) -> list[str]:
    """Good and bad requests through HTTP and through Celery; returns the ids of the tasks."""
    planted = {"to": f"+1{PHONE}", "body": BODY, "metadata": {"note": NOTE}}
    for n in range(10):
        caller.send([planted])
        assert caller.post(planted, key=f"{BODY}-{n % 5}").status_code == 202
    assert caller.post({**planted, "to": BODY}).status_code == 422
    assert caller.post({**planted, BODY: NOTE}).status_code == 422
    wrong = caller.http.post(
        "/v1/messages", json=planted, headers={"Authorization": f"Bearer {caller.key[:-1]}!"}
    )
    assert wrong.status_code == 401
    good = [{"api_key": caller.key, **planted} for _ in range(10)]
    bad = [
        {"api_key": caller.key, **planted, "to": BODY},
        {"api_key": caller.key[:-1] + "!", **planted},
        {"api_key": caller.key, **planted, BODY: NOTE},
        {**planted, "key": caller.key},
    ]
    return [
        broker.send_task(Task.SEND.value, kwargs=asked, queue=WorkQueue.INTAKE.value).id
        for asked in good + bad
    ]


@pytest.fixture
def watched(rig: Rig) -> Iterator[Rig]:
    names = {process.name for process in rig.table(rig.settings)} & {"flower", "exporter"}
    rig.start(*names)
    yield rig
    rig.stop(*names)


def test_planted_strings_show_nowhere(watched: Rig) -> None:
    rig = watched
    caller = rig.caller(mps=100)
    broker = client_of(rig.redis.url)
    seen: list[dict[str, Any]] = []
    with events(broker, seen), rig.bell() as client:
        tasks = send_all_ways(caller, broker)
        caller.send(texts(100))
        until(lambda: ended(seen) >= set(tasks), 30, "every task has ended")
        assert not client.llen(WorkQueue.INTAKE.value)
        settle(rig, caller, 30)
        (row,) = rig.query(
            "SELECT count(*) FROM messages WHERE tenant_id = :tenant AND body = :body",
            tenant=caller.tenant.id,
            body=BODY,
        )
        assert row[0] == 10 + 5 + 10, "the planted messages went another way"
        searched = {
            "celery events": repr(seen),
            "redis": everything_in(client),
            "remote control": remote(rig),
            **{f"flower {page}": text for page, text in flower_pages(rig, tasks).items()},
            **{path.name: path.read_text() for path in sorted((rig.home / "logs").iterdir())},
        }
    if "exporter" in {process.name for process in rig.table(rig.settings)}:
        metrics = httpx.get(f"http://127.0.0.1:{rig.ports.exporter}/metrics", trust_env=False)
        searched["metrics"] = metrics.raise_for_status().text
    broker.close()

    assert Task.SEND.value in searched["celery events"]
    assert tasks[0] in searched[f"flower /api/task/info/{tasks[0]}"]
    secret = caller.key.rpartition("_")[2]
    for word in (BODY, NOTE, PHONE, secret):
        places = [where for where, text in searched.items() if word in text]
        assert not places, f"{word if word != secret else 'the API key'} shows in {places}"


def ended(seen: list[dict[str, Any]]) -> set[str]:
    """The ids of the tasks that have come to an end."""
    return {e["uuid"] for e in list(seen) if e["type"] in {"task-succeeded", "task-failed"}}


def remote(rig: Rig) -> str:
    """What remote control says of the worker that takes messages."""
    app = client_of(rig.redis.url)
    asked = app.control.inspect(timeout=1.0)
    answers = [asked.active(), asked.reserved(), asked.scheduled(), asked.stats()]
    app.close()
    assert all(answers), "nobody answered"
    return repr(answers)
