"""A person is forgotten: all of it, wherever it was stopped, and nobody else."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from messaging import erasure, openings, plan
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel
from messaging.store import number_facts
from messaging.store.erasures import Erasure
from tests.carrier import accepted, refused
from tests.dispatch.footprints import CANARY, SECRET, a_life, come_back, erase, hang
from tests.dispatch.killing import KilledError, killed_at
from tests.remains import remains
from tests.world import RECIPIENT, World, at_once, poll

OTHER = "+12025550124"
ROOT = Path(__file__).parents[2]


def test_nothing_of_a_person_remains_and_the_rows_stay(world: World) -> None:
    ids = a_life(world)
    other_person = world.put_one(recipient=OTHER, body="Hello")
    assert remains(world.rt.engine, *CANARY)
    done = erase(world)
    assert done.finished_at is not None
    assert (done.messages, done.receipts) == (7, 2)
    assert remains(world.rt.engine, *CANARY) == set()
    rows = [world.row(message_id) for message_id in ids]
    assert [row["status"] for row in rows] == ["delivered", "sent", *["canceled"] * 4]
    assert {row["status_reason"] for row in rows[2:]} == {"erased"}
    for row in rows:
        emptied = ("recipient", "body", "metadata", "postal_code", "time_zone")
        assert [row[name] for name in emptied] == ["", "", None, None, None]
        assert row["erased_at"] is not None
        assert row["recipient_key"] == world.key()
        assert row["segments"] == 1
    assert [len(world.attempts(message_id)) for message_id in ids] == [1, 1, 0, 0, 0, 0]
    assert len(world.rows("SELECT * FROM consent_events")) == 2
    assert world.rows("SELECT * FROM pending_lookups") == []
    assert world.row(other_person)["body"] == "Hello"
    (heard,) = world.rows("SELECT * FROM inbound_messages")
    assert (heard["keyword"], heard["to_address"]) == ("OTHER", world.sender.address)


def test_another_tenants_same_number_is_untouched(world: World) -> None:
    other = World(world.rt)
    a_life(world)
    theirs = a_life(other, "XX")
    before = everything_of(other)
    erase(world)
    assert everything_of(other) == before
    assert other.row(theirs[2])["status"] == "queued"
    assert remains(world.rt.engine, *CANARY, not_of=other.tenant.id) == set()


def everything_of(world: World) -> list[object]:
    tables = ("messages", "inbound_messages", "consent_events", "pending_lookups")
    found: list[object] = [
        world.rows(f"SELECT * FROM {table} WHERE tenant_id = :t ORDER BY 1", t=world.tenant.id)
        for table in tables
    ]
    found.append(
        world.rows(
            "SELECT * FROM raw_receipts WHERE account_id = :a ORDER BY id", a=world.account.id
        )
    )
    return found


def live_again(world: World, waiting: UUID) -> None:
    """The same life once more, without the wait for a carrier."""
    told = {"r": RECIPIENT, "s": SECRET, "j": f'{{"name": "{SECRET}"}}'}
    for statement in (
        (
            "UPDATE messages SET recipient = :r, body = :s, metadata = CAST(:j AS jsonb),"
            " postal_code = :s, erased_at = NULL,"
            " status = CASE status WHEN 'canceled' THEN 'queued' ELSE status END"
        ),
        "UPDATE raw_receipts SET url = :r, body = convert_to(:s, 'UTF8')",
        "UPDATE inbound_messages SET from_address = :r, body = :s",
        "UPDATE consent_events SET evidence = CAST(:j AS jsonb)",
    ):
        assert world.run(statement, **told)
    with world.rt.engine.begin() as db:
        number_facts.want(db, [(world.tenant.id, world.key(), waiting)])


def test_wherever_it_is_killed_the_next_run_ends_it(world: World) -> None:
    waiting = a_life(world)[2]
    with patch("messaging.erasure._BATCH", 3):
        for step in range(1, 200):
            live_again(world, waiting)
            asked = erasure.request(world.rt, world.tenant, Channel.SMS, RECIPIENT)
            world.run("UPDATE erasures SET due_at = now()")
            with killed_at(world.rt.engine, step) as seen:
                try:
                    erasure.run(world.rt)
                except KilledError:
                    stopped = True
                else:
                    stopped = False
            come_back(world)
            assert erasure.find(world.rt, world.tenant, asked.id).finished_at is not None, step
            assert remains(world.rt.engine, *CANARY) == set(), step
            if not stopped:
                break
    assert not stopped
    assert 30 < seen[0] < 200
    found = erasure.find(world.rt, world.tenant, asked.id)
    assert (found.messages, found.receipts) == (7 * step, 2 * step)


_WORKER = """
import sys
from messaging import erasure
from tests.world import runtime, settings_for
erasure._BATCH = 1
with runtime(settings_for(*sys.argv[1:])) as rt:
    erasure.run(rt, seconds=60)
"""


def test_a_worker_that_is_shot_leaves_nothing_half_done(world: World) -> None:
    ids = world.put(2000, body=SECRET)
    asked = erasure.request(world.rt, world.tenant, Channel.SMS, RECIPIENT)
    settings = world.rt.settings
    words = [sys.executable, "-c", _WORKER, settings.database_url, settings.redis_url]
    worker = subprocess.Popen(words, cwd=ROOT)
    try:
        poll(lambda: canceled(world) > 20, "the worker does not begin")
    finally:
        worker.kill()
        worker.wait(10)
    assert erasure.find(world.rt, world.tenant, asked.id).finished_at is None
    assert all(world.events(m) in (["submitted"], ["submitted", "canceled"]) for m in ids[::50])
    poll(lambda: erasure.work_off(world.rt, asked.id), "the next worker does not end it")
    found = erasure.find(world.rt, world.tenant, asked.id)
    assert found.messages == len(ids)
    assert remains(world.rt.engine, *CANARY) == set()


def canceled(world: World) -> int:
    (row,) = world.rows("SELECT count(*) AS n FROM messages WHERE status = 'canceled'")
    return int(row["n"])


def test_asking_again_finds_nothing_and_opens_the_same_request(world: World) -> None:
    a_life(world)
    first = erase(world)
    before = everything_of(world)
    again = erase(world)
    assert (again.id, again.messages, again.receipts) == (first.id, first.messages, first.receipts)
    assert again.requested_at > first.requested_at
    assert everything_of(world) == before
    assert erasure.run(world.rt) == "nobody to erase"


def test_who_is_not_known_is_erased_all_the_same(world: World) -> None:
    done = erase(world)
    assert (done.finished_at is not None, done.messages, done.receipts) == (True, 0, 0)
    assert len(world.rows("SELECT * FROM erasures")) == 2  # SMS and MMS


def test_workers_at_once_empty_each_message_once(world: World) -> None:
    world.put(40, body=SECRET)
    asked = erasure.request(world.rt, world.tenant, Channel.SMS, RECIPIENT)
    with patch("messaging.erasure._BATCH", 3):
        at_once(*[lambda: erasure.work_off(world.rt, asked.id)] * 4)
        come_back(world)
    found = erasure.find(world.rt, world.tenant, asked.id)
    assert (found.finished_at is not None, found.messages) == (True, 40)


def test_an_open_attempt_keeps_what_settles_it_until_then(world: World) -> None:
    waiting = world.put_one(Status.DRAFT, body=SECRET)
    message_id = hang(world)
    done = erase(world)
    assert (done.finished_at, done.messages) == (None, 1)
    assert world.status(waiting) == "canceled"
    row = world.row(message_id)
    assert (row["recipient"], row["body"], row["erased_at"]) == (RECIPIENT, SECRET, None)
    world.run("UPDATE open_attempts SET doubt_since = now(), check_at = now()")
    assert come_back(world) == "1 under way"
    world.carrier.answer_hanging(accepted("SM9"))
    world.settle()
    assert come_back(world) == "1 finished"
    assert world.status(message_id) == "sent"
    assert remains(world.rt.engine, *CANARY) == set()


def test_it_waits_for_a_dispatch_that_has_read_the_text_already(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = world.put_one(body=SECRET)
    decide = plan.decide
    with ThreadPoolExecutor(1) as pool:
        erased: list[Future[Erasure]] = []

        def interrupted(*args: Any) -> openings.Plan:
            erased.append(pool.submit(erase, world))
            poll(lambda: world.rows(_WAITING_FOR_LOCKS), "the erasure does not wait")
            return decide(*args)

        monkeypatch.setattr(plan, "decide", interrupted)
        world.carrier.answer = lambda _: None
        world.take()
        assert erased[0].result(10).finished_at is None
    assert (world.status(message_id), world.row(message_id)["body"]) == ("sending", SECRET)
    assert world.window.held == 1


_WAITING_FOR_LOCKS = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_a_retry_of_what_was_open_is_called_off(world: World) -> None:
    message_id = hang(world)
    erase(world)
    world.carrier.answer_hanging(refused(503, 20503))
    world.settle()
    assert world.status(message_id) == "queued"
    come_back(world)
    assert (world.status(message_id), world.row(message_id)["body"]) == ("canceled", "")
