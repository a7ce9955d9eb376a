"""Does traffic go on when one of two providers dies, or merely crawls?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest

from tests.faults.caller import Caller, percentile, recipient, texts
from tests.faults.line import Line, line
from tests.faults.rig import Rig, until
from tests.faults.verdict import compare, ledger, settle

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]

EVERY = 0.1
"""Seconds between the lists that keep the providers under load."""
A_LIST = 8


UNSENT = """
SELECT a.message_id FROM attempts a JOIN messages m ON m.id = a.message_id
WHERE m.tenant_id = :tenant AND a.outcome = 'unsent'
"""


@contextmanager
def load(caller: Caller, word: str) -> Iterator[dict[str, float]]:
    """Lists handed in at an even pace; when each of their messages was, by its id."""
    asked: dict[str, float] = {}
    stop = Event()

    def hand_in() -> None:
        n = 0
        while not stop.wait(EVERY):
            at = time.time()
            messages = [{"to": recipient(n + i), "body": f"{word} {n + i}"} for i in range(A_LIST)]
            for id_ in caller.send(messages):
                asked[str(id_)] = at
            n += A_LIST

    client = Thread(target=hand_in)
    client.start()
    try:
        yield asked
    finally:
        stop.set()
        client.join(30)


def pair(rig: Rig, cable: Line) -> tuple[Caller, str, str]:
    """A caller with two provider accounts, the first at the end of a line, and their names."""
    caller = rig.caller(accounts=2, senders=2, mps=200)
    first, second = caller.accounts
    rig.execute(
        "UPDATE provider_accounts SET base_url = :url WHERE tenant_id = :tenant AND name = :name",
        url=cable.url,
        tenant=caller.tenant.id,
        name=first,
    )
    # Or whoever was written to during the outage would stay where they are.
    rig.execute(
        "UPDATE sender_pools SET sticky = false WHERE tenant_id = :tenant", tenant=caller.tenant.id
    )
    return caller, first, second


def waits(rig: Rig, caller: Caller, asked: dict[str, float]) -> list[float]:
    """Seconds from intake to whichever carrier, of the messages that were taken by one."""
    return [row["at"] - asked[row["m"]] for row in ledger(rig, caller) if row["m"] in asked]


def carried(rig: Rig, caller: Caller, account: str) -> Callable[[], int]:
    return lambda: sum(row["account"] == account for row in ledger(rig, caller))


def is_shut(rig: Rig) -> bool:
    with rig.bell() as client:
        return bool(client.hlen("posthorn:circuits"))


def test_when_a_provider_dies_the_other_carries_on_and_it_comes_back(rig: Rig) -> None:
    with line(rig.carrier.url) as cable:
        caller, first, second = pair(rig, cable)
        with load(caller, "before") as before:
            until(lambda: carried(rig, caller, first)() > 100, 30, "the first provider is in use")
        settle(rig, caller, 30)
        with load(caller, "during") as during:
            until(lambda: carried(rig, caller, first)() > 150, 30, "it is, under load")
            cable.cut()
            until(lambda: is_shut(rig), 10, "nobody is sent to it any more")
            there = carried(rig, caller, second)()
            until(lambda: carried(rig, caller, second)() > there + 300, 30, "the second carries on")
            cable.mend()
            here = carried(rig, caller, first)()
            until(lambda: not is_shut(rig), 60, "probes have shown that it is back")
            until(lambda: carried(rig, caller, first)() > here + 100, 30, "it is in use again")
        settled = settle(rig, caller, 60, sent_will_do=True)
        verdict = compare(rig, caller)
        usual = percentile(waits(rig, caller, before), 0.99)
        # What was on the line when it was cut has to wait until it is known not to have arrived.
        doubtful = {str(row[0]) for row in rig.query(UNSENT, tenant=caller.tenant.id)}
        sure = {id_: at for id_, at in during.items() if id_ not in doubtful}
        worst = percentile(waits(rig, caller, sure), 0.99)
    figures = (
        f"p99 {usual * 1000:.0f} ms before, {worst * 1000:.0f} ms with an outage in it, without "
        f"{len(doubtful)} that were in doubt; settled {settled:.1f} s after; {verdict}"
    )
    print(figures)
    assert worst - usual < 5.0, figures
    assert verdict.is_clean, figures
    assert verdict.statuses["sent"] + verdict.statuses["delivered"] == len(caller.ids), figures


PROBES = 120


def test_a_slow_provider_does_not_slow_the_other(rig: Rig) -> None:
    patient = rig.settings.model_copy(update={"provider_timeout_seconds": 20, "lease_seconds": 60})
    rig.restart("worker-normal", settings=patient)
    caller = rig.caller(accounts=2, senders=2, mps=200)
    first, second = caller.accounts
    number = caller.senders[second][0]
    pinned(rig, caller, number, "warm up")
    usual = percentile(pinned(rig, caller, number, "before"), 0.95)
    rig.faults(first, latency=15.0)
    with load(caller, "any"):
        time.sleep(3)
        during = percentile(pinned(rig, caller, number, "during"), 0.95)
    shares = {name: carried(rig, caller, name)() for name in (first, second)}
    rig.faults(first, reset=True)
    settle(rig, caller, 90)
    verdict = compare(rig, caller)
    rig.restart("worker-normal")
    figures = f"p95 {usual * 1000:.0f} ms, {during * 1000:.0f} ms beside it; {shares}; {verdict}"
    print(figures)
    assert during <= usual * 3 + 0.4, figures
    assert verdict.is_clean, figures


def pinned(rig: Rig, caller: Caller, number: str, word: str) -> list[float]:
    """Seconds to the carrier of single messages that leave from one number, at an even pace."""
    asked: dict[str, float] = {}
    wanted: list[dict[str, Any]] = texts(PROBES, word, **{"from": number})
    for message in wanted:
        at = time.time()
        asked[caller.post(message).json()["id"]] = at
        time.sleep(0.02)
    until(lambda: len(waits(rig, caller, asked)) == PROBES, 60, "its messages are out")
    return waits(rig, caller, asked)
