"""Every task has a name, a queue and a pool, and no time is ever left to the broker."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from celery import Celery

from messaging import queues, stack
from messaging.domain.message import Queue
from messaging.queues import DISPATCH, TASK_QUEUES, Task, WorkQueue
from tests.architecture.repository import PACKAGES, name, sources

BROKER_TIMES = {"countdown", "eta"}
"""Beyond the visibility timeout Redis hands such a task out again and again."""
RETRIES = {"retry", "retry_backoff", "retry_kwargs", "autoretry_for"}
"""A retry is a row with a due time; the broker would forget it, or run it twice."""
THE_ONLY_COPY = {"workers/doors.py": {"countdown"}}
"""What a door's key may not hand in yet is no row: the broker keeps it, for less than that timeout."""
CANVAS = {"chain", "chord", "group", "chunks", "signature"}
"""A result backend's work, and a chord counts in Redis."""


def broker_features(source: str) -> set[str]:
    """Celery's own times, retries and canvas, as a module uses them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg=str(word)) if word in BROKER_TIMES | RETRIES - {"retry"}:
                found.add(word)
            case ast.Call(func=ast.Attribute(attr="retry", value=ast.Name(id="self"))):
                found.add("retry")
            case ast.Call(func=ast.Attribute(attr="retry", value=ast.Attribute())):
                found.add("retry")
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "celery":
                found |= {alias.name for alias in node.names} & CANVAS
            case ast.Call(func=ast.Attribute(attr="apply_async" | "delay")):
                found.add("called without its public name")
    return found


def test_no_time_retry_or_chord_is_left_to_the_broker() -> None:
    used = {name(path): broker_features(path.read_text()) for path in sources(*PACKAGES)}
    assert {file: words for file, words in used.items() if words} == THE_ONLY_COPY


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("app.send_task('x', countdown=5)", "countdown"),
        ("task.s(eta=now)", "eta"),
        ("@app.task(autoretry_for=(OSError,))\ndef f(): ...", "autoretry_for"),
        ("raise self.retry(exc=e)", "retry"),
        ("raise app.current_task.retry()", "retry"),
        ("from celery import chord", "chord"),
        ("from celery.canvas import group", "group"),
        ("f.delay()", "called without its public name"),
    ],
)
def test_what_is_left_to_the_broker_would_be_found(source: str, found: str) -> None:
    assert found in broker_features(source)


@pytest.fixture(scope="module")
def app() -> Celery:
    """The application with every task it has."""
    import schedules.beat
    from workers.app import app as workers_app

    assert schedules.beat.TABLE
    workers_app.loader.import_default_modules()
    return workers_app


def test_every_task_is_registered_under_its_public_name(app: Celery) -> None:
    ours = {task for task in app.tasks if not task.startswith("celery.")}
    assert ours == {task.value for task in Task}


def test_every_task_goes_to_a_declared_queue(app: Celery) -> None:
    declared = {queue.name for queue in queues.declared()}
    assert declared == {queue.value for queue in WorkQueue}
    assert TASK_QUEUES.keys() == set(Task)
    for task, queue in TASK_QUEUES.items():
        assert app.amqp.router.route({}, task.value)["queue"].name == queue.value in declared


def test_every_beat_entry_names_a_registered_task_and_its_queue(app: Celery) -> None:
    from schedules.beat import TABLE

    assert len(app.conf.beat_schedule) == len(TABLE)
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["queue"] == TASK_QUEUES[Task(entry["task"])].value
        assert entry["options"]["expires"] >= entry["schedule"]
    assert all(entry.why for entry in TABLE)


def test_every_queue_is_served_by_exactly_one_pool() -> None:
    assert Counter(queue for pool in stack.POOLS for queue in pool.queues) == Counter(WorkQueue)


def test_every_backlog_has_a_task() -> None:
    assert DISPATCH.keys() == set(Queue)


def test_the_row_is_what_is_redelivered(app: Celery) -> None:
    assert not app.conf.task_acks_late
    assert app.conf.result_backend is None
    assert app.conf.task_soft_time_limit is None
