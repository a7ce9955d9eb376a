"""What is known of a number beyond its digits, and how does a tenant tell what it knows itself?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from messaging import suppression
from messaging.domain import addresses
from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance.facts import Line, LineType
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.file_problems import FileProblems, text_of
from messaging.domain.line_csv import lines
from messaging.domain.message import Channel
from messaging.domain.number_types import NumberType, type_of, writable
from messaging.runtime import Runtime
from messaging.store import number_facts
from messaging.store.number_facts import Learned
from messaging.store.tenants import Tenant

_TICK = 1_000
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """One number."""

    type: NumberType
    """By its country's numbering plan."""
    refused: str | None
    """The type for which no message may go there; None if messages may."""
    region: str | None
    line: Line | None
    """What somebody who knows said of it; None if nobody did."""


def show(rt: Runtime, tenant: Tenant, to: str) -> Known:
    """What is known of a number.

    Raises:
        InvalidRequestError: it is not a phone number.
    """
    address = addresses.normalise(to, tenant.default_region)
    if isinstance(address, AddressProblem):
        raise InvalidRequestError([FieldProblem("#/to", address.code, address.detail)])
    key = addresses.key(rt.settings.pepper, Channel.SMS.value, address)
    with rt.engine.connect() as db:
        line = number_facts.among(db, tenant.id, [key]).get(key)
    return Known(type_of(address), writable(address), addresses.region_of(address), line)


def import_lines(
    rt: Runtime, tenant: Tenant, content: bytes, tick: Callable[[int], None] = lambda _lines: None
) -> int:
    """Keep every line type of a CSV file (`messaging.domain.line_csv`), or none; how many there were.

    The whole file is checked before anything is written; of a number that stands there twice the
    last line counts. `tick` is told the number of lines read, every thousand and at the end.

    Raises:
        InvalidRequestError: with a pointer to line and field, the first hundred problems.
    """
    found: dict[str, LineType] = {}
    wrong = FileProblems()
    number = 0
    for n, line in enumerate(lines(text_of(content)), start=1):
        number = line.number
        if isinstance(line.line_type, FieldProblem):
            wrong.add(number, [line.line_type])
        else:
            address = addresses.normalise(line.to, tenant.default_region)
            if isinstance(address, AddressProblem):
                wrong.add(number, [FieldProblem(f"#/{number}/to", address.code, address.detail)])
            else:
                found[address] = line.line_type
        if n % _TICK == 0:
            tick(number)
    tick(number)
    wrong.refuse()
    _learn(rt, tenant, found)
    return len(found)


def _learn(rt: Runtime, tenant: Tenant, found: dict[str, LineType]) -> None:
    # In the order of the keys, over all batches: two imports at once wait for each other in a line.
    rows = [
        Learned(tenant.id, key, kind, "import")
        for address, kind in found.items()
        for key in suppression.keys(rt.settings.pepper, Channel.SMS, address).values()
    ]
    rows.sort(key=lambda row: row.recipient_key)
    with rt.engine.begin() as db:
        for start in range(0, len(rows), _BATCH):
            number_facts.learn(db, rows[start : start + _BATCH])
