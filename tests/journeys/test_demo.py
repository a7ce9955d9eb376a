"""The demonstration ends well, and its comparison would notice if it did not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from messaging.demo import script
from messaging.demo.audit import Audit, compare
from messaging.domain.addresses import normalise
from messaging.domain.lifecycle import Status
from messaging.store.fates import Fate
from tests.journeys.household import environment, program

A, B, C = (UUID(int=n) for n in (1, 2, 3))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.stack
def test_the_demonstration_loses_nothing_and_sends_nothing_twice(home: Path) -> None:
    words = ("demo", "--messages", "200", "--seed", "7", "--json")
    done = program(*words, env=environment(home))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    audit = report["audit"]
    assert (audit["lost"], audit["duplicated"], audit["unexplained"]) == (0, 0, 0)
    assert audit["ours"] == audit["carrier"] > 100
    assert report["refused"] > 0
    assert report["faults"]
    assert report["statuses"].keys() >= {"delivered", "canceled", "opted_out"}
    assert sum(report["statuses"].values()) == report["accepted"]
    assert report["held_back"].keys() >= {"landline", "no_consent", "opted_out"}


def fate(message: UUID, status: Status, provider: str | None = "SM1") -> Fate:
    return Fate(message, status, provider)


GOOD = [fate(A, Status.DELIVERED), fate(B, Status.UNDELIVERABLE), fate(C, Status.CANCELED, None)]


@pytest.mark.parametrize(
    ("fates", "carrier", "lost", "duplicated", "strangers", "unexplained"),
    [
        (GOOD, [A, B], 0, 0, 0, 0),
        (GOOD, [A, B, B], 0, 1, 0, 0),
        (GOOD, [A], 1, 0, 0, 0),
        (GOOD, [A, B, C], 1, 0, 0, 0),
        (GOOD[:2], [A, B], 1, 0, 0, 0),
        (GOOD, [A, B, UUID(int=9)], 0, 0, 1, 0),
        ([*GOOD[:2], fate(C, Status.SENDING, None)], [A, B], 0, 0, 0, 1),
        ([*GOOD[:2], fate(C, Status.SENDING, None)], [A, B, C], 1, 0, 0, 1),
        ([*GOOD[:2], fate(C, Status.UNDELIVERABLE, None)], [A, B], 0, 0, 0, 0),
        ([*GOOD[:2], fate(C, Status.SCHEDULED, None)], [A, B], 0, 0, 0, 1),
        ([*GOOD[:2], Fate(C, Status.SCHEDULED, None, deferred=True)], [A, B], 0, 0, 0, 0),
    ],
)
def test_the_comparison_notices(
    fates: Sequence[Fate],
    carrier: Sequence[UUID],
    lost: int,
    duplicated: int,
    strangers: int,
    unexplained: int,
) -> None:
    found = compare([A, B, C], fates, carrier)
    assert found == Audit(found.ours, found.carrier, lost, duplicated, strangers, unexplained)
    assert found.holds is (not any((lost, duplicated, strangers, unexplained)))


def test_the_list_holds_a_thousand_fictional_recipients_and_some_that_are_none() -> None:
    people = script.recipients()
    assert len(people) == 1000
    numbers = {p.phone: normalise(p.phone, "US") for p in people}
    for person in people:
        assert isinstance(numbers[person.phone], str) is bool(person.country), person.phone
    real = [n for n in numbers.values() if isinstance(n, str)]
    assert len(set(real)) == len(real)
    assert all(fictional(n) for n in real)
    assert not any("0190" <= n[-4:] <= "0199" for n in real)
    assert len({n[:5] for n in real if n.startswith("+1")}) > 300


def fictional(number: str) -> bool:
    if number.startswith("+1"):
        return number[5:10] == "55501"
    if number.startswith("+55"):
        return number[5:12] == "9555501"
    return number.startswith(("+442079460", "+441174960"))


def test_the_same_dice_write_the_same_script() -> None:
    first, again, other = (script.write(1500, Random(dice), NOW, pool="main") for dice in (7, 7, 8))
    assert first == again != other
    assert len({request["body"] for request in first.requests}) == 1500
    assert all("scheduled_for" in first.requests[place] for place in first.call_off)
