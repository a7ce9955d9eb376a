"""Where in the world is it a given hour right now? For tests that must not depend on when they run."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from messaging.domain.compliance.facts import Basis, ConsentAction
from messaging.domain.message import Category, Channel
from messaging.store import consents
from messaging.store.consents import NewConsent
from tests.world import World

# At most three hours from one to the next.
_ZONES = (
    "Pacific/Honolulu",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Atlantic/Azores",
    "Europe/Athens",
    "Asia/Dubai",
    "Asia/Bangkok",
    "Asia/Tokyo",
    "Pacific/Auckland",
)
MIDDAY = range(10, 17)
NIGHT = (*range(22, 24), *range(4))


def zone_in(hours: Container[int], now: datetime) -> str:
    """A time zone in which it is one of these hours; they must be six in a row."""
    return next(name for name in _ZONES if now.astimezone(ZoneInfo(name)).hour in hours)


def next_time(at: time, zone: str, now: datetime) -> datetime:
    """When a zone's wall next shows this time."""
    local = now.astimezone(ZoneInfo(zone))
    today = datetime.combine(local.date(), at, ZoneInfo(zone))
    return today if today > local else today + timedelta(days=1)


def agreed(world: World, *recipients: str) -> None:
    """These people agreed to marketing, in writing, a week ago."""
    at = world.rt.now() - timedelta(days=7)
    row: Callable[[str], NewConsent] = lambda recipient: NewConsent(  # noqa: E731
        tenant_id=world.tenant.id,
        channel=Channel.SMS,
        recipient_key=world.key(recipient),
        category=Category.MARKETING,
        action=ConsentAction.GRANT,
        basis=Basis.EXPRESS_WRITTEN,
        source="web form",
        text_version="v1",
        evidence=None,
        at=at,
    )
    with world.rt.engine.begin() as db:
        consents.add(db, [row(recipient) for recipient in recipients])
