"""Registrations as a provider names them, and a provider that is asked about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx

from messaging import registration, registration_refresh
from messaging.domain.registration import BrandStatus, CampaignStatus
from messaging.store.registrations import Brand, TendlcCampaign
from tests.carrier import Carrier, Reply
from tests.world import World

BRAND, CAMPAIGN, TOLL_FREE, SERVICE = (prefix + "c3" * 16 for prefix in ("BN", "QE", "HH", "MG"))


def brand(status: BrandStatus = BrandStatus.ACTIVE, **fields: Any) -> Brand:
    return Brand("main", status, **({"provider_brand_id": BRAND} | fields))


def campaign(status: CampaignStatus = CampaignStatus.VERIFIED, **fields: Any) -> TendlcCampaign:
    named = {"provider_campaign_id": CAMPAIGN, "provider_service_id": SERVICE}
    return TendlcCampaign("main", "main", status, **(named | fields))


def say(world: World, said: Brand | TendlcCampaign) -> None:
    """What the API does."""
    if isinstance(said, Brand):
        registration.put_brand(world.rt, world.tenant, said)
    else:
        registration.put_campaign(world.rt, world.tenant, said)


def state(world: World, table: str = "tendlc_campaigns") -> str:
    (found,) = world.rows(f"SELECT status FROM {table}")
    return str(found["status"])


def ask(world: World, reply: Reply | Callable[[httpx.Request], Reply]) -> tuple[str, list[str]]:
    """What a run says, and the last part of what it asked for."""
    desk = Carrier(reply if callable(reply) else lambda _: reply)
    said = registration_refresh.run(world.rt, desk)
    return said, [request.url.path.rpartition("/")[2] for request in desk.requests]


def stands(status: str, since: datetime | None = None) -> httpx.Response:
    updated = since.isoformat() if since else None
    words = {"status": status, "campaign_status": status, "date_updated": updated}
    return httpx.Response(200, json=words)


def later(world: World, seconds: float = 3600.0) -> None:
    """Some time passes, as far as what is due goes."""
    for table in ("brands", "tendlc_campaigns", "senders"):
        world.run(
            f"UPDATE {table} SET refresh_due_at = refresh_due_at - make_interval(secs => :s)",
            s=seconds,
        )


def wait(world: World, table: str = "tendlc_campaigns") -> timedelta:
    (row,) = world.rows(f"SELECT refresh_due_at - now() AS wait FROM {table}")
    found: timedelta = row["wait"]
    return found
