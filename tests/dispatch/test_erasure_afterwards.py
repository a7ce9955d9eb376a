"""Whatever comes after an erasure brings nothing back, and what must still hold holds."""

from __future__ import annotations

from datetime import timedelta

from messaging import erasure, registration
from messaging.domain.message import Channel
from messaging.queues import Task
from tests.carrier import accepted
from tests.dispatch.footprints import CANARY, SECRET, come_back, erase, hang, report, sent
from tests.dispatch.handset import Handset, suppressed
from tests.remains import remains
from tests.world import RECIPIENT, ClockedRuntime, World


def test_a_late_receipt_moves_the_status_and_brings_nothing_back(world: World) -> None:
    by_address, by_id, odd = (sent(world, f"SM{n}") for n in range(3))
    assert erase(world).finished_at is not None
    report(world, "SM0", "delivered", world.callback(by_address, 1))
    report(world, "SM1", "undelivered")
    report(world, "SM1", "undelivered")
    report(world, "SM2", "a word of tomorrow", world.callback(odd, 1))
    world.post(f"Body={SECRET}".encode(), world.callback(odd, 1))
    world.applied()
    assert world.receipt_results() == ["applied", "applied", "duplicate", "duplicate", "unreadable"]
    assert [world.status(m) for m in (by_address, by_id, odd)] == [
        "delivered",
        "undeliverable",
        "sent",
    ]
    rows = world.rows("SELECT url, body FROM raw_receipts")
    assert {(row["url"], bytes(row["body"])) for row in rows} == {("", b"")}
    assert erasure.run(world.rt) == "nobody to erase"


def test_a_receipt_in_line_is_applied_first_and_then_emptied(world: World) -> None:
    message_id = sent(world, "SM1")
    report(world, "SM1", "delivered", world.callback(message_id, 1))
    assert erase(world).finished_at is None
    assert world.row(message_id)["body"] == ""
    assert come_back(world) == "1 under way"
    world.applied()
    assert world.status(message_id) == "delivered"
    assert remains(world.rt.engine, *CANARY) == set()
    assert come_back(world) == "1 finished"


def test_a_receipt_that_was_parked_is_emptied_when_its_send_is_known(world: World) -> None:
    message_id = hang(world)
    report(world, "SM7", "delivered")
    world.applied()
    assert world.receipt_results() == ["parked"]
    erase(world)
    world.carrier.answer_hanging(accepted("SM7"))
    world.settle()
    come_back(world)
    world.applied()
    assert (world.status(message_id), world.row(message_id)["body"]) == ("delivered", "")
    assert remains(world.rt.engine, *CANARY) == set()


def test_what_would_be_sent_again_later_is_called_off_when_it_is_empty(world: World) -> None:
    message_id = sent(world, "SM1")
    erase(world)
    report(world, "SM1", "undelivered", code=30034)
    report(world, "SM1", "undelivered", code=30034)
    world.applied()
    assert world.events(message_id)[-2:] == ["blocked_missing_campaign", "canceled"]
    assert world.row(message_id)["status_reason"] == "erased"
    world.run("UPDATE tenants SET cleared_at = now() + interval '1 minute'")
    assert registration.release(world.rt) == 0
    assert world.rows("SELECT * FROM held") == []
    assert (world.status(message_id), world.ready()) == ("canceled", [])


def test_who_said_stop_is_still_not_written_to(world: World) -> None:
    handset = Handset(world)
    handset.says("STOP")
    ledger = world.rows("SELECT * FROM suppression_events")
    erase(world)
    assert remains(world.rt.engine, *CANARY) == set()
    assert world.rows("SELECT * FROM suppression_events") == ledger
    refused_ = world.put_one()
    assert world.send().blocked == {"opted_out": 1}
    assert world.status(refused_) == "opted_out"


def test_a_stop_of_somebody_who_was_erased_holds(world: World) -> None:
    handset = Handset(world)
    sent(world, "SM1")
    erase(world)
    later = world.put_one()
    handset.says("STOP")
    assert suppressed(world)
    assert world.status(later) == "canceled"
    assert world.row(later)["status_reason"] == "opted_out"


def test_a_providers_word_about_an_erased_message_holds(world: World) -> None:
    sent(world, "SM1")
    erase(world)
    report(world, "SM1", "undelivered", code=21610)
    world.applied()
    assert suppressed(world)


def test_what_is_sent_afterwards_is_a_message_like_any_other(world: World) -> None:
    hang(world)
    erase(world)
    afterwards = world.put_one(body="Your data is gone")
    assert come_back(world) == "1 under way"
    assert (world.status(afterwards), world.row(afterwards)["body"]) == (
        "queued",
        "Your data is gone",
    )
    world.carrier.answer = lambda _: accepted("SM8")
    world.carrier.answer_hanging(accepted("SM9"))
    world.send()
    come_back(world)
    assert world.status(afterwards) == "sent"
    assert world.row(afterwards)["recipient"] == RECIPIENT
    assert remains(world.rt.engine, SECRET) == set()


def test_a_clock_that_is_ahead_hides_nothing(world: World) -> None:
    message_id = world.put_one(body=SECRET, created_at=world.rt.now() + timedelta(seconds=2))
    assert erase(world).finished_at is not None
    assert world.row(message_id)["body"] == ""


def test_a_request_rings_and_is_worked_off_by_the_task(world: World) -> None:
    world.put_one(body=SECRET)
    asked = erasure.request(world.rt, world.tenant, Channel.SMS, "(202) 555-0123")
    assert Task.ERASE in said(world.rt)
    assert erasure.run(world.rt) == "2 finished"
    assert erasure.find(world.rt, world.tenant, asked.id).messages == 1


def said(rt: ClockedRuntime) -> str:
    return str(rt.redis.lrange("maintenance", 0, -1))
