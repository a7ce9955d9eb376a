"""How does the result of a do-not-call scrub get in, and how long does it stay fresh?

A scrub is uploaded whole and replaces the one before. It is checked whole first: a file that is half
read would say of the other half that nobody there minds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.domain import addresses
from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance.policy import REGISTRY
from messaging.domain.errors import ConflictError, FieldProblem, InvalidRequestError
from messaging.domain.file_problems import FileProblems, refused, text_of
from messaging.domain.message import Channel
from messaging.runtime import Runtime
from messaging.store import dnc, tenants
from messaging.store.tenants import Tenant

MAX_NUMBERS = 1_000_000
_CHANNEL = Channel.SMS
"""Under which channel's key numbers are kept: the one that telephone numbers are written to on."""
_REGISTRY = re.compile(REGISTRY)
_HEADINGS = frozenset({"to", "number", "phone", "phone_number"})
_UNUSED = "not_valid"
"""The address problem of a number that is well formed and nobody's."""
_TICK = 10_000


@dataclass(frozen=True, slots=True)
class Scrub:
    """What an upload came to."""

    listed: int
    skipped: int
    """Numbers that are in use nowhere: nobody could write to them anyway."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """A registry, what is known of it, and whether that is fresh enough."""

    registry: str
    numbers: int
    scrubbed_at: datetime | None
    """None: the policy asks for it and it was never scrubbed against."""
    required: bool
    """Whether the policy asks for it."""
    fresh_until: datetime | None
    """Until when marketing may rely on it; None if the policy does not ask, or there is no scrub."""


def import_scrub(
    rt: Runtime,
    tenant: Tenant,
    registry: str,
    content: bytes,
    scrubbed_at: datetime,
    tick: Callable[[int], None] = lambda _lines: None,
) -> Scrub:
    """Make a file of numbers, one a line, the whole of what a registry lists as of `scrubbed_at`.

    Of several cells in a line the first is the number; a heading is skipped. `tick` is told the number
    of lines read, every ten thousand and at the end.

    Raises:
        InvalidRequestError: with a pointer to each line that holds no number; nothing was changed.
        ConflictError: a newer scrub is on record.
    """
    _check(rt, registry, scrubbed_at)
    keys, skipped = _keys(rt, tenant, content, tick)
    with rt.engine.begin() as db:
        done = dnc.replace(db, tenant.id, registry, keys, scrubbed_at)
    if not done:
        raise ConflictError("a newer scrub of this registry is on record; it stays")
    return Scrub(len(set(keys)), skipped)


def _check(rt: Runtime, registry: str, scrubbed_at: datetime) -> None:
    wrong = []
    if not _REGISTRY.fullmatch(registry):
        detail = "must be up to 32 letters, digits, '-', '_' or '.', such as US or US-TX"
        wrong.append(FieldProblem("#/registry", "not_valid", detail))
    if scrubbed_at > rt.now():
        detail = "must not be in the future: it says how old the list is"
        wrong.append(FieldProblem("#/scrubbed_at", "in_the_future", detail))
    if wrong:
        raise InvalidRequestError(wrong)


def _keys(
    rt: Runtime, tenant: Tenant, content: bytes, tick: Callable[[int], None]
) -> tuple[list[bytes], int]:
    rows = text_of(content).splitlines()
    if len(rows) > MAX_NUMBERS:
        detail = f"at most {MAX_NUMBERS:,} numbers are taken; send only those you may write to"
        raise refused("too_long", detail)
    if not any(map(str.strip, rows)):
        # An upload that got lost must not pass for a registry that lists nobody.
        raise refused("empty", "is empty; send the line 'number' alone if nobody is listed")
    keys: list[bytes] = []
    wrong = FileProblems()
    unused = 0
    for number, row in enumerate(rows, start=1):
        found = _key(rt, tenant, row, first=number == 1)
        if isinstance(found, bytes):
            keys.append(found)
        elif found is not None and found.code == _UNUSED:
            unused += 1
        elif found is not None:
            wrong.add(number, [FieldProblem(f"#/{number}", found.code, found.detail)])
        if number % _TICK == 0:
            tick(number)
    tick(len(rows))
    wrong.refuse()
    if unused and not keys:
        detail = "none of these numbers is in use; check that they carry the right country code"
        raise refused(_UNUSED, detail)
    return keys, unused


def _key(rt: Runtime, tenant: Tenant, row: str, *, first: bool) -> bytes | AddressProblem | None:
    """What stands for the number of a line; None for a line that is blank or a heading."""
    cell = row.partition(",")[0].strip().strip('"').strip()
    if not cell or (first and cell.lower() in _HEADINGS):
        return None
    address = addresses.normalise(cell, tenant.default_region)
    if isinstance(address, AddressProblem):
        return address
    return addresses.key(rt.settings.pepper, _CHANNEL.value, address)


def registries(rt: Runtime, tenant: Tenant) -> list[Freshness]:
    """Every registry that was scrubbed against or that the policy asks for, by name."""
    with rt.engine.connect() as db:
        known = {r.name: r for r in dnc.registries(db, tenant.id)}
        asked = tenants.policy(db, tenant.id).dnc_registries
    return [_freshness(name, known.get(name), asked.get(name)) for name in sorted({*known, *asked})]


def _freshness(name: str, known: dnc.Registry | None, days: int | None) -> Freshness:
    fresh_until = known.scrubbed_at + timedelta(days=days) if known and days is not None else None
    return Freshness(
        registry=name,
        numbers=known.numbers if known else 0,
        scrubbed_at=known.scrubbed_at if known else None,
        required=days is not None,
        fresh_until=fresh_until,
    )
