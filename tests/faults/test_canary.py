"""Do a message's text, its recipient or a caller's key show anywhere they should not?

Planted strings are looked for in every log, in all of Redis, in every Celery event, in what remote
control says, on every page of Flower and in the metrics. The one place they may pass through is the
queue of `posthorn.send` until a worker takes the task, so the search begins after that.
"""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery

from messaging.queues import Task, WorkQueue
from tests.faults.caller import Caller, client_of, texts
from tests.faults.rig import Rig, until
from tests.faults.searching import (
    ended,
    events,
    everything_in,
    flower_pages,
    logs,
    metrics,
    places,
    remote,
    watchers,
)
from tests.faults.verdict import settle

pytestmark = pytest.mark.fault

BODY = "canary-of-the-body"
NOTE = "canary-of-the-metadata"
PHONE = "2025550177"


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
            **logs(rig),
        }
    if "exporter" in watchers(rig):
        searched["metrics"] = metrics(rig)
    broker.close()

    assert Task.SEND.value in searched["celery events"]
    assert tasks[0] in searched[f"flower /api/task/info/{tasks[0]}"]
    secret = caller.key.rpartition("_")[2]
    assert places(searched, [BODY, NOTE, PHONE]) == []
    assert not places(searched, [secret]), "the API key shows"
