"""The ledger, the state it comes to, and the locks around both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from messaging import suppression
from messaging.domain.compliance.facts import SuppressionKind
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Category, Channel, Purpose
from messaging.domain.suppression_request import StopRequest
from messaging.store import messages, suppressions
from messaging.store.messages import Move
from messaging.store.suppressions import NewSuppression
from messaging.suppression import Suppressed
from tests.carrier import refused
from tests.world import World, at_once

OTHER = "+12025550124"


def row(world: World, key: bytes | None = None, **changes: Any) -> NewSuppression:
    fields: dict[str, Any] = {"source": "inbound", "channel": Channel.SMS}
    return NewSuppression(world.tenant.id, recipient_key=key or world.key(), **(fields | changes))


def suppress(world: World, *rows: NewSuppression) -> Suppressed:
    with world.rt.engine.begin() as db:
        return suppression.suppress(db, rows)


def lift(world: World, key: bytes | None = None, **how: Any) -> bool:
    with world.rt.engine.begin() as db:
        return suppression.lift(
            db, world.tenant.id, Channel.SMS, key or world.key(), **({"source": "inbound"} | how)
        )


def among(world: World, *keys: bytes) -> set[bytes]:
    with world.rt.engine.connect() as db:
        return suppressions.among(db, world.tenant.id, Channel.SMS, keys or [world.key()])


def ledger(world: World) -> list[tuple[str, str, str]]:
    rows = world.rows("SELECT action, kind, scope FROM suppression_events ORDER BY id")
    return [(r["action"], r["kind"], r["scope"]) for r in rows]


def test_a_suppression_counts_once_and_can_be_lifted_and_set_again(world: World) -> None:
    mine, other = world.key(), world.key(OTHER)
    assert not lift(world)
    assert suppress(world, row(world)).new == 1
    assert suppress(world, row(world), row(world, other)).new == 1
    assert among(world, mine, other, b"x") == {mine, other}
    assert lift(world)
    assert among(world, mine, other) == {other}
    assert suppress(world, row(world)).new == 1
    assert among(world, mine, other) == {mine, other}


def test_a_suppression_is_of_one_tenant_and_one_channel(world: World) -> None:
    suppress(world, row(world))
    with world.rt.engine.connect() as db:
        key = [world.key()]
        assert suppressions.among(db, world.tenant.id, Channel.EMAIL, key) == set()
        assert suppressions.among(db, world.rt.new_id(), Channel.SMS, key) == set()


def test_suppressed_twice_at_once_is_lifted_at_once(world: World) -> None:
    done = at_once(*[lambda: suppress(world, row(world)).new] * 6)
    assert sorted(done) == [0] * 5 + [1]  # type: ignore[type-var]
    assert lift(world)
    assert among(world) == set()


def test_a_start_older_than_the_stop_is_ignored_in_whatever_order_they_come(world: World) -> None:
    now = world.rt.now()
    early, middle, late = (now - timedelta(minutes=m) for m in (30, 20, 10))
    suppress(world, row(world, at=middle))
    assert not lift(world, at=early)
    assert among(world)
    assert lift(world, at=late)
    # The older STOP comes after the younger START: told, and that is all.
    assert suppress(world, row(world, at=middle, evidence="again")) == Suppressed(0, 0)
    assert among(world) == set()
    assert ledger(world) == [
        ("suppress", "opt_out", "all"),
        ("lift", "opt_out", "all"),
        ("lift", "opt_out", "all"),
        ("suppress", "opt_out", "all"),
    ]


def test_a_start_between_two_stops_lifts_neither(world: World) -> None:
    now = world.rt.now()
    for minutes in (30, 10):
        suppress(world, row(world, at=now - timedelta(minutes=minutes)))
    assert not lift(world, at=now - timedelta(minutes=20))
    assert among(world)


def test_a_start_that_found_nothing_makes_an_older_stop_late(world: World) -> None:
    now = world.rt.now()
    waiting = world.put_one()
    assert not lift(world, at=now - timedelta(minutes=10))
    assert suppress(world, row(world, at=now - timedelta(minutes=20))) == Suppressed(0, 0)
    assert (among(world), world.status(waiting)) == (set(), "queued")
    assert suppress(world, row(world, at=now - timedelta(minutes=5))) == Suppressed(1, 1)


def test_what_is_said_to_lie_ahead_counts_as_now(world: World) -> None:
    suppress(world, row(world, at=world.rt.now() + timedelta(days=400)))
    assert lift(world)


def test_the_ledger_repeats_nothing_it_was_told_with_its_time(world: World) -> None:
    said = row(world, at=world.rt.now(), evidence="file 7")
    assert [suppress(world, said).new, suppress(world, said).new] == [1, 0]
    assert len(ledger(world)) == 1
    suppress(world, row(world), row(world))
    assert len(ledger(world)) == 3


@pytest.mark.parametrize("kind", [SuppressionKind.UNREACHABLE, SuppressionKind.COMPLAINT])
def test_a_start_lifts_opt_outs_alone(world: World, kind: SuppressionKind) -> None:
    suppress(world, row(world, kind=kind), row(world))
    assert lift(world)
    assert among(world)
    assert not lift(world)
    assert lift(world, kind=kind)
    assert among(world) == set()


def test_a_stop_cancels_what_waits_and_nothing_else(world: World) -> None:
    later = world.rt.now() + timedelta(hours=1)
    retried = world.put_one()
    world.carrier.answer = lambda _: refused(503, 20503)
    world.send()
    queued, deferred, sending = world.put(3)
    scheduled = world.put_one(Status.SCHEDULED, scheduled_for=later)
    draft = world.put_one(Status.DRAFT)
    other = world.put_one(recipient=OTHER)
    world.run("UPDATE messages SET status = 'sending' WHERE id = :id", id=sending)
    with world.rt.engine.begin() as db:
        step = (Status.QUEUED, Event.DEFERRED, Status.SCHEDULED, "quiet_hours", later)
        messages.move(db, [Move(deferred, 0, *step)])
    assert suppress(world, row(world)) == Suppressed(1, 4)
    for message_id in (queued, retried, scheduled, deferred):
        found = world.row(message_id)
        assert (found["status"], found["status_reason"]) == ("canceled", "opted_out")
        assert world.events(message_id)[-1] == "canceled"
    assert [world.status(m) for m in (sending, draft, other)] == ["sending", "draft", "queued"]
    assert suppress(world, row(world)) == Suppressed(0, 0)


def test_what_waits_is_canceled_also_if_it_was_put_there_after_the_first_stop(world: World) -> None:
    suppress(world, row(world))
    slipped_in = world.put_one()
    assert suppress(world, row(world)) == Suppressed(0, 1)
    assert world.status(slipped_in) == "canceled"


def test_a_scope_covers_its_category_alone(world: World) -> None:
    advert, code = (world.put_one(category=c) for c in (Category.MARKETING, Category.TRANSACTIONAL))
    assert suppress(world, row(world, scope="MARKETING")) == Suppressed(1, 1)
    assert [world.status(m) for m in (advert, code)] == ["canceled", "queued"]
    # Both rows cover the advert; it is canceled once.
    advert = world.put_one(category=Category.MARKETING)
    both = (row(world, scope="MARKETING"), row(world))
    assert suppress(world, *both) == Suppressed(1, 2)
    assert [world.status(m) for m in (advert, code)] == ["canceled", "canceled"]


def test_the_reason_says_which_kind_it_was(world: World) -> None:
    message = world.put_one()
    suppress(world, row(world, kind=SuppressionKind.UNREACHABLE))
    assert world.row(message)["status_reason"] == "unreachable"
    message = world.put_one()
    suppress(world, row(world, kind=SuppressionKind.UNREACHABLE), row(world))
    assert world.row(message)["status_reason"] == "opted_out"


def test_our_answers_to_stop_and_help_are_not_canceled(world: World) -> None:
    kept, help_, welcome = world.put(3)
    purposes = (Purpose.OPT_OUT_CONFIRMATION, Purpose.HELP, Purpose.OPT_IN_CONFIRMATION)
    for message_id, purpose in zip((kept, help_, welcome), purposes, strict=True):
        world.change("messages", message_id, purpose=purpose.value)
    assert suppress(world, row(world)) == Suppressed(1, 1)
    assert [world.status(m) for m in (kept, help_, welcome)] == ["queued", "queued", "canceled"]


def test_another_tenant_writes_on(world: World) -> None:
    stranger = World(world.rt)
    theirs = stranger.put_one()
    suppress(world, row(world))
    assert stranger.status(theirs) == "queued"


def test_one_stop_covers_text_and_picture_messages(world: World) -> None:
    who = suppression.person(world.rt, world.tenant, Channel.MMS, "(202) 555-0123")
    suppression.stop(world.rt, world.tenant, StopRequest(to="2025550123", channel=Channel.MMS))
    rows = world.rows("SELECT channel, recipient_key FROM suppressions")
    found = {Channel(r["channel"]): bytes(r["recipient_key"]) for r in rows}
    assert found == who.keys
    assert set(found) == {Channel.SMS, Channel.MMS}
    assert found[Channel.SMS] == world.key() != found[Channel.MMS]
    assert suppression.start(world.rt, who, source="api")
    assert world.rows("SELECT * FROM suppressions") == []


def is_free(world: World, key: bytes) -> bool:
    """Whether a STOP of this recipient would go through at once."""
    with world.rt.engine.connect() as db:
        try:
            suppressions.lock(db, [key], patience=0.05)
        except OperationalError:
            return False
        return True


def hold(db: Connection, *ids: UUID) -> None:
    with db.begin():
        suppressions.hold(db, ids)


def test_a_held_recipient_is_waited_for_until_the_release(world: World) -> None:
    mine = world.put_one()
    with world.rt.engine.connect() as db:
        hold(db, mine)
        assert not is_free(world, world.key())
        assert is_free(world, world.key(OTHER))
        with db.begin():
            suppressions.release(db)
        assert is_free(world, world.key())


def test_dispatches_share_a_recipient_unless_it_is_marketing(world: World) -> None:
    plain, again = world.put(2)
    advert = world.put_one(category=Category.MARKETING)
    with world.rt.engine.connect() as one, world.rt.engine.connect() as two:
        hold(one, plain)
        hold(two, again)
        with two.begin():
            suppressions.release(two)
        two.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(OperationalError):
            suppressions.hold(two, [advert])
        two.rollback()
        suppressions.release(one)
        suppressions.hold(two, [advert])
        assert not is_free(world, world.key())
        suppressions.release(two)
    assert is_free(world, world.key())


def test_a_key_is_the_same_lock_in_both_spellings(world: World) -> None:
    """Below zero as well: half of all keys are, as a signed number."""
    high = [f"+120255501{n:02}" for n in range(40)]
    ids = [world.put_one(recipient=number) for number in high]
    keys = [world.key(number) for number in high]
    assert {key[0] > 127 for key in keys} == {True, False}
    with world.rt.engine.connect() as db:
        hold(db, *ids)
        assert not any(is_free(world, key) for key in keys[:6])
        suppressions.release(db)


def test_locks_in_any_order_never_deadlock(world: World) -> None:
    numbers = [f"+120255501{n:02}" for n in range(30)]
    ids = [world.put_one(recipient=number) for number in numbers]

    def dispatch(turn: int) -> None:
        for _ in range(6):
            with world.rt.engine.connect() as db:
                hold(db, *(ids if turn % 2 else ids[::-1]))
                with db.begin():
                    suppressions.release(db)

    def stop(turn: int) -> None:
        rows = [row(world, world.key(n)) for n in numbers]
        for _ in range(3):
            suppress(world, *(rows if turn % 2 else rows[::-1]))

    jobs = [lambda t=t: dispatch(t) for t in range(4)] + [lambda t=t: stop(t) for t in range(3)]
    at_once(*jobs)
    assert {world.status(m) for m in ids} == {"canceled"}
