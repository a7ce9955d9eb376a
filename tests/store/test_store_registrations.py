"""Registrations in the store: senders as they are read, policies that cannot be, and who is held."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from unittest.mock import ANY
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from messaging import telemetry
from messaging.domain.compliance.policy import DEFAULT
from messaging.domain.lifecycle import Status
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    Lapse,
    ReplyOwner,
    SenderKind,
    Standing,
    Verification,
)
from messaging.runtime import TenantSenders
from messaging.store import registrations, senders, tenants
from messaging.store.registrations import Brand, TendlcCampaign
from tests.world import World, at_once

HELD = Status.BLOCKED_MISSING_CAMPAIGN


def known(world: World) -> TenantSenders:
    world.forget_senders()
    return world.rt.senders_of(world.tenant.id)


@pytest.mark.parametrize(
    ("address", "kind", "standing", "owner"),
    [
        ("+12025550111", SenderKind.LONG_CODE, Standing.CLEAR, ReplyOwner.PROVIDER),
        ("+18335550111", SenderKind.TOLL_FREE, Standing.TOLL_FREE_NOT_VERIFIED, ReplyOwner.NETWORK),
        ("+551195555010", SenderKind.INTERNATIONAL, Standing.CLEAR, ReplyOwner.PROVIDER),
        ("55501", SenderKind.SHORT_CODE, Standing.CLEAR, ReplyOwner.PROVIDER),
        ("Acme", SenderKind.ALPHANUMERIC, Standing.CLEAR, ReplyOwner.PROVIDER),
    ],
)
def test_a_sender_is_read_with_its_kind_and_standing(
    world: World, address: str, kind: SenderKind, standing: Standing, owner: ReplyOwner
) -> None:
    stored = world.add_sender(address)
    read = known(world).candidates.by_id[stored.id]
    assert (read.kind, read.standing, read.reply_owner) == (kind, standing, owner)
    assert read.pool_ids == {world.pool_id}


def test_senders_of_one_campaign_share_it_and_follow_it(world: World) -> None:
    other = world.add_sender("+12025550111", pool_ids=frozenset())
    by_id = known(world).candidates.by_id
    assert by_id[other.id].campaign is by_id[world.sender.id].campaign
    assert by_id[other.id].campaign == replace(world.campaign, brand_id=ANY)
    world.change("tendlc_campaigns", world.campaign.id, has_links=False, status="failed")
    read = known(world).candidates.by_id[other.id]
    assert read.standing is Standing.CAMPAIGN_NOT_VERIFIED
    assert read.campaign is not None
    assert (read.campaign.has_links, read.campaign.status) == (False, CampaignStatus.FAILED)


def test_a_campaign_needs_a_brand_of_the_same_tenant(world: World) -> None:
    campaign = TendlcCampaign("theirs", "main", CampaignStatus.VERIFIED)
    stranger = World(world.rt)
    with world.rt.engine.begin() as db:
        db.exec_driver_sql(
            "UPDATE brands SET name = 'own' WHERE tenant_id = %s", (stranger.tenant.id,)
        )
        assert not registrations.put_campaign(db, stranger.tenant.id, world.rt.new_id(), campaign)
        assert registrations.put_campaign(db, world.tenant.id, world.rt.new_id(), campaign)
        assert [c.name for c in registrations.campaigns(db, world.tenant.id)] == ["main", "theirs"]
        assert [c.name for c in registrations.campaigns(db, stranger.tenant.id)] == ["main"]


def test_putting_the_same_brand_at_once_makes_one(world: World) -> None:
    def put() -> None:
        with world.rt.engine.begin() as db:
            brand = Brand("twice", BrandStatus.ACTIVE)
            registrations.put_brand(db, world.tenant.id, world.rt.new_id(), brand)

    at_once(put, put, put)
    with world.rt.engine.connect() as db:
        assert [b.name for b in registrations.brands(db, world.tenant.id)] == ["main", "twice"]


def test_a_pool_is_limited_where_that_was_said(world: World) -> None:
    with world.rt.engine.begin() as db:
        senders.add_pool(db, world.tenant.id, world.rt.new_id(), "west", {"US", "CA"})
        senders.add_pool(db, world.tenant.id, world.rt.new_id(), "nowhere", ())
    found = known(world)
    limits = {name: found.regions_of(pool) for name, pool in found.pools.items()}
    assert limits == {"main": None, "west": {"US", "CA"}, "nowhere": set()}


def test_a_policy_this_version_cannot_read_is_as_none_and_said(world: World) -> None:
    world.change("tenants", world.tenant.id, policy={"brand": "Acme"}, default_region="CA")
    found = known(world)
    assert (found.policy.brand, found.home) == ("Acme", "CA")
    world.change("tenants", world.tenant.id, policy={"brand": "secret-canary", "later": 1})
    telemetry.configure("info", json=True)  # whatever another test made it
    with capture_logs() as logs:
        assert known(world).policy == DEFAULT
    (said,) = [entry for entry in logs if entry["event"] == "policy.unreadable"]
    assert said["fields"] == ["later"]
    assert "secret-canary" not in str(said)
    with world.rt.engine.connect() as db:
        assert tenants.policy(db, world.rt.new_id()) == DEFAULT


def test_what_was_read_before_a_change_is_not_kept_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change between another thread's reading and its remembering."""
    world.forget_senders()
    read = senders.read

    def slowly(*args: object) -> senders.Senders:
        found = read(*args)  # type: ignore[arg-type]
        world.rt.forget(world.tenant.id)
        return found

    monkeypatch.setattr("messaging.store.senders.read", slowly)
    world.rt.senders_of(world.tenant.id)
    assert not world.rt.knows(world.tenant.id)
    monkeypatch.undo()
    world.rt.senders_of(world.tenant.id)
    assert world.rt.knows(world.tenant.id)


# -- who is held -----------------------------------------------------------------------------------


def hold(world: World, count: int, at: str = "clock_timestamp()") -> list[UUID]:
    ids = world.put(count)
    world.run(f"UPDATE messages SET status = '{HELD}'")
    world.run(
        f"INSERT INTO held (message_id, tenant_id, status, at) SELECT id, tenant_id, status, {at}"
        " FROM messages ON CONFLICT DO NOTHING"
    )
    return ids


def free(world: World, limit: int = 100, tenant: UUID | None = None) -> tuple[int, set[UUID]]:
    with world.rt.engine.begin() as db:
        taken, blocked = registrations.free(
            db, HELD, limit, slack=timedelta(seconds=4), tenant_id=tenant
        )
    return taken, {message_id for message_id, _ in blocked}


def clear(world: World) -> None:
    with world.rt.engine.begin() as db:
        registrations.clear(db, world.tenant.id)


def test_only_what_was_held_before_a_registration_is_freed_and_once(world: World) -> None:
    ids = hold(world, 3)
    assert free(world) == (0, set())
    clear(world)
    hold(world, 2, at="clock_timestamp() + interval '5 seconds'")
    assert free(world) == (3, set(ids))
    assert free(world) == (0, set())


def test_one_tenants_registration_frees_nobody_elses(world: World) -> None:
    hold(world, 2)
    stranger = World(world.rt)
    clear(stranger)
    assert free(world) == (0, set())
    clear(world)
    assert free(world, tenant=stranger.tenant.id) == (0, set())
    assert free(world, tenant=world.tenant.id)[0] == 2


def test_no_more_are_taken_than_asked_for_and_what_was_canceled_is_dropped(world: World) -> None:
    ids = hold(world, 5)
    world.run("UPDATE messages SET status = 'canceled' WHERE id = :id", id=ids[0])
    clear(world)
    taken = [free(world, limit=2), free(world, limit=2), free(world, limit=2)]
    assert [count for count, _ in taken] == [2, 2, 1]
    assert set().union(*(blocked for _, blocked in taken)) == set(ids[1:])


def test_two_that_free_at_once_share(world: World) -> None:
    ids = hold(world, 60)
    clear(world)
    freed: list[UUID] = []
    at_once(*[lambda: freed.extend(free(world, limit=30)[1])] * 3)
    assert sorted([*freed, *free(world)[1]]) == sorted(ids)


def test_flips_name_the_tenants_they_changed_and_change_once(world: World) -> None:
    message_id = world.put_one()
    world.run("UPDATE messages SET sender_id = :sender", sender=world.sender.id)

    def flip(lapse: Lapse) -> set[UUID]:
        with world.rt.engine.begin() as db:
            return registrations.flip(db, [(message_id, lapse)])

    assert flip(Lapse.SENDER) == {world.tenant.id}
    assert flip(Lapse.SENDER) == set()
    read = known(world).candidates.by_id[world.sender.id]
    assert read.verification is Verification.SUSPENDED
    assert flip(Lapse.CAMPAIGN) == {world.tenant.id}
    assert flip(Lapse.CAMPAIGN) == set()
    read = known(world).candidates.by_id[world.sender.id]
    assert read.campaign is not None
    assert read.campaign.status is CampaignStatus.SUSPENDED
