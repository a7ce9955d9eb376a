"""A person is forgotten: as a contact, and where a campaign was to write to them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from messaging import contacts
from messaging.domain.contact import ContactRequest
from messaging.store.tables import campaign_recipients, campaigns
from tests.dispatch.footprints import CANARY, SECRET, erase
from tests.remains import remains
from tests.world import RECIPIENT, World

OTHER = "+12025550124"


def knows(world: World, ref: str, **fields: Any) -> None:
    asked = ContactRequest.model_validate({"ref": ref, **fields})
    contacts.put_one(world.rt, world.tenant, asked)


def refs(world: World) -> list[str]:
    return [row["ref"] for row in world.rows("SELECT ref FROM contacts ORDER BY ref")]


def test_nothing_of_a_contact_remains(world: World) -> None:
    secret = {"company": SECRET, "tags": [SECRET], "attributes": {"a": SECRET}}
    knows(world, "gone", name=SECRET, phones=[OTHER, RECIPIENT], emails=["x@example.com"], **secret)
    knows(world, "twin", phones=[RECIPIENT])
    knows(world, "else", phones=[OTHER], emails=["else@example.com"])
    assert remains(world.rt.engine, *CANARY)
    assert erase(world).finished_at is not None
    assert remains(world.rt.engine, *CANARY) == set()
    assert refs(world) == ["else"]


def test_who_is_known_again_afterwards_stays(world: World) -> None:
    knows(world, "gone", phones=[RECIPIENT])
    erase(world)
    knows(world, "again", phones=[RECIPIENT])
    assert refs(world) == ["again"]


def test_another_tenants_contact_is_untouched(world: World) -> None:
    knows(World(world.rt), "theirs", phones=[RECIPIENT])
    knows(world, "mine", phones=[RECIPIENT])
    erase(world)
    assert refs(world) == ["theirs"]


def test_a_campaign_forgets_and_skips_them(world: World) -> None:
    campaign = world.rt.new_id()
    with world.rt.engine.begin() as db:
        named = {"id": campaign, "tenant_id": world.tenant.id, "name": "spring", "request": {}}
        db.execute(sa.insert(campaigns).values(named))
        for n, to in enumerate([RECIPIENT, OTHER]):
            db.execute(
                sa.insert(campaign_recipients).values(
                    campaign_id=campaign,
                    recipient_key=world.key(to),
                    n=n,
                    address=to,
                    fields={"first_name": SECRET if to == RECIPIENT else "Bo"},
                )
            )
    erase(world)
    assert remains(world.rt.engine, *CANARY) == set()
    rows = world.rows("SELECT address, state, reason, fields FROM campaign_recipients ORDER BY n")
    assert [list(row.values()) for row in rows] == [
        ["", "skipped", "erased", None],
        [OTHER, "waiting", None, {"first_name": "Bo"}],
    ]
