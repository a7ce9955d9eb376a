"""How is what was foreseen of a campaign told? As totals: by country, sender and reason, with costs and an end."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from messaging.domain import pricing
from messaging.domain.campaign_pace import TICK
from messaging.domain.compliance.places import place_of
from messaging.domain.message import Sender
from messaging.domain.new_message import NewMessage
from messaging.foresight import HORIZON, Foreseen, Sending
from messaging.runtime import TenantSenders

_Prices = dict[str, dict[str, str] | None]
_UNKNOWN = "unknown"
_LIMITS = {
    "s": "sender", "a": "account", "t": "tenant", "p": "pool", "c": "tendlc_campaign", "b": "brand",
    "r": "recipient", "abroad": "destination",
}  # fmt: skip
"""What a limit is of, by how its key begins (`messaging.limits`)."""


def reckoned(
    seen: Foreseen,
    scale: float,
    base: NewMessage,
    known: TenantSenders,
    at: datetime,
    *,
    paced: bool,
) -> dict[str, Any]:
    """What was foreseen of some, each of whom stands for `scale` people, as the API tells it."""
    grown = _grown(seen)
    people, segments = _by_country(seen)
    prices = _prices(seen, segments, base, known, scale)
    ends = _ends(seen, at)
    return {
        "to_send": round(people.total() * scale),
        "segments": round(segments.total() * scale),
        "blocked": _scaled(seen.blocked, scale),
        "deferred": _scaled(seen.deferred, scale),
        "countries": {
            country: {
                "recipients": round(n * scale),
                "segments": round(segments[country] * scale),
                "cost": prices[country],
            }
            for country, n in sorted(people.items())
        },
        "cost": _total(prices, known),
        "senders": _loads(seen, scale * grown),
        "slowest": _slowest(seen, known, at, paced=paced),
        "seconds": None if ends is None else round((ends - at).total_seconds(), 1),
        "earliest_finish": ends.isoformat().replace("+00:00", "Z") if ends else None,
    }


def _scaled(counts: Counter[str], scale: float) -> dict[str, int]:
    return {word: round(n * scale) for word, n in sorted(counts.items())}


def _grown(seen: Foreseen) -> float:
    """How many times those whose sender is known all are that would be sent to."""
    chosen = len(seen.sendings)
    return (chosen + len(seen.later) + len(seen.stuck)) / chosen if chosen else 1.0


def _by_country(seen: Foreseen) -> tuple[Counter[str], Counter[str]]:
    people: Counter[str] = Counter()
    segments: Counter[str] = Counter()
    for message in (*(s.message for s in seen.sendings), *seen.later, *seen.stuck):
        country = place_of(message).country or _UNKNOWN
        people[country] += 1
        segments[country] += message.segments
    return people, segments


def _loads(seen: Foreseen, scale: float) -> dict[str, int]:
    """Segments by the address of their sender."""
    segments: Counter[str] = Counter()
    for sending in seen.sendings:
        segments[sending.sender.address] += sending.message.segments
    return _scaled(segments, scale)


def _ends(seen: Foreseen, at: datetime) -> datetime | None:
    """When the campaign is over; None if nobody can say.

    The clock begins and ends it when it looks, each half a tick late on the average.
    """
    if seen.stuck:
        return None
    if not seen.sendings:
        return at
    if seen.later:
        return at + HORIZON * _grown(seen)
    last = max(sending.at for sending in seen.sendings)
    return max(at, datetime.fromtimestamp(last, at.tzinfo)) + TICK


def _slowest(
    seen: Foreseen, known: TenantSenders, at: datetime, *, paced: bool
) -> dict[str, str | None] | None:
    """Which limit the last of them waits for; None if nothing makes anybody wait."""
    if seen.later:
        return {"limit": "daily_limits", "name": None}
    last = max(seen.sendings, key=lambda s: s.at, default=None)
    if last is None or last.at <= at.timestamp():
        return None
    if last.limit is None:
        waits = "per_minute" if paced and not seen.deferred else "deferral"
        return {"limit": waits, "name": None}
    kind, of, *_ = last.limit.split(":", 2)
    return {"limit": _LIMITS[kind], "name": _name(kind, of, last, known)}


def _name(kind: str, of: str, last: Sending, known: TenantSenders) -> str | None:
    sender, campaign = last.sender, last.sender.campaign
    names = {
        "s": sender.address,
        "a": known.accounts[sender.account_id].name,
        "p": next((name for name, id_ in known.pools.items() if str(id_) == of), None),
        "c": campaign.name if campaign else None,
        "b": campaign.brand if campaign else None,
        "abroad": of or None,
    }
    return names.get(kind)


def _senders(base: NewMessage, known: TenantSenders) -> list[Sender]:
    """Whom its messages may leave from, as far as that is known beforehand."""
    return [
        sender
        for sender in known.candidates.by_id.values()
        if sender.channel is base.channel or (sender.channel.by_phone and base.channel.by_phone)
        if (base.sender_id is None and sender.healthy) or sender.id == base.sender_id
        if base.pool_id is None or base.pool_id in sender.pool_ids
    ]


def _prices(
    seen: Foreseen, segments: Counter[str], base: NewMessage, known: TenantSenders, scale: float
) -> _Prices:
    """By country: the least and the most it may cost, and what it costs from the senders that were chosen."""
    providers = {known.accounts[s.account_id].provider for s in _senders(base, known)}
    chosen: dict[str, Counter[str]] = {country: Counter() for country in segments}
    for sending in seen.sendings:
        provider = known.accounts[sending.sender.account_id].provider
        chosen[sending.country or _UNKNOWN][provider] += sending.message.segments
    return {
        country: _price(country, n, chosen[country], providers, base, known, scale)
        for country, n in segments.items()
    }


def _price(
    place: str,
    segments: int,
    chosen: Counter[str],
    providers: set[str],
    base: NewMessage,
    known: TenantSenders,
    scale: float,
) -> dict[str, str] | None:
    card, country = known.card, None if place == _UNKNOWN else place
    if card is None:
        return None
    if base.traffic in pricing.EXCLUDED:
        return dict.fromkeys(("min", "max", "expected"), "0")
    providers = providers | set(chosen)
    span = pricing.range_of(round(segments * scale), providers, base.channel, country, card)
    if span is None:
        return None
    costs = (pricing.price_of(n, p, base.channel, country, card) for p, n in chosen.items())
    known_cost = sum((cost for cost in costs if cost is not None), Decimal(0))
    each = known_cost / chosen.total() if chosen.total() else span[0] / max(segments, 1)
    expected = each * round(segments * scale)
    return {"min": _plain(span[0]), "max": _plain(span[1]), "expected": _plain(expected)}


def _plain(amount: Decimal) -> str:
    return f"{round(amount, 6).normalize():f}"


def _total(prices: _Prices, known: TenantSenders) -> dict[str, str] | None:
    spans = [span for span in prices.values() if span is not None]
    if known.card is None or len(spans) < len(prices) or not spans:
        return None
    ends = {end: sum((Decimal(s[end]) for s in spans), Decimal(0)) for end in spans[0]}
    return {"currency": known.card.currency, **{end: _plain(n) for end, n in ends.items()}}
