"""Receipts that stream in are gathered by one task; one that comes alone waits for nobody."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from messaging import receipts, webhooks
from tests.world import World


def come(world: World, first: int, count: int) -> None:
    """So many receipts of sends nobody knows yet, and the hint that they wait."""
    for n in range(first, first + count):
        world.report(f"SM{n:03}", "delivered")
    webhooks.announce(world.rt)


def tasks(world: World) -> int:
    length = world.rt.redis.llen("receipts")
    assert isinstance(length, int)
    return length


def during_pauses(monkeypatch: pytest.MonkeyPatch, happens: Callable[[float], None]) -> None:
    monkeypatch.setattr(receipts, "time", SimpleNamespace(sleep=happens))


def test_what_comes_while_a_stream_is_applied_is_applied_by_the_same_task(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            come(world, 100, 30)
        elif len(pauses) == 3:
            come(world, 200, 5)

    during_pauses(monkeypatch, pause)
    come(world, 0, 25)
    assert world.applied() == "60 parked"
    assert len(pauses) == 4


def test_few_receipts_wait_for_no_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def pause(_seconds: float) -> None:
        pytest.fail("there was nothing to wait for")

    during_pauses(monkeypatch, pause)
    come(world, 0, 3)
    assert world.applied() == "3 parked"


def test_after_the_last_of_a_stream_the_next_receipt_rings_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    during_pauses(monkeypatch, lambda _seconds: None)
    come(world, 0, 25)
    before = tasks(world)
    assert world.applied() == "25 parked"
    come(world, 100, 1)
    assert tasks(world) == before + 1


def test_a_worker_that_is_to_stop_leaves_what_waits_to_another(world: World) -> None:
    come(world, 0, 3)
    before = tasks(world)
    assert receipts.apply(world.rt, stopping=lambda: True) == "nothing to apply"
    assert tasks(world) == before + 1
    assert world.applied() == "3 parked"
