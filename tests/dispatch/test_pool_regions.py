"""A pool that may write to some countries only: also where nobody names it."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.store import fleet
from messaging.store import senders as sender_store
from tests.world import World

BRAZIL, AMERICA = "+5511955550123", "+12025550123"


@pytest.fixture
def limited(world: World) -> World:
    """Its only pool writes to the US."""
    limit(world, "US")
    return world


def limit(world: World, *countries: str) -> None:
    with world.rt.engine.begin() as db:
        fleet.change_pool(db, world.tenant.id, "main", {"regions": list(countries)})
    world.forget_senders()


def outcome(world: World, to: str, **fields: Any) -> tuple[str, str | None]:
    message = world.put_one(recipient=to, **fields)
    world.send()
    row = world.row(message)
    return row["status"], row["status_reason"]


REFUSED = ("blocked_compliance", "region_not_permitted")


def test_a_pool_nobody_names_keeps_to_its_countries(limited: World) -> None:
    assert outcome(limited, AMERICA) == ("sent", None)
    assert outcome(limited, BRAZIL) == REFUSED
    assert outcome(limited, BRAZIL, pool_id=limited.pool_id) == REFUSED
    assert outcome(limited, BRAZIL, sender_id=limited.sender.id) == ("sent", None)
    (told,) = limited.rows("SELECT DISTINCT detail FROM verdicts WHERE outcome = 'block'")
    assert told["detail"] == "the sender pool does not list BR"


def test_somebody_else_sends_where_the_pool_may_not(limited: World) -> None:
    other = limited.rt.new_id()
    with limited.rt.engine.begin() as db:
        sender_store.add_pool(db, limited.tenant.id, other, "abroad")
    sender = limited.add_sender("+12025550188", pool_ids=frozenset({other}), is_default=False)
    for _ in range(4):  # a default of the limited pool, and a sticky one, are left out too
        assert outcome(limited, BRAZIL) == ("sent", None)
    used = {row["sender_id"] for row in limited.rows("SELECT sender_id FROM messages")}
    assert used == {sender.id}


def test_a_sender_in_no_pool_is_limited_by_none(limited: World) -> None:
    alone = limited.add_sender("+12025550188", pool_ids=frozenset())
    assert outcome(limited, BRAZIL) == ("sent", None)
    assert {r["sender_id"] for r in limited.rows("SELECT sender_id FROM messages")} == {alone.id}
