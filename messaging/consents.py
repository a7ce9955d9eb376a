"""How does consent get on record, and what does the record say about somebody today?

A revocation recorded here ends the consent to its category and nothing else: it suppresses nobody, so
messages of other categories still go. Whoever wants no message at all is suppressed
(`messaging.suppression`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from messaging.domain import addresses, compliance
from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance import Verdict, places
from messaging.domain.compliance.consent import Lack, lack, lapses_at
from messaging.domain.compliance.facts import Consent
from messaging.domain.consent_csv import Line, lines
from messaging.domain.consent_request import ConsentRequest, problems
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.file_problems import FileProblems, text_of
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Message, Priority
from messaging.domain.recipients import address_of
from messaging.runtime import Runtime
from messaging.store import consents, facts, tenants
from messaging.store.consents import ConsentEvent, NewConsent
from messaging.store.facts import Person
from messaging.store.tenants import Tenant

_TICK = 1_000
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is on record about somebody, and what it means for marketing now."""

    category: Category
    consent: Consent | None
    """The latest event of `category`."""
    lapses_at: datetime | None
    """When it will stop to count by itself."""
    lacking: Lack | None
    """What consent to marketing lacks, whatever the policy says."""
    marketing: Verdict
    """What a marketing message without links to this person would be told now."""


def record(rt: Runtime, tenant: Tenant, request: ConsentRequest) -> None:
    """Append one event to the record.

    Raises:
        InvalidRequestError: not an address, a basis that does not go with the action, or a future time.
    """
    now = rt.now()
    found = _row(rt, tenant, request, now, "#")
    if isinstance(found, list):
        raise InvalidRequestError(found)
    with rt.engine.begin() as db:
        consents.add(db, [found])


def import_file(
    rt: Runtime, tenant: Tenant, content: bytes, tick: Callable[[int], None] = lambda _lines: None
) -> int:
    """Append every event of a CSV file (`messaging.domain.consent_csv`), or none; how many there were.

    The whole file is checked before anything is written. Importing it again repeats its events and
    changes no state. `tick` is told the number of lines read, every thousand and at the end.

    Raises:
        InvalidRequestError: with a pointer to line and field, the first hundred problems.
    """
    now = rt.now()
    rows: list[NewConsent] = []
    wrong = FileProblems()
    number = 0
    for n, line in enumerate(lines(text_of(content)), start=1):
        number = line.number
        found = _row_of(rt, tenant, line, now)
        if isinstance(found, NewConsent):
            rows.append(found)
        else:
            wrong.add(number, found)
        if n % _TICK == 0:
            tick(number)
    tick(number)
    wrong.refuse()
    with rt.engine.begin() as db:
        consents.add(db, rows)
    return len(rows)


def _row_of(
    rt: Runtime, tenant: Tenant, line: Line, now: datetime
) -> NewConsent | list[FieldProblem]:
    if isinstance(line.read, ConsentRequest):
        return _row(rt, tenant, line.read, now, line.prefix)
    return line.read


def _row(
    rt: Runtime, tenant: Tenant, request: ConsentRequest, now: datetime, prefix: str
) -> NewConsent | list[FieldProblem]:
    wrong = problems(request, now, prefix)
    address = address_of(request.channel, request.to, tenant.default_region)
    if isinstance(address, AddressProblem):
        return [FieldProblem(f"{prefix}/to", address.code, address.detail), *wrong]
    if wrong:
        return wrong
    return NewConsent(
        tenant_id=tenant.id,
        channel=request.channel,
        recipient_key=addresses.key(rt.settings.pepper, request.channel.value, address),
        category=request.category,
        action=request.action,
        basis=request.basis,
        source=request.source,
        text_version=request.text_version,
        evidence=request.evidence,
        at=request.said_at(now),
    )


def on_record(
    rt: Runtime, tenant: Tenant, channel: Channel, to: str, category: Category
) -> OnRecord:
    """What is on record about somebody in a category, and what marketing to them would be told now.

    Raises:
        InvalidRequestError: not an address of this channel.
    """
    now = rt.now()
    address = _address(tenant, channel, to)
    key = addresses.key(rt.settings.pepper, channel.value, address)
    with rt.engine.connect() as db:
        policy, home = tenants.policy(db, tenant.id), tenants.region(db, tenant.id)
        asked = Person(tenant.id, channel, key, Category.MARKETING, policy.content.notice_days, now)
        ((known, _first),) = facts.of_people(db, [asked])
        of_category = consents.latest(db, tenant.id, channel, [key], category).get(key)
    known.policy, known.home, known.has_links = policy, home, True
    country = places.located(channel, address).country
    term = of_category if category is Category.MARKETING else None
    return OnRecord(
        category=category,
        consent=of_category,
        lapses_at=lapses_at(term, country, now),
        lacking=lack(known.consent, country, now),
        marketing=compliance.judge(_imagined(tenant, channel, address, key, now), known, now),
    )


def _imagined(tenant: Tenant, channel: Channel, address: str, key: bytes, now: datetime) -> Message:
    """A marketing message that says nothing."""
    return Message(
        id=_NOBODY,
        tenant_id=tenant.id,
        channel=channel,
        recipient=address,
        recipient_key=key,
        body="",
        segments=1,
        category=Category.MARKETING,
        priority=Priority.NORMAL,
        status=Status.QUEUED,
        epoch=0,
        attempts=0,
        created_at=now,
    )


def history(rt: Runtime, tenant: Tenant, channel: Channel, to: str) -> list[ConsentEvent]:
    """The newest thousand events of somebody in all categories, newest first.

    Raises:
        InvalidRequestError: not an address of this channel.
    """
    key = addresses.key(rt.settings.pepper, channel.value, _address(tenant, channel, to))
    with rt.engine.connect() as db:
        return consents.history(db, tenant.id, channel, key)


def _address(tenant: Tenant, channel: Channel, to: str) -> str:
    address = address_of(channel, to, tenant.default_region)
    if isinstance(address, AddressProblem):
        raise InvalidRequestError([FieldProblem("#/to", address.code, address.detail)])
    return address
