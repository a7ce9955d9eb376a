"""A message whose receipt is overdue: found without the send's help, asked about, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from messaging import polling, providers, telemetry
from messaging.domain.lifecycle import Event
from messaging.providers import twilio
from tests.carrier import Carrier, Reply, accepted, refused
from tests.world import World


@pytest.fixture(autouse=True)
def _quiet() -> None:
    telemetry.configure("error", json=True)


def sent(world: World, sid: str = "SM1") -> UUID:
    message_id = world.put_one()
    world.carrier.answer = lambda _: accepted(sid)
    world.send()
    assert world.status(message_id) == "sent"
    return message_id


def pass_by(world: World, **time: float) -> None:
    """Let time pass for what has ended, for what is to be asked about, and since the last scan."""
    seconds = timedelta(**time).total_seconds()
    world.run("UPDATE cursors SET at = at - make_interval(secs => :s)", s=seconds)
    world.run(
        "UPDATE attempts SET finished_at = finished_at - make_interval(secs => :s)", s=seconds
    )
    world.run(
        "UPDATE polls SET due_at = due_at - make_interval(secs => :s),"
        " accepted_at = accepted_at - make_interval(secs => :s)",
        s=seconds,
    )


def says(status: str, sid: str = "SM1", code: int | None = None) -> httpx.Response:
    return httpx.Response(200, json={"sid": sid, "status": status, "error_code": code})


def ask(world: World, *replies: Reply) -> str:
    answers = iter(replies)
    return polling.run(world.rt, Carrier(lambda _: next(answers)))


def kept(world: World) -> list[dict[str, Any]]:
    found = world.rows("SELECT * FROM raw_receipts ORDER BY id")
    return [
        {k: row[k] for k in ("provider_status", "provider_code", "result", "repeats")}
        for row in found
    ]


def test_nobody_is_asked_before_a_receipt_could_have_come(world: World) -> None:
    sent(world)
    assert ask(world) == "nothing to ask about"
    pass_by(world, seconds=115)
    assert ask(world) == "nothing to ask about"


def test_what_the_provider_answers_is_a_receipt_and_is_kept_like_one(world: World) -> None:
    message_id = sent(world)
    pass_by(world, seconds=125)
    assert ask(world, says("undelivered", code=30005)) == "1 overdue, 1 applied"
    row = world.row(message_id)
    assert (row["status"], row["provider_code"]) == ("undeliverable", "30005")
    assert row["undeliverable_at"] is not None
    assert kept(world) == [
        {
            "provider_status": "undelivered",
            "provider_code": "30005",
            "result": "applied",
            "repeats": 0,
        }
    ]
    assert world.rows("SELECT * FROM polls") == []
    world.report("SM1", "delivered")
    assert world.applied() == "1 applied"
    assert world.status(message_id) == "delivered"


def test_a_receipt_that_came_leaves_nothing_to_ask(world: World) -> None:
    sent(world)
    pass_by(world, seconds=125)
    world.report("SM1", "delivered")
    world.applied()
    assert ask(world) == "nothing to ask about"
    other = sent(world, "SM2")
    pass_by(world, seconds=125)
    assert ask(world, says("sent", "SM2")) == "1 overdue, 1 duplicate"
    world.report("SM2", "delivered")
    world.applied()
    pass_by(world, hours=1)
    assert ask(world) == "nothing to ask about"
    assert (world.status(other), world.rows("SELECT * FROM polls")) == ("delivered", [])


def test_the_waits_grow_until_three_days_are_over(world: World) -> None:
    message_id = sent(world)
    pass_by(world, seconds=125)
    waits = []
    assert ask(world, says("sent")) == "1 overdue, 1 duplicate"
    for _ in range(20):
        left = world.rows("SELECT extract(epoch FROM due_at - now())::float AS s FROM polls")
        if not left:
            break
        waits.append(round(left[0]["s"] / 60))
        pass_by(world, seconds=left[0]["s"] + 1)
        ask(world, says("sent"))
    assert waits == [1, 5, 30, 120, *[720] * 5]
    assert world.status(message_id) == "sent"
    (event,) = kept(world)
    assert (event["provider_status"], event["repeats"]) == ("sent", len(waits))


@pytest.mark.parametrize(
    "reply", [refused(500, 20500), refused(404, 20404), httpx.Response(200, text="<html>")]
)
def test_no_answer_is_asked_for_again(world: World, reply: Reply) -> None:
    message_id = sent(world)
    pass_by(world, seconds=125)
    assert ask(world, reply) == "1 overdue, 1 no answer"
    pass_by(world, seconds=65)
    assert ask(world, says("delivered")) == "1 applied"
    assert world.status(message_id) == "delivered"


def test_an_answer_that_breaks_its_reader_does_not_hold_up_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [sent(world, "SM1"), sent(world, "SM2")]
    pass_by(world, seconds=125)

    def fragile(reply: httpx.Response) -> object:
        report = twilio.fetched(reply)
        assert report is not None
        # Nothing a receipt may tell.
        told = Event.PROMOTED if report.provider_status == "failed" else report.event
        return replace(report, event=told)

    fake = replace(twilio.PROVIDER, fetched=fragile)  # type: ignore[arg-type]  # on purpose
    monkeypatch.setitem(providers.PROVIDERS, "twilio", fake)
    by_sid = {"SM1": says("failed", "SM1"), "SM2": says("delivered", "SM2")}
    desk = Carrier(lambda r: by_sid[r.url.path.rsplit("/", 1)[1].removesuffix(".json")])
    assert polling.run(world.rt, desk) == "2 overdue, 1 applied, 1 unreadable"
    assert [world.status(i) for i in ids] == ["sent", "delivered"]


@pytest.mark.parametrize("without", [{"has_receipts": False}, {"fetch": None}, {"fetched": None}])
def test_routes_without_receipts_end_at_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, without: dict[str, Any]
) -> None:
    fake = replace(twilio.PROVIDER, **without)
    monkeypatch.setitem(providers.PROVIDERS, "twilio", fake)
    sent(world)
    pass_by(world, minutes=30)
    assert ask(world) == "nothing to ask about"


def test_each_stretch_of_time_is_gone_through_once(world: World) -> None:
    for n in range(5):
        sent(world, f"SM{n}")
        pass_by(world, minutes=7)
    assert ask(world, *[says("sent")] * 5) == "5 overdue, 5 duplicate"
    assert ask(world) == "nothing to ask about"
    (cursor,) = world.rows("SELECT now() - at AS behind FROM cursors WHERE name = 'polls'")
    assert timedelta(seconds=120) <= cursor["behind"] < timedelta(seconds=140)


def test_a_later_attempt_is_asked_about_instead_of_the_one_before(world: World) -> None:
    message_id = sent(world)
    pass_by(world, seconds=125)
    ask(world, refused(500, 20500))
    world.run(
        "UPDATE messages SET status = 'queued', provider_message_id = NULL WHERE id = :id",
        id=message_id,
    )
    world.run(
        "INSERT INTO ready (queue, message_id, epoch, tenant_id) VALUES ('normal', :id, 1, :tenant)",
        id=message_id,
        tenant=world.tenant.id,
    )
    world.carrier.answer = lambda _: accepted("SM2")
    world.send()
    world.run("UPDATE attempts SET finished_at = now() - interval '125 s' WHERE epoch = 2")
    world.run("UPDATE cursors SET at = at - interval '10 minutes'")
    assert ask(world, says("delivered", "SM2")) == "1 overdue, 1 applied"
    assert (world.status(message_id), world.row(message_id)["epoch"]) == ("delivered", 2)
