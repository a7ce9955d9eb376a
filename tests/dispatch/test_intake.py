"""Intake as a use case: kept whole or not at all, answered the same way twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.engine import Connection

from messaging import intake, maintenance
from messaging.domain import request
from messaging.domain.errors import (
    ConflictError,
    FieldProblem,
    IdempotencyBusyError,
    IdempotencyReusedError,
    NotFoundError,
    UnavailableError,
)
from messaging.domain.lifecycle import Status
from messaging.domain.message import Queue
from messaging.domain.request import SendRequest
from messaging.store import backlog, idempotency
from messaging.store.idempotency import Kept
from messaging.store.tenants import Tenant
from messaging.submission import Receipt, Refused, Submission, Taken, prepare
from tests.world import RECIPIENT, World, at_once, kill_backends, runtime, settings_for


def ask(**changes: Any) -> SendRequest:
    return SendRequest.model_validate({"to": RECIPIENT, "body": "Hello"} | changes)


def submission(world: World, *asked: Any, key: str | None = None) -> Submission:
    requests = list(asked) or [ask()]
    valid = [r for r in requests if isinstance(r, SendRequest)]
    return Submission(world.tenant, requests, key, request.fingerprint(valid), "test")


def ids(receipt: Receipt) -> list[UUID]:
    return [entry.id for entry in receipt.entries if isinstance(entry, Taken)]


def count(world: World) -> dict[str, int]:
    names = ("messages", "message_events", "ready", "scheduled", "idempotency_keys")
    return {n: world.rows(f"SELECT count(*) AS n FROM {n}")[0]["n"] for n in names}


def test_a_list_with_bad_entries_keeps_the_good_ones_in_order(world: World) -> None:
    malformed = [FieldProblem("#/to", "required", "is required")]
    later = world.rt.now() + timedelta(hours=1)
    receipt = intake.submit(
        world.rt,
        submission(
            world,
            ask(),
            malformed,
            ask(to="12"),
            ask(scheduled_for=later),
            ask(draft=True),
            ask(**{"from": "+12025550111"}),
            ask(priority="HIGH"),
        ),
    )
    shown = [
        e.status.value if isinstance(e, Taken) else e.problems[0].code for e in receipt.entries
    ]
    assert shown[:2] == ["queued", "required"]
    assert shown[3:] == ["scheduled", "draft", "unknown_sender", "queued"]
    assert isinstance(receipt.entries[2], Refused)
    assert count(world) == {
        "messages": 4,
        "message_events": 4,
        "ready": 2,
        "scheduled": 1,
        "idempotency_keys": 0,
    }


def test_a_key_used_again_is_answered_as_the_first_time(world: World) -> None:
    asked = (ask(), [FieldProblem("#/to", "required", "is required")], ask(draft=True))
    first = intake.submit(world.rt, submission(world, *asked, key="k"))
    before = count(world)
    again = intake.submit(world.rt, submission(world, *asked, key="k"))
    assert (again.entries, again.replayed, first.replayed) == (first.entries, True, False)
    assert count(world) == before
    with pytest.raises(IdempotencyReusedError):
        intake.submit(world.rt, submission(world, ask(body="Other"), key="k"))
    assert count(world) == before


def test_a_key_belongs_to_its_tenant(world: World) -> None:
    first = intake.submit(world.rt, submission(world, key="k"))
    mine, other = World(world.rt), submission(world, key="k")
    second = intake.submit(world.rt, replace(other, tenant=mine.tenant))
    assert ids(first) != ids(second)
    assert not second.replayed


def test_a_submission_of_which_nothing_was_kept_leaves_its_key_free(world: World) -> None:
    refused = intake.submit(world.rt, submission(world, ask(to="12"), key="k"))
    assert isinstance(refused.entries[0], Refused)
    assert ids(intake.submit(world.rt, submission(world, key="k")))


def test_a_twin_in_the_same_group_is_told_to_come_back(world: World) -> None:
    asked = [
        submission(world, key="k"),
        submission(world, key="k"),
        submission(world, key="other"),
        submission(world),
    ]
    with world.rt.engine.begin() as db:
        first, twin, other, keyless = intake.keep(db, [prepare(world.rt, a) for a in asked])
    assert isinstance(twin, IdempotencyBusyError)
    assert all(isinstance(answer, Receipt) for answer in (first, other, keyless))
    assert count(world)["messages"] == 3


def test_a_twin_that_is_still_running_elsewhere_is_told_to_come_back(world: World) -> None:
    with world.rt.engine.connect() as other:
        assert idempotency.lock(other, [(world.tenant.id, "k")]) == [True]
        with pytest.raises(IdempotencyBusyError):
            intake.submit(world.rt, submission(world, key="k"))
        other.rollback()
    assert ids(intake.submit(world.rt, submission(world, key="k")))


def test_of_many_twins_at_once_one_message_comes(world: World) -> None:
    def twin() -> UUID | None:
        try:
            (found,) = ids(intake.submit(world.rt, submission(world, key="k")))
        except IdempotencyBusyError:
            return None
        return found

    answers = {a for a in at_once(*[twin] * 8) if a is not None}
    assert len(answers) == 1
    assert count(world) == {
        "messages": 1,
        "message_events": 1,
        "ready": 1,
        "scheduled": 0,
        "idempotency_keys": 1,
    }


def test_a_key_is_forgotten_after_its_time_and_not_before(world: World) -> None:
    intake.submit(world.rt, submission(world, key="old"))
    intake.submit(world.rt, submission(world, key="new"))
    world.run(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'old'"
    )
    assert maintenance.prune(world.rt) == "pruned 1 idempotency keys"
    assert [r["key"] for r in world.rows("SELECT key FROM idempotency_keys")] == ["new"]


def test_a_draft_goes_when_it_is_submitted_and_once(world: World) -> None:
    (draft,) = ids(intake.submit(world.rt, submission(world, ask(draft=True))))
    assert world.send().claimed == 0
    intake.submit_draft(world.rt, world.tenant, draft)
    with pytest.raises(ConflictError):
        intake.submit_draft(world.rt, world.tenant, draft)
    world.send()
    assert world.events(draft) == [None, "submitted", "attempted", "accepted"]


def test_a_scheduled_draft_waits_for_its_time(world: World) -> None:
    at = world.rt.now() + timedelta(hours=1)
    (draft,) = ids(intake.submit(world.rt, submission(world, ask(draft=True, scheduled_for=at))))
    intake.submit_draft(world.rt, world.tenant, draft)
    assert world.status(draft) == "scheduled"
    (row,) = world.rows("SELECT * FROM scheduled")
    assert (row["message_id"], row["due_at"]) == (draft, at)


def test_a_scheduled_draft_submitted_after_its_time_goes_at_once(world: World) -> None:
    at = world.rt.now() + timedelta(minutes=1)
    (draft,) = ids(intake.submit(world.rt, submission(world, ask(draft=True, scheduled_for=at))))
    world.rt.ahead = timedelta(minutes=2)
    intake.submit_draft(world.rt, world.tenant, draft)
    assert (world.status(draft), len(world.ready())) == ("queued", 1)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.SCHEDULED, Status.QUEUED])
def test_what_has_not_begun_can_be_canceled_once(world: World, status: Status) -> None:
    message_id = world.put_one(
        status, scheduled_for=world.rt.now() if status is Status.SCHEDULED else None
    )
    intake.cancel(world.rt, world.tenant, message_id)
    assert (world.status(message_id), world.send().sent) == ("canceled", 0)
    with pytest.raises(ConflictError, match="canceled"):
        intake.cancel(world.rt, world.tenant, message_id)


def test_what_is_being_sent_cannot_be_canceled(world: World) -> None:
    message_id = world.put_one()
    world.take()
    with pytest.raises(ConflictError, match="sending"):
        intake.cancel(world.rt, world.tenant, message_id)
    world.settle()
    assert world.status(message_id) == "sent"


def test_another_tenants_message_is_not_there(world: World) -> None:
    message_id = world.put_one()
    stranger = Tenant(world.rt.new_id(), "stranger", "US")
    for act in (intake.cancel, intake.submit_draft):
        with pytest.raises(NotFoundError):
            act(world.rt, stranger, message_id)


def test_cancel_and_send_at_once_agree_on_one_end(world: World) -> None:
    many = world.put(40)

    def cancel_all() -> list[bool]:
        done = []
        for message_id in reversed(many):
            try:
                intake.cancel(world.rt, world.tenant, message_id)
            except ConflictError:
                done.append(False)
            else:
                done.append(True)
        return done

    def send_all() -> None:
        while world.take(limit=4).claimed:
            pass

    canceled, _ = at_once(cancel_all, send_all)
    world.settle()
    ends = [world.status(i) for i in reversed(many)]
    assert ends == ["canceled" if won else "sent" for won in canceled]  # type: ignore[attr-defined]
    assert len(world.carrier.requests) == ends.count("sent")


@pytest.mark.parametrize("size", [1, 150])
@pytest.mark.parametrize("key", [None, "k"])
def test_a_database_that_dies_half_way_leaves_nothing_half_written(
    world: World, size: int, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plenty = [ask() for _ in range(size)]
    keep = idempotency.keep

    def deadly(db: Connection, used: Sequence[tuple[UUID, str, Kept]]) -> None:
        kill_backends(world.rt.engine)  # the messages are written, and not yet committed
        keep(db, used)

    monkeypatch.setattr(idempotency, "keep", deadly)
    with pytest.raises(UnavailableError):
        intake.submit(world.rt, submission(world, *plenty, key=key))
    monkeypatch.undo()
    assert set(count(world).values()) == {0}
    assert len(ids(intake.submit(world.rt, submission(world, *plenty, key=key)))) == size


def test_a_database_that_dies_between_the_rows_and_the_key_keeps_neither(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = idempotency.keep

    def late(*arguments: Any) -> None:
        kill_backends(world.rt.engine)
        keep(*arguments)

    monkeypatch.setattr(idempotency, "keep", late)
    with pytest.raises(UnavailableError):
        intake.submit(world.rt, submission(world, key="k"))
    monkeypatch.undo()
    assert set(count(world).values()) == {0}


def test_intake_does_not_need_redis(world: World) -> None:
    away = settings_for(world.rt.settings.database_url, "redis://127.0.0.1:1/0")
    with runtime(away) as rt:
        (message_id,) = ids(intake.submit(rt, submission(world)))
    assert world.status(message_id) == "queued"
    with world.rt.engine.connect() as db:
        assert backlog.queues_due(db) == [Queue.NORMAL]
