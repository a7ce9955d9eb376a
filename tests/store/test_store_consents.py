"""Consent events and do-not-call lists: which event counts, and scrubs that replace each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from messaging.domain.compliance.facts import Basis, Consent, ConsentAction
from messaging.domain.message import Category, Channel
from messaging.store import consents, dnc
from messaging.store.consents import NewConsent
from tests.world import World, at_once

GRANT, REVOKE, ASK = ConsentAction.GRANT, ConsentAction.REVOKE, ConsentAction.ASK
DAY = timedelta(days=1)
T = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def event(world: World, action: ConsentAction, at: datetime, **changes: Any) -> NewConsent:
    fields: dict[str, Any] = {
        "tenant_id": world.tenant.id,
        "channel": Channel.SMS,
        "recipient_key": world.key(),
        "category": Category.MARKETING,
        "action": action,
        "basis": None if action is REVOKE else Basis.EXPRESS,
        "source": "test",
        "text_version": None,
        "evidence": None,
        "at": at,
    }
    return NewConsent(**(fields | changes))


def add(world: World, *rows: NewConsent) -> None:
    with world.rt.engine.begin() as db:
        consents.add(db, rows)


def latest(
    world: World, *keys: bytes, category: Category = Category.MARKETING
) -> dict[bytes, Consent]:
    with world.rt.engine.connect() as db:
        return consents.latest(db, world.tenant.id, Channel.SMS, keys or [world.key()], category)


def state(world: World) -> ConsentAction:
    return latest(world)[world.key()].action


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        ([(GRANT, T)], GRANT),
        ([(GRANT, T), (REVOKE, T + DAY)], REVOKE),
        # A grant after a revocation restores.
        ([(GRANT, T), (REVOKE, T + DAY), (GRANT, T + 2 * DAY)], GRANT),
        # A revocation dated before a later grant does not undo it.
        ([(REVOKE, T), (GRANT, T + timedelta(microseconds=1))], GRANT),
        # A question opens the matter again.
        ([(GRANT, T), (ASK, T + DAY)], ASK),
    ],
)
def test_the_latest_event_counts_in_whatever_order_it_was_recorded(
    world: World, timeline: list[tuple[ConsentAction, datetime]], expected: ConsentAction
) -> None:
    for order in permutations(timeline):
        world.run("DELETE FROM consent_events")
        for action, at in order:
            add(world, event(world, action, at))
        assert state(world) is expected
        world.run("DELETE FROM consent_events")
        add(world, *(event(world, action, at) for action, at in order))
        assert state(world) is expected


def test_of_one_instant_the_last_recorded_counts(world: World) -> None:
    add(world, event(world, GRANT, T), event(world, REVOKE, T))
    assert state(world) is REVOKE
    add(world, event(world, GRANT, T))
    assert state(world) is GRANT


def test_consent_is_of_one_person_channel_category_and_tenant(world: World) -> None:
    other = world.key("+12025550124")
    add(
        world,
        event(world, GRANT, T, basis=Basis.EXPRESS_WRITTEN, source="web form"),
        event(world, REVOKE, T, recipient_key=other),
        event(world, REVOKE, T + DAY, category=Category.NOTIFICATION),
        event(world, REVOKE, T + DAY, channel=Channel.EMAIL),
        event(world, REVOKE, T + DAY, tenant_id=world.rt.new_id()),
    )
    found = latest(world, world.key(), other, world.key(), b"nobody")
    assert found == {
        world.key(): Consent(GRANT, Basis.EXPRESS_WRITTEN, "web form", T),
        other: Consent(REVOKE, None, "test", T),
    }
    assert latest(world, category=Category.TRANSACTIONAL) == {}
    assert latest(world, category=Category.NOTIFICATION)[world.key()].action is REVOKE


def test_history_is_whole_and_newest_first(world: World) -> None:
    evidence = {"ip": "192.0.2.7", "form": "https://shop.example/vip", "boxes": [1, None, "é"]}
    add(
        world,
        event(world, REVOKE, T + DAY, category=Category.NOTIFICATION),
        event(world, GRANT, T, text_version="v7", evidence=evidence),
        event(world, ASK, T - DAY),
        event(world, GRANT, T, recipient_key=b"somebody else"),
    )
    with world.rt.engine.connect() as db:
        found = consents.history(db, world.tenant.id, Channel.SMS, world.key())
        newest = consents.history(db, world.tenant.id, Channel.SMS, world.key(), limit=1)
    assert [(e.action, e.at, e.category) for e in found] == [
        (REVOKE, T + DAY, Category.NOTIFICATION),
        (GRANT, T, Category.MARKETING),
        (ASK, T - DAY, Category.MARKETING),
    ]
    assert (found[1].text_version, found[1].evidence) == ("v7", evidence)
    assert found[0].basis is None
    assert all(abs(e.recorded_at - datetime.now(UTC)) < timedelta(minutes=5) for e in found)  # noqa: TID251 - the database's clock is the machine's
    assert newest == found[:1]


def test_many_are_added_in_order_and_none_if_one_cannot_be(world: World) -> None:
    count = 12_000
    rows = [
        event(world, GRANT, T, recipient_key=n.to_bytes(16), source=str(n)) for n in range(count)
    ]
    with pytest.raises(DBAPIError):
        add(world, *rows, event(world, GRANT, T, source=None))
    assert world.rows("SELECT 1 FROM consent_events") == []
    add(world, *rows)
    recorded = world.rows("SELECT source FROM consent_events ORDER BY id")
    assert [r["source"] for r in recorded] == [str(n) for n in range(count)]
    keys = [r.recipient_key for r in rows]
    assert set(latest(world, *keys)) == set(keys)


def test_nothing_is_added_of_nothing(world: World) -> None:
    add(world)
    assert latest(world) == {}


def key(n: int) -> bytes:
    return n.to_bytes(16)


def replace(world: World, registry: str, keys: Sequence[bytes], at: datetime) -> bool:
    with world.rt.engine.begin() as db:
        return dnc.replace(db, world.tenant.id, registry, keys, at)


def test_a_scrub_replaces_the_one_before_as_a_whole(world: World) -> None:
    assert replace(world, "US", [key(1), key(2), key(2)], T)
    assert replace(world, "US-TX", [key(2), key(3)], T)
    assert replace(world, "US", [key(1), key(4)], T + DAY)
    with world.rt.engine.connect() as db:
        mine = world.tenant.id
        assert dnc.scrubs(db, mine) == {"US": T + DAY, "US-TX": T}
        assert dnc.listed(db, mine, [key(n) for n in range(6)]) == {
            key(1): "US",
            key(2): "US-TX",
            key(3): "US-TX",
            key(4): "US",
        }
        assert [(r.name, r.numbers) for r in dnc.registries(db, mine)] == [("US", 2), ("US-TX", 2)]
        other = world.rt.new_id()
        assert dnc.scrubs(db, other) == {}
        assert dnc.listed(db, other, [key(1)]) == {}
        assert dnc.registries(db, other) == []


def test_a_registry_that_lists_nobody_was_still_scrubbed(world: World) -> None:
    assert replace(world, "US", [key(1)], T)
    assert replace(world, "US", [], T + DAY)
    with world.rt.engine.connect() as db:
        assert dnc.scrubs(db, world.tenant.id) == {"US": T + DAY}
        assert dnc.listed(db, world.tenant.id, [key(1)]) == {}


def test_in_two_registries_the_first_by_name_is_said(world: World) -> None:
    replace(world, "US-TX", [key(1)], T)
    replace(world, "US", [key(1)], T)
    with world.rt.engine.connect() as db:
        assert dnc.listed(db, world.tenant.id, [key(1)]) == {key(1): "US"}


def test_an_older_scrub_never_replaces_a_newer_one(world: World) -> None:
    assert replace(world, "US", [key(1)], T)
    assert not replace(world, "US", [], T - timedelta(microseconds=1))
    with world.rt.engine.connect() as db:
        assert dnc.scrubs(db, world.tenant.id) == {"US": T}
        assert dnc.listed(db, world.tenant.id, [key(1)]) == {key(1): "US"}
    # The same scrub again is a repeat.
    assert replace(world, "US", [key(2)], T)


def test_scrubs_at_once_leave_the_newest_whole(world: World) -> None:
    def scrub(n: int) -> bool:
        return replace(world, "US", [key(100 * n + i) for i in range(50)], T + n * DAY)

    at_once(*[lambda n=n: scrub(n) for n in range(5)])
    with world.rt.engine.connect() as db:
        assert dnc.scrubs(db, world.tenant.id) == {"US": T + 4 * DAY}
        everybody = [key(n) for n in range(600)]
        assert set(dnc.listed(db, world.tenant.id, everybody)) == {key(400 + i) for i in range(50)}
