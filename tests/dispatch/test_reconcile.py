"""An attempt in doubt is settled by evidence: one sighting, or absence that lasts."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from messaging import maintenance, reconcile, telemetry
from tests.carrier import Reply, accepted, listing, refused
from tests.dispatch.doubting import TIMEOUT, Desk, age, in_doubt, look
from tests.world import RECIPIENT, World


@pytest.fixture(autouse=True)
def _quiet() -> None:
    telemetry.configure("error", json=True)


def entry(
    world: World, sid: str = "SM1", at: datetime | None = None, **changes: Any
) -> dict[str, Any]:
    created = at or world.open_attempts()[0]["started_at"]
    return {
        "sid": sid,
        "status": "sent",
        "to": RECIPIENT,
        "from": world.sender.address,
        "body": "Hello",
        "direction": "outbound-api",
        "date_created": format_datetime(created),
        "error_code": None,
    } | changes


def test_nothing_is_asked_before_its_time(world: World) -> None:
    in_doubt(world)
    assert look(world) == "nothing in doubt"


def test_one_sighting_is_proof(world: World) -> None:
    (message_id,) = in_doubt(world)
    age(world, 1)
    assert look(world, listing(entry(world))) == "1 accepted"
    row = world.row(message_id)
    assert (row["status"], row["provider_message_id"], row["attempts"]) == ("sent", "SM1", 1)
    (attempt,) = world.attempts(message_id)
    assert (attempt["outcome"], attempt["settled_by"]) == ("accepted", "lookup")
    world.report("SM1", "delivered")
    assert world.applied() == "1 applied"


@pytest.mark.parametrize(
    "other",
    [{"body": "Other"}, {"to": "+12025550124"}, {"from": "+12025550177"}, {"direction": "inbound"}],
)
def test_what_is_not_the_message_is_no_sighting(world: World, other: dict[str, Any]) -> None:
    in_doubt(world)
    age(world, 2)
    assert look(world, listing(entry(world, **other))) == "1 absent so far"


def test_absence_is_proof_only_when_it_lasts(world: World) -> None:
    (message_id,) = in_doubt(world)
    age(world, 2)
    assert look(world, listing()) == "1 absent so far"
    (opened,) = world.open_attempts()
    assert (opened["absences"], opened["epoch"]) == (1, 1)
    age(world, 9)
    assert look(world, listing()) == "1 absent so far"
    age(world, 2)
    assert look(world, listing()) == "1 unsent"
    row = world.row(message_id)
    assert (row["status"], row["status_reason"], row["attempts"]) == ("queued", "proven_unsent", 1)
    (ready,) = world.ready()
    assert (ready["queue"], ready["epoch"]) == ("normal", 1)
    (attempt,) = world.attempts(message_id)
    assert (attempt["outcome"], attempt["detail"]) == ("unsent", "3 look-ups found nothing")


def test_one_look_is_not_enough_however_late(world: World) -> None:
    in_doubt(world)
    age(world, 300)
    assert look(world, listing()) == "1 absent so far"


def test_absence_before_the_deadline_starts_no_clock_and_stops_none(world: World) -> None:
    (message_id,) = in_doubt(world)
    age(world, 0.5)
    assert look(world, listing()) == "1 no answer"
    assert world.open_attempts()[0]["absences"] == 0
    age(world, 1)
    assert look(world, listing()) == "1 absent so far"
    age(world, 11)
    assert look(world, listing()) == "1 unsent"
    assert world.status(message_id) == "queued"


def test_the_last_attempt_proven_unsent_is_the_end(world: World) -> None:
    message_id = world.put_one()
    world.run("UPDATE messages SET attempts = 4 WHERE id = :id", id=message_id)
    world.carrier.answer = lambda _: TIMEOUT
    world.send()
    age(world, 2)
    look(world, listing())
    age(world, 11)
    assert look(world, listing()) == "1 unsent"
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == ("failed", "attempts_exhausted")
    assert world.ready() == []


@pytest.mark.parametrize(
    "reply",
    [
        TIMEOUT,
        refused(500, 20500),
        refused(401, 20003),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"messages": [], "next_page_uri": "/more"}),
        httpx.Response(200, json={"messages": [{"sid": "SM1"}], "next_page_uri": None}),
    ],
)
def test_a_look_up_that_fails_proves_nothing(world: World, reply: Reply) -> None:
    (message_id,) = in_doubt(world)
    for _ in range(4):
        age(world, 15)
        assert look(world, reply) == "1 no answer"
    assert (world.status(message_id), world.open_attempts()[0]["absences"]) == ("sending", 0)


def test_more_alike_than_we_sent_is_no_proof_for_any(world: World) -> None:
    (message_id,) = in_doubt(world)
    age(world, 2)
    found = [entry(world, "SM1"), entry(world, "SM2")]
    assert look(world, listing(*found)) == "1 no answer"
    assert world.status(message_id) == "sending"
    world.report("SM2", "sent", world.callback(message_id, 1))
    world.applied()
    assert world.row(message_id)["provider_message_id"] == "SM2"


def test_a_sighting_that_belongs_to_another_message_does_not_count(world: World) -> None:
    world.put_one()
    world.carrier.answer = lambda _: accepted("SM1")
    world.send()
    (message_id,) = in_doubt(world)
    age(world, 2)
    assert look(world, listing(entry(world, "SM1"))) == "1 absent so far"
    age(world, 0)
    assert look(world, listing(entry(world, "SM1"), entry(world, "SM2"))) == "1 accepted"
    assert world.row(message_id)["provider_message_id"] == "SM2"


def test_a_sighting_may_be_of_a_twin_still_in_flight(world: World) -> None:
    (doubtful,) = in_doubt(world)
    twin = world.put_one()
    world.carrier.answer = lambda _: None
    world.take()
    world.window.step(0)
    world.run(
        "UPDATE open_attempts SET check_at = now() - interval '1 second' WHERE message_id = :id",
        id=doubtful,
    )
    assert look(world, listing(entry(world, "SM2"))) == "1 no answer"
    world.carrier.answer_hanging(accepted("SM2"))
    world.settle()
    assert world.row(twin)["provider_message_id"] == "SM2"
    assert world.status(doubtful) == "sending"


def test_twins_in_doubt_that_both_arrived_are_both_accepted(world: World) -> None:
    ids = in_doubt(world, 2)
    age(world, 2)
    both = listing(entry(world, "SM1"), entry(world, "SM2"))
    assert look(world, both, both) == "2 accepted"
    assert {world.row(i)["provider_message_id"] for i in ids} == {"SM1", "SM2"}


def test_after_a_day_without_evidence_the_outcome_is_unknown_for_good(world: World) -> None:
    (message_id,) = in_doubt(world)
    age(world, 24 * 60 + 1)
    assert look(world, refused(500, 20500)) == "1 unknown for good"
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == ("failed", "unknown_outcome")
    assert world.attempts(message_id)[0]["outcome"] == "unknown"
    assert (world.open_attempts(), world.ready()) == ([], [])


def test_looks_grow_rarer_up_to_an_hour(world: World) -> None:
    in_doubt(world)
    age(world, 2)
    waits = []
    for _ in range(9):
        world.run(
            "UPDATE open_attempts SET check_at = now() - interval '1 second', absent_since = now()"
        )
        look(world, listing())
        (found,) = world.rows(
            "SELECT extract(epoch FROM check_at - now())::float AS s FROM open_attempts"
        )
        waits.append(round(found["s"]))
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_reply_that_comes_during_the_look_up_wins(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: None
    world.take()
    world.window.step(0)
    world.run("UPDATE open_attempts SET check_at = now() - interval '1 second'")
    maintenance.sweep(world.rt)
    age(world, 12)

    def late(_request: httpx.Request) -> Reply:
        page = listing(entry(world, "SM1"))
        world.carrier.answer_hanging(accepted("SM1"))
        world.settle()
        return page

    reconcile.settle_in_doubt(world.rt, Desk(late))
    assert world.events(message_id) == ["submitted", "attempted", "accepted"]
    assert [a["settled_by"] for a in world.attempts(message_id)] == ["reply"]


@pytest.mark.parametrize("flaw", [{"base_url": "http://127.0.0.1:nan"}, {"provider": "pigeon"}])
def test_an_account_that_cannot_be_asked_does_not_hold_up_others(
    world: World, flaw: dict[str, str]
) -> None:
    broken = world.add_account()
    sender = world.add_sender("+12025550198", account_id=broken.id)
    (stuck,) = in_doubt(world, sender_id=sender.id)
    (fine,) = in_doubt(world, sender_id=world.sender.id)
    world.change("provider_accounts", broken.id, **flaw)
    age(world, 2)
    desk = listing(entry(world))
    assert look(world, desk) == "1 accepted, 1 no answer"
    assert (world.status(stuck), world.status(fine)) == ("sending", "sent")


def test_a_retired_senders_attempt_waits_for_its_receipt(world: World) -> None:
    (message_id,) = in_doubt(world)
    world.change("senders", world.sender.id, retired_at=world.rt.now())
    age(world, 15)
    assert look(world) == "1 no answer"
    assert world.status(message_id) == "sending"
