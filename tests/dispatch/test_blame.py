"""A sender that its provider refuses, whatever the message, is taken out of use."""

from __future__ import annotations

import httpx

from tests.carrier import Reply, accepted, refused
from tests.dispatch.test_failover import later, to_strangers
from tests.world import World


def test_a_sender_that_is_refused_again_and_again_is_taken_out_of_use(world: World) -> None:
    good = world.add_sender("+12025550177")
    bad = f"%2B{world.sender.address[1:]}".encode()
    world.carrier.answer = lambda r: refused(400, 21606) if bad in r.read() else accepted()
    for _ in range(12):
        to_strangers(world, 4)
        world.send()
        world.send()
    (row,) = world.rows(f"SELECT state, state_reason FROM senders WHERE id = '{world.sender.id}'")
    assert row["state"] == "cordoned"
    assert row["state_reason"] == "refused 5 times in a row, last with 21606"
    assert world.rows("SELECT 1 FROM messages WHERE status <> 'sent'") == []
    world.carrier.requests.clear()
    to_strangers(world, 10)
    world.send()
    assert {form["From"] for form in world.carrier.forms} == {good.address}


def test_what_is_accepted_in_between_clears_a_sender(world: World) -> None:
    world.add_sender("+12025550177")
    bad = f"%2B{world.sender.address[1:]}".encode()
    for _ in range(3):
        for refusals in (3, 0):
            left = [refusals]

            def answer(request: httpx.Request, left: list[int] = left) -> Reply:
                if bad in request.read() and left[0]:
                    left[0] -= 1
                    return refused(400, 21606)
                return accepted()

            world.carrier.answer = answer
            to_strangers(world, 8)
            world.send()
            world.send()
            later(world, 2)
    assert world.rows("SELECT 1 FROM senders WHERE state = 'cordoned'") == []
