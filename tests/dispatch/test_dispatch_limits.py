"""Who must wait, and for how long: rates, account limits, the window, and Redis away."""

from __future__ import annotations

import itertools
import socket
import time

import pytest

from messaging import dispatch, plan
from messaging.dispatch import Summary
from messaging.domain.failures import Failure, Kind
from messaging.domain.message import Queue
from messaging.store import backlog
from messaging.window import Result, Ticket
from tests.carrier import Carrier, accepted
from tests.world import World, runtime, settings_for

OTHER = "+12025550124"


def dues(world: World) -> list[float]:
    """Seconds from now until each ready message is due, in order."""
    rows = world.rows("SELECT extract(epoch FROM due_at - now())::float AS s FROM ready ORDER BY 1")
    return [row["s"] for row in rows]


def test_a_sender_sends_at_its_rate_and_the_rest_wait_in_line(world: World) -> None:
    world.change("senders", world.sender.id, mps=10.0)
    ids = world.put(40)
    summary = world.send()
    assert summary.sent == 10  # a second's worth, and not one more
    assert summary.waiting == 40 - summary.sent
    assert [world.row(i)["attempts"] for i in ids].count(0) == summary.waiting
    waits = dues(world)
    gaps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    # a little closer than the rate, so that somebody is always there when there is room
    assert gaps == pytest.approx([0.1 / 1.05] * len(gaps), abs=0.001)
    assert 0.5 < waits[0] < 1.1


def test_a_long_message_costs_its_segments(world: World) -> None:
    world.change("senders", world.sender.id, mps=10.0)
    world.put(20, segments=5)
    assert world.send().sent == 2
    waits = dues(world)
    assert waits[1] - waits[0] == pytest.approx(0.5 / 1.05, abs=0.001)


def test_a_message_longer_than_the_burst_still_goes_alone(world: World) -> None:
    world.change("senders", world.sender.id, mps=1.0)
    world.put(2, segments=7)
    assert world.send().sent == 1
    (wait,) = dues(world)
    assert 4 < wait < 8


def test_one_slow_sender_does_not_hold_up_another(world: World) -> None:
    world.change("senders", world.sender.id, mps=1.0)
    fast = world.add_sender("+12025550198")
    world.put(10, sender_id=world.sender.id)
    world.put(10, sender_id=fast.id, recipient=OTHER)
    assert world.send().sent == 11
    assert [form["From"] for form in world.carrier.forms].count(fast.address) == 10


def test_an_account_never_has_more_in_flight_than_it_allows(world: World) -> None:
    world.change("provider_accounts", world.account.id, max_in_flight=7)
    world.put(30)
    world.carrier.answer = lambda _: None
    summary = world.take()
    world.window.step(0)
    assert (summary.sent, world.carrier.in_flight) == (7, 7)
    assert world.window.in_flight(world.account.id) == 7
    world.run("UPDATE ready SET due_at = now()")
    assert world.take().sent == 0
    world.carrier.answer_hanging(accepted())
    world.settle()
    assert world.window.in_flight(world.account.id) == 0
    world.run("UPDATE ready SET due_at = now()")
    assert world.take().sent == 7


def test_a_hung_account_leaves_the_window_to_the_healthy_one(world: World) -> None:
    healthy = world.add_account(base_url="http://127.0.0.1:8")
    quick = world.add_sender("+12025550198", account_id=healthy.id)
    world.change("provider_accounts", world.account.id, max_in_flight=5)
    stuck = world.put(50, sender_id=world.sender.id)
    fine = world.put(50, sender_id=quick.id, recipient=OTHER)
    world.carrier.answer = lambda r: accepted() if r.url.port == 8 else None
    for _ in range(3):
        world.take()
        world.settle()
    assert {world.status(i) for i in fine} == {"sent"}
    states = [world.status(i) for i in stuck]
    assert (states.count("sending"), states.count("queued")) == (5, 45)


def test_an_account_that_answered_long_ago_is_not_taken_for_a_slow_one(world: World) -> None:
    world.change("provider_accounts", world.account.id, max_in_flight=10)
    world.put(10)
    world.send()
    for account_id in world.window._last_end:
        world.window._last_end[account_id] -= 3600  # an hour in which nobody sent anything
    world.put(20)
    assert world.send().sent == 10
    assert max(dues(world)) < 5


def test_an_account_that_hangs_is_asked_ever_less(world: World) -> None:
    world.change("provider_accounts", world.account.id, max_in_flight=2)
    world.carrier.answer = lambda _: None
    world.put(2)
    world.take()
    world.window.step(0)
    for account_id in world.window._last_end:
        world.window._last_end[account_id] -= 10
    world.put(2)
    world.take()
    assert min(dues(world)) > 2


def test_a_message_canceled_between_claim_and_decision_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    canceled, other = world.put(2)
    decide = plan.decide

    def too_late(*arguments: object) -> object:
        world.run("UPDATE messages SET status = 'canceled' WHERE id = :id", id=canceled)
        return decide(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(plan, "decide", too_late)
    assert world.send().sent == 1
    assert (world.status(canceled), world.status(other)) == ("canceled", "sent")
    assert len(world.carrier.requests) == 1
    assert world.attempts(canceled) == []


def test_a_batch_the_sweep_took_back_meanwhile_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = world.put(3)
    decide = plan.decide

    def slow(*arguments: object) -> object:
        world.run("UPDATE claims SET lease_until = now() - interval '1 second'")
        with world.rt.engine.begin() as db:
            assert backlog.rescue_claims(db, 20, 5) == (3, 0)
        return decide(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(plan, "decide", slow)
    assert world.send().claimed == 0
    assert (world.carrier.requests, world.open_attempts()) == ([], [])
    assert {world.status(i) for i in ids} == {"queued"}
    assert {row["queue"] for row in world.ready()} == {"suspect"}


def refusing_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_without_redis_a_small_share_goes_and_nothing_is_lost(world: World) -> None:
    ids = world.put(5)
    away = settings_for(world.rt.settings.database_url, f"redis://127.0.0.1:{refusing_port()}/0")
    with runtime(away) as rt:
        summary = Summary()
        dispatch.take(rt, world.a_window(rt), Queue.NORMAL, 250, summary)
        assert (summary.sent, summary.waiting) == (1, 4)
    assert len({r["message_id"] for r in world.ready()} & set(ids)) == 4
    world.run("UPDATE ready SET due_at = now()")
    assert world.send().sent == 4


def test_without_redis_what_guards_money_or_reputation_waits(world: World) -> None:
    world.change("tendlc_campaigns", world.campaign.id, segments_per_minute=75)
    world.put(5)
    away = settings_for(world.rt.settings.database_url, f"redis://127.0.0.1:{refusing_port()}/0")
    with runtime(away) as rt:
        summary = Summary()
        dispatch.take(rt, world.a_window(rt), Queue.NORMAL, 250, summary)
    assert (summary.sent, summary.waiting) == (0, 5)


def test_a_flushed_redis_grants_nothing_more(world: World) -> None:
    world.change("senders", world.sender.id, mps=1.0)
    world.change("tendlc_campaigns", world.campaign.id, segments_per_minute=2)
    world.put(40)
    assert world.send().sent == 1
    for _ in range(3):
        world.rt.redis.flushall()
        world.run("UPDATE ready SET due_at = now(), placed = false")
        assert world.send().sent == 0


def test_a_ticket_whose_lease_is_over_is_not_put_on_the_wire(world: World) -> None:
    message_id = world.put_one()
    world.take()
    (ticket,) = world.window._incoming
    expired = time.clock_gettime(time.CLOCK_BOOTTIME) - 1
    world.window._incoming[0] = Ticket(
        **{name: getattr(ticket, name) for name in ticket.__slots__} | {"send_before": expired}
    )
    world.settle()
    row = world.row(message_id)
    assert (world.carrier.requests, row["status"], row["attempts"]) == ([], "queued", 0)
    assert row["provider_code"] == "too_late"


def test_a_call_that_came_too_late_is_not_the_last_attempt(world: World) -> None:
    message_id = world.put_one()
    world.run("UPDATE messages SET attempts = 4 WHERE id = :id", id=message_id)
    world.take()
    (ticket,) = world.window._incoming
    world.window._incoming.clear()
    late = Failure(Kind.NOT_SENT, "too_late", "the lease ended before the call began")
    world.window._record([Result(ticket, late, 0.0)])
    row = world.row(message_id)
    assert (row["status"], row["attempts"]) == ("queued", 4)


def test_leases_leave_room_for_the_slowest_call(world: World) -> None:
    world.put_one()
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    world.take()
    (ticket,) = world.window._incoming
    settings = world.rt.settings
    left = ticket.send_before - before
    assert 30 < left < settings.lease_seconds - settings.provider_timeout_seconds


@pytest.mark.parametrize(
    "flaw", [{"base_url": "http://127.0.0.1:notaport"}, {"provider": "pigeon"}]
)
def test_an_account_no_request_can_be_made_for_harms_nobody_else(
    world: World, flaw: dict[str, str]
) -> None:
    broken = world.add_account(**flaw)
    sender = world.add_sender("+12025550198", account_id=broken.id)
    poisoned = world.put_one(sender_id=sender.id)
    fine = world.put(3, sender_id=world.sender.id, recipient=OTHER)
    for _ in range(6):
        world.run("UPDATE ready SET due_at = now()")
        world.send()
    assert {world.status(i) for i in fine} == {"sent"}
    row = world.row(poisoned)
    assert (row["status"], row["status_reason"]) == ("failed", "permanent_config")
    assert [a["outcome"] for a in world.attempts(poisoned)] == ["permanent_config"]


def test_a_request_the_transport_refuses_ends_its_own_call_only(world: World) -> None:
    class Refusing(Carrier):
        def submit(self, token: object, request: object) -> None:
            if not self.requests:
                self.requests.append(request)  # type: ignore[arg-type]
                raise ValueError("the transport sends GET and POST, not BREW")
            super().submit(token, request)  # type: ignore[arg-type]

    world.carrier = Refusing()
    world.window = world.a_window()
    world.put(3)
    world.send()
    found = [row["status"] for row in world.rows("SELECT status FROM messages")]
    assert sorted(found) == ["failed", "sent", "sent"]
    assert world.window.held == 0
