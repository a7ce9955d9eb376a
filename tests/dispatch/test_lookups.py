"""Numbers nobody knows are asked about once, learned, and never waited for for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from messaging import lookups, maintenance, policies, telemetry
from messaging.domain import addresses
from messaging.domain.failures import Failure, Kind
from messaging.store import number_facts
from tests.carrier import Carrier, Reply, refused
from tests.world import World, at_once

NUMBER = "+12025550123"
TIMEOUT = Failure(Kind.AMBIGUOUS, "timeout", "The provider did not answer in time.")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    telemetry.configure("critical", json=True)


@pytest.fixture
def asking(world: World) -> World:
    """A tenant that has its account asked."""
    policies.change(world.rt, world.tenant, {"lookup": {"account": world.account.name}})
    return world


def want(world: World, *numbers: str, **fields: Any) -> None:
    rows = [
        (world.tenant.id, world.key(number), world.put_one(recipient=number, **fields))
        for number in numbers
    ]
    with world.rt.engine.begin() as db:
        number_facts.want(db, rows)


def line(kind: str | None) -> httpx.Response:
    return httpx.Response(200, json={"line_type_intelligence": {"type": kind, "error_code": None}})


def ask(world: World, reply: Reply | Callable[[httpx.Request], Reply]) -> tuple[str, list[str]]:
    """What a run says, and the numbers it asked about."""
    desk = Carrier(reply if callable(reply) else lambda _: reply)
    said = lookups.run(world.rt, desk)
    return said, [request.url.path.rpartition("/")[2] for request in desk.requests]


def known(world: World, number: str = NUMBER, channel: str = "sms") -> str | None:
    key = addresses.key(world.rt.settings.pepper, channel, number)
    with world.rt.engine.connect() as db:
        found = number_facts.among(db, world.tenant.id, [key])
    return found[key].type.value if found else None


def waiting(world: World) -> list[dict[str, Any]]:
    return [
        dict(row)
        for row in world.rows("SELECT failures, due_at - now() AS wait FROM pending_lookups")
    ]


def make_due(world: World) -> None:
    assert world.run("UPDATE pending_lookups SET due_at = now()") == 1


def test_what_a_look_up_says_is_learned_for_every_channel_of_the_phone(asking: World) -> None:
    want(asking, NUMBER)
    assert ask(asking, line("landline")) == ("1 landline", [NUMBER])
    assert (known(asking), known(asking, channel="mms")) == ("landline", "landline")
    assert waiting(asking) == []
    assert ask(asking, line("mobile")) == ("nothing to look up", [])


def test_many_numbers_are_asked_about_at_once_and_each_once(asking: World) -> None:
    numbers = [f"+120255501{n:02}" for n in range(70)]
    want(asking, *numbers)

    def answer(request: httpx.Request) -> Reply:
        return line("landline" if request.url.path.endswith("7") else "mobile")

    said, asked = ask(asking, answer)
    assert said == "7 landline, 63 mobile"
    assert sorted(asked) == numbers
    assert known(asking, "+12025550117") == "landline"
    assert known(asking, "+12025550118") == "mobile"


def test_workers_at_once_ask_about_no_number_twice(asking: World) -> None:
    numbers = [f"+120255501{n:02}" for n in range(40)]
    want(asking, *numbers)
    asked = at_once(*[lambda: ask(asking, line("mobile"))[1]] * 3)
    assert sorted(n for part in asked for n in part) == numbers  # type: ignore[attr-defined]


@pytest.mark.parametrize("reply", [TIMEOUT, refused(429, 20429), httpx.Response(500)])
def test_a_number_three_look_ups_say_nothing_about_is_known_to_be_unknown(
    asking: World, reply: Reply
) -> None:
    want(asking, NUMBER)
    for failures, seconds in ((1, 5), (2, 20)):
        assert ask(asking, reply) == ("1 failed", [NUMBER])
        (row,) = waiting(asking)
        assert row["failures"] == failures
        assert timedelta(seconds=seconds - 3) < row["wait"] <= timedelta(seconds=seconds)
        assert ask(asking, reply) == ("nothing to look up", [])
        make_due(asking)
    assert ask(asking, reply) == ("1 given up", [NUMBER])
    assert (known(asking), waiting(asking)) == ("unknown", [])


def test_a_kind_of_line_nobody_has_a_word_for_is_unknown_at_once(asking: World) -> None:
    want(asking, NUMBER)
    assert ask(asking, line("somethingNew"))[0] == "1 unknown"
    assert (known(asking), waiting(asking)) == ("unknown", [])


def test_a_failure_then_an_answer_is_an_answer(asking: World) -> None:
    want(asking, NUMBER)
    ask(asking, TIMEOUT)
    make_due(asking)
    assert ask(asking, line("fixedVoip"))[0] == "1 voip"
    assert known(asking) == "voip"


def test_nobody_is_asked_where_nobody_is_to_be_asked(world: World) -> None:
    want(world, NUMBER)
    assert ask(world, line("mobile")) == ("1 dropped", [])
    assert (known(world), waiting(world)) == (None, [])


def test_an_erased_person_is_not_asked_about(asking: World) -> None:
    want(asking, NUMBER)
    asking.run("UPDATE messages SET erased_at = now()")
    assert ask(asking, line("mobile")) == ("1 dropped", [])
    assert known(asking) is None


def test_an_account_whose_provider_this_version_does_not_know_stops_no_other(
    asking: World,
) -> None:
    other = World(asking.rt)
    account = other.add_account(name="elsewhere")
    policies.change(other.rt, other.tenant, {"lookup": {"account": "elsewhere"}})
    other.change("provider_accounts", account.id, provider="semaphore")
    want(other, "+12025550101")
    want(asking, NUMBER)
    assert ask(asking, line("mobile")) == ("1 failed, 1 mobile", [NUMBER])


def test_no_connection_is_held_while_the_provider_thinks(asking: World) -> None:
    want(asking, NUMBER)

    def answer(_: httpx.Request) -> Reply:
        assert asking.rt.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        return line("mobile")

    assert ask(asking, answer)[0] == "1 mobile"


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [("mobile", "sent", None), ("landline", "undeliverable", "landline"), (None, "sent", None)],
)
def test_a_message_waits_for_the_look_up_of_its_number_and_goes_by_what_it_says(
    asking: World, kind: str | None, status: str, reason: str | None
) -> None:
    message_id = asking.put_one()
    asking.send()
    row = asking.row(message_id)
    assert (row["status"], row["scheduled_reason"].partition(":")[0]) == (
        "scheduled",
        "awaiting_lookup",
    )
    assert ask(asking, line(kind))[1] == [NUMBER]
    asking.run("UPDATE scheduled SET due_at = now()")
    maintenance.promote_due(asking.rt)
    asking.send()
    row = asking.row(message_id)
    assert row["status"] == status
    assert reason is None or row["status_reason"] == reason
    assert waiting(asking) == []


def test_a_landline_a_provider_tells_of_is_learned_from_the_reply(world: World) -> None:
    message_id = world.put_one()
    world.carrier.answer = lambda _: refused(400, 21614)
    world.send()
    assert world.status(message_id) == "undeliverable"
    assert (known(world), known(world, channel="mms")) == ("landline", "landline")
    (row,) = world.rows("SELECT DISTINCT source FROM number_facts")
    assert row["source"] == "provider"


def test_a_landline_a_provider_tells_of_is_learned_from_the_receipt(world: World) -> None:
    message_id = world.put_one()
    world.send()
    sid = world.row(message_id)["provider_message_id"]
    world.report(sid, "undelivered", code=30006)
    world.applied()
    assert world.status(message_id) == "undeliverable"
    assert known(world) == "landline"


def test_other_refusals_say_nothing_of_the_line(world: World) -> None:
    one, _ = world.put_one(), world.put_one(recipient="+12025550124")
    world.send()
    world.report(world.row(one)["provider_message_id"], "undelivered", code=30005)
    world.applied()
    assert world.rows("SELECT * FROM number_facts") == []


def test_while_nobody_looks_up_a_message_asks_ever_less_often(asking: World) -> None:
    message = asking.put_one(recipient=NUMBER)
    waits = []
    for _ in range(10):
        asking.take()
        (row,) = asking.rows("SELECT due_at FROM scheduled")
        waits.append(round((row["due_at"] - asking.rt.now()).total_seconds()))
        asking.rt.ahead += timedelta(seconds=waits[-1])
        asking.run("UPDATE scheduled SET due_at = now()")
        maintenance.promote_due(asking.rt)
    assert waits[:2] == [5, 5]
    assert waits == sorted(waits)
    assert waits[-2:] == [60, 60]
    assert asking.status(message) == "queued"


def test_what_expires_before_it_may_be_tried_again_expires_in_time(asking: World) -> None:
    message = asking.put_one(recipient=NUMBER, expires_at=asking.rt.now() + timedelta(seconds=2))
    asking.take()
    (row,) = asking.rows("SELECT due_at FROM scheduled")
    assert row["due_at"] == asking.row(message)["expires_at"]
    asking.rt.ahead += timedelta(seconds=2)
    asking.run("UPDATE scheduled SET due_at = now()")
    maintenance.promote_due(asking.rt)
    asking.take()
    found = asking.row(message)
    assert (found["status"], found["status_reason"]) == ("failed", "expired")
