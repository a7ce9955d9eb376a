"""Endpoints are told in order until they have it, each on its own, by however many workers."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest

from messaging import deliveries, endpoints
from messaging.courier import Courier
from messaging.domain.lifecycle import Event
from messaging.domain.notices import State
from messaging.store.notices import Chosen
from tests.dispatch.telling import Telling
from tests.receiver import Heard, Receiver, Says, receiver
from tests.world import at_once

DAY = timedelta(days=1)


def test_a_message_is_told_in_order_whatever_fails(telling: Telling, customer: Receiver) -> None:
    """The first of each message fails twice; what comes after it waits, though it is due."""
    telling.add(customer)
    ids = [telling.sent(Event.FAILED, Event.DELIVERED) for _ in range(5)]
    failed: dict[str, int] = {}

    def answer(heard: Heard) -> Says:
        n = failed[heard.about] = failed.get(heard.about, 0) + 1
        return Says(500 if n <= 2 else 204)

    customer.answers = answer
    for _ in range(40):
        telling.deliver()
        if set(telling.states()) == {"delivered"}:
            break
        telling.make_due()
    for message_id in ids:
        heard = customer.of(message_id)
        assert [h.kind for h in heard] == ["message.sent"] * 3 + [
            "message.failed",
            "message.delivered",
        ]
        assert len({h.id for h in heard}) == 3
    assert telling.states() == ["delivered"] * 15


def test_a_line_of_what_must_wait_hides_nothing_behind_it(
    telling: Telling, customer: Receiver
) -> None:
    telling.add(customer)
    stuck = [telling.sent(Event.DELIVERED) for _ in range(100)]
    telling.world.run(
        "UPDATE notices SET due_at = now() + interval '1 hour' WHERE kind = 'message.sent'"
    )
    free = telling.sent()
    assert telling.deliver() == "1 delivered"
    assert [heard.about for heard in customer.heard] == [str(free)]
    telling.world.run("UPDATE notices SET due_at = now() WHERE kind = 'message.sent'")
    assert telling.deliver() == "200 delivered"
    for message_id in stuck:
        assert [h.kind for h in customer.of(message_id)] == ["message.sent", "message.delivered"]


def test_workers_at_once_tell_each_thing_once_and_in_order(
    telling: Telling, customer: Receiver
) -> None:
    telling.add(customer)
    ids = [telling.sent(Event.DELIVERED) for _ in range(60)]

    def work() -> None:
        courier = Courier(telling.rt.settings.callback_allowed)
        deliveries.run(telling.rt, courier, seconds=60)
        courier.close()

    at_once(work, work, work)
    telling.make_due()
    telling.deliver()
    assert len(customer.heard) == 120
    for message_id in ids:
        assert [h.kind for h in customer.of(message_id)] == ["message.sent", "message.delivered"]


def test_what_a_dead_worker_took_is_told_again_under_the_same_id(
    telling: Telling, customer: Receiver
) -> None:
    telling.add(customer)
    telling.sent()
    dead = Courier(telling.rt.settings.callback_allowed)
    deliveries._send(telling.rt, dead)
    dead.close()
    assert telling.deliver() == "nobody to tell"  # leased
    telling.make_due()
    assert telling.deliver() == "1 delivered"
    assert len({heard.id for heard in customer.heard}) == 1


def test_a_result_that_comes_too_late_changes_nothing(telling: Telling, customer: Receiver) -> None:
    telling.add(customer)
    telling.sent()
    slow = Courier(telling.rt.settings.callback_allowed)
    customer.says(500, 204)
    deliveries._send(telling.rt, slow)
    telling.make_due()
    while not (ended := slow.poll(1.0)):
        pass
    assert telling.deliver() == "1 delivered"
    assert deliveries._record(telling.rt, ended) == []
    assert telling.states() == ["delivered"]
    slow.close()


def test_a_failure_is_put_off_and_after_a_day_given_up(
    telling: Telling, customer: Receiver
) -> None:
    made = telling.add(customer)
    telling.sent()
    customer.says(302, 404, 500, 503)
    for n, (status, word) in enumerate(
        [(302, "redirected"), (404, "refused"), (500, "broken"), (503, "busy")], start=1
    ):
        assert telling.deliver() == "1 put off"
        (row,) = telling.notices()
        assert (row["tries"], row["last_status"], row["last_error"]) == (n, status, word)
        assert row["state"] == "waiting"
        assert row["due_at"] <= row["gives_up_at"]
        telling.make_due()
    assert telling.look(made).failing_since is not None
    telling.age(DAY)
    assert telling.deliver() == "1 dead"
    assert len({heard.id for heard in customer.heard}) == 1
    telling.make_due()
    assert telling.deliver() == "nobody to tell"


def test_what_was_given_up_can_be_told_again(telling: Telling, customer: Receiver) -> None:
    made = telling.add(customer)
    message_id = telling.sent(Event.DELIVERED)
    customer.says(500)
    telling.age(DAY)
    while telling.deliver() != "nobody to tell":
        telling.make_due()
    assert telling.states() == ["dead", "dead"]
    rt, tenant = telling.rt, telling.world.tenant
    customer.says(204)
    long_ago = rt.now() - 3 * DAY
    none = Chosen(long_ago, rt.now() - 2 * DAY, (State.DEAD,))
    assert endpoints.replay(rt, tenant, made.id, none).count == 0
    other = Chosen(long_ago, None, (State.DEAD,), rt.new_id())
    assert endpoints.replay(rt, tenant, made.id, other).count == 0
    found = endpoints.replay(rt, tenant, made.id, Chosen(long_ago, None, (State.DEAD,), message_id))
    assert (found.count, found.more) == (2, False)
    assert found.through == telling.notices()[-1]["at"]
    assert telling.deliver() == "2 delivered"
    again = customer.heard[-2:]
    assert [h.kind for h in again] == ["message.sent", "message.delivered"]
    assert {h.id for h in again} == {h.id for h in customer.heard[:-2]}
    assert endpoints.replay(rt, tenant, made.id, Chosen(long_ago, None, (State.DEAD,))).count == 0
    everything = Chosen(long_ago, None, (State.DEAD, State.DELIVERED))
    assert endpoints.replay(rt, tenant, made.id, everything).count == 2
    assert telling.deliver() == "2 delivered"


@pytest.mark.parametrize("many", [1, 12])
def test_slow_endpoints_hold_up_no_other_and_have_few_calls(
    telling: Telling, customer: Receiver, many: int
) -> None:
    gate = threading.Event()
    with receiver() as slow:

        def answer(_heard: Heard) -> Says:
            gate.wait(60)
            return Says()

        slow.answers = answer
        for n in range(many):
            endpoints.add(telling.rt, telling.world.tenant, f"{slow.url}/{n}")
        telling.add(customer)
        for _ in range(40):
            telling.sent()
        said: list[str] = []
        runner = threading.Thread(target=lambda: said.append(telling.deliver()))
        runner.start()
        try:
            for _ in range(3_000):
                if len(customer.heard) == 40:
                    break
                runner.join(0.01)
            assert len(customer.heard) == 40
        finally:
            gate.set()
            runner.join(60)
        assert said == [f"{40 + 40 * many} delivered"]
        calls = Counter(heard.path for heard in slow.heard)
        assert set(calls.values()) == {40}
        assert slow.most_at_once <= min(deliveries._EACH * many, deliveries._TOTAL)
