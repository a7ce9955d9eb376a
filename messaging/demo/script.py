"""What does the demonstration send, to whom, and what does it call off or forbid?

A list of recipients ships with the project: area codes all over the United States, Brazil and the
United Kingdom, all of them numbers reserved for fiction, and some that are no numbers at all.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from messaging.domain.message import Category, Priority
from messaging.domain.sender_request import SenderRequest

RECIPIENTS = Path(__file__).parent / "recipients.csv"
_AREAS = (
    "202", "212", "213", "214", "303", "305", "312", "404", "415", "503",
    "512", "602", "615", "617", "702", "704", "713", "801", "816", "919",
)  # fmt: skip
SENDERS = tuple(
    SenderRequest(address=f"+1{area}5550100", mps=200.0, is_default=area == _AREAS[0])
    for area in _AREAS
)
"""Fast ones: how long a rate makes messages wait is not what is shown."""

_SCHEDULED, _CALLED_OFF, _SUPPRESSED = 0.05, 0.03, 0.02
_NAMED_SENDER, _NAMED_POOL = 0.04, 0.06
_CATEGORIES = {Category.TRANSACTIONAL: 60, Category.NOTIFICATION: 25, Category.MARKETING: 15}
_CONSENTED = 0.85
_CONSENT_AGE = timedelta(days=30)
_CALLED_OFF_AHEAD = timedelta(minutes=5)
"""Far enough that calling off is never a race."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One line of the list."""

    name: str
    phone: str
    country: str
    """Empty for what is no number."""


@dataclass(frozen=True, slots=True)
class Script:
    """Everything one run does."""

    requests: list[dict[str, Any]]
    """The batch, as `POST /v1/messages` takes it."""
    call_off: list[int]
    """Places in the batch."""
    suppress: list[str]
    """Numbers that have said stop before the batch is sent."""
    consents: str
    """Who agreed to marketing, as `POST /v1/consents/import` takes it."""


def recipients() -> list[Recipient]:
    """The list that ships with the project."""
    with RECIPIENTS.open(newline="") as file:
        return [Recipient(**row) for row in csv.DictReader(file)]


def write(messages: int, rng: Random, now: datetime, *, pool: str) -> Script:
    """The script of a run; every message has a text of its own. The same dice write the same one."""
    people = recipients()
    requests: list[dict[str, Any]] = []
    call_off: list[int] = []
    for place in range(messages):
        who = people[place % len(people)]
        request: dict[str, Any] = {
            "to": who.phone,
            "body": f"Hello {who.name}, your order {place + 1:06} has left our house.",
            "priority": rng.choices(list(Priority), [10, 70, 20])[0].value,
            "category": rng.choices(list(_CATEGORIES), list(_CATEGORIES.values()))[0].value,
        }
        lot = rng.random()
        if lot < _SCHEDULED:
            request["scheduled_for"] = (now + timedelta(seconds=rng.uniform(2, 6))).isoformat()
        elif lot < _SCHEDULED + _CALLED_OFF:
            request["scheduled_for"] = (now + _CALLED_OFF_AHEAD).isoformat()
            call_off.append(place)
        request |= _sender(rng, pool)
        requests.append(request)
    real = [who.phone for who in people[:messages] if who.country]
    suppress = rng.sample(real, round(len(real) * _SUPPRESSED))
    agreed = [phone for phone in real if rng.random() < _CONSENTED]
    return Script(requests, call_off, suppress, _consents(agreed, now))


def _consents(phones: list[str], now: datetime) -> str:
    at = (now - _CONSENT_AGE).isoformat()
    rows = [f'"{phone}",MARKETING,grant,express_written,web form,{at}' for phone in phones]
    return "\n".join(["to,category,action,basis,source,at", *rows]) + "\n"


def _sender(rng: Random, pool: str) -> dict[str, str]:
    lot = rng.random()
    if lot < _NAMED_SENDER:
        return {"from": rng.choice(SENDERS).address}
    return {"pool": pool} if lot < _NAMED_SENDER + _NAMED_POOL else {}
