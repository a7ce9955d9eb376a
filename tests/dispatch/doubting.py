"""Attempts in doubt, and a desk that answers look-ups about them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from messaging import reconcile
from messaging.domain.failures import Failure, Kind
from tests.carrier import Carrier, Reply
from tests.world import World

TIMEOUT = Failure(Kind.AMBIGUOUS, "timeout", "The provider did not answer in time.")


class Desk(Carrier):
    """What answers look-ups; separate from the sends' transport, as in a worker."""

    def submit(self, token: object, request: httpx.Request) -> None:
        assert request.method == "GET"
        super().submit(token, request)


def in_doubt(world: World, count: int = 1, **fields: Any) -> list[UUID]:
    ids = world.put(count, **fields)
    world.carrier.answer = lambda _: TIMEOUT
    world.send()
    assert len(world.open_attempts()) >= count
    return ids


def age(world: World, minutes: float) -> None:
    """Let time pass for every open attempt."""
    world.run(
        "UPDATE open_attempts SET started_at = started_at - make_interval(secs => :s),"
        " doubt_since = doubt_since - make_interval(secs => :s),"
        " absent_since = absent_since - make_interval(secs => :s),"
        " check_at = now() - interval '1 second'",
        s=minutes * 60,
    )


def look(world: World, *replies: Reply) -> str:
    answers = iter(replies)
    desk = Desk(lambda _: next(answers))
    return reconcile.settle_in_doubt(world.rt, desk)
