"""How do contacts come in and go out as files? All of a file or nothing, or only its good lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from uuid import UUID

import orjson

from messaging import contacts
from messaging.domain import contact
from messaging.domain.audience import Audience
from messaging.domain.contact import Change, ContactRequest
from messaging.domain.contact_csv import ATTRIBUTES, COLUMNS, Line, cells, lines
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.file_problems import MOST, FileProblems, text_of
from messaging.domain.message import Channel
from messaging.runtime import Runtime
from messaging.store import audience as audience_store
from messaging.store import contacts as store
from messaging.store.tenants import Tenant

_TICK = 1_000
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file came to."""

    rows: int
    new: int
    changed: int
    skipped: int
    """Rows that were wrong and left out."""
    errors: list[FieldProblem]
    """The first hundred things that were wrong with those."""


def import_file(
    rt: Runtime,
    tenant: Tenant,
    content: bytes,
    tick: Callable[[int], None] = lambda _lines: None,
    *,
    skip_invalid: bool = False,
) -> Imported:
    """Keep every contact of a CSV file (`messaging.domain.contact_csv`), or none.

    With `skip_invalid` those whose rows are good. Everything is written in one transaction. `tick` is
    told the number of lines read, and from then on again the number of rows written.

    Raises:
        InvalidRequestError: with a pointer to line and field, the first hundred problems.
    """
    checked = _checked(tenant, content, tick)
    if checked.wrong and not skip_invalid:
        _refuse(checked.wrong)
    checked.good.sort(key=itemgetter(0))
    new = written = 0
    with rt.engine.begin() as db:
        for one in contacts.write(rt, db, tenant, map(_unpacked, checked.good)):
            new, written = new + one.new, written + 1
            if written % _TICK == 0:
                tick(written)
    tick(written)
    skipped = len(checked.wrong)
    return Imported(written + skipped, new, written - new, skipped, _told(checked.wrong))


_Packed = tuple[str, str]
"""A ref ("" for none) and a change, which as JSON takes a fifth of its memory."""


def _packed(ref: str | None, change: Change) -> _Packed:
    at = {channel.value: known for channel, known in change.addresses.items()}
    # Decoded, for the bytes that orjson makes keep the whole buffer they were written in.
    return ref or "", orjson.dumps((change.fields, at)).decode()


def _unpacked(packed: _Packed) -> tuple[str | None, Change]:
    ref, (fields, addresses) = packed[0], orjson.loads(packed[1])
    if "tags" in fields:
        fields["tags"] = tuple(fields["tags"])
    known = {Channel(channel): tuple(found) for channel, found in addresses.items()}
    return ref or None, Change(fields, known, whole=True)


@dataclass(slots=True)
class _Checked:
    good: list[_Packed] = field(default_factory=list)
    wrong: list[tuple[int, list[FieldProblem]]] = field(default_factory=list)
    """By the line of each row."""


def _checked(tenant: Tenant, content: bytes, tick: Callable[[int], None]) -> _Checked:
    found = _Checked()
    seen: dict[str, int] = {}
    number = 0
    for n, line in enumerate(lines(text_of(content)), start=1):
        number = line.number
        what = _read(line, tenant, seen)
        if isinstance(what, list):
            found.wrong.append((number, what))
        else:
            found.good.append(_packed(*what))
        if n % _TICK == 0:
            tick(number)
    tick(number)
    return found


def _read(
    line: Line, tenant: Tenant, seen: dict[str, int]
) -> tuple[str | None, Change] | list[FieldProblem]:
    if not isinstance(line.read, ContactRequest):
        return line.read
    ref = line.read.ref
    change = contact.read(line.read, tenant.default_region, line.prefix)
    if ref is not None and seen.setdefault(ref, line.number) != line.number:
        detail = f"is that of line {seen[ref]}, too; leave one of them out"
        return [FieldProblem(f"{line.prefix}/ref", "repeated", detail)]
    return change if isinstance(change, list) else (ref, change)


def _refuse(wrong: list[tuple[int, list[FieldProblem]]]) -> None:
    told = FileProblems()
    for number, problems in wrong:
        told.add(number, problems)
    told.refuse()


def _told(wrong: list[tuple[int, list[FieldProblem]]]) -> list[FieldProblem]:
    try:
        _refuse(wrong[:MOST])
    except InvalidRequestError as error:
        return [problem for problem in error.problems if problem.pointer != "#"][:MOST]
    return []


def export(rt: Runtime, tenant: Tenant) -> Iterator[str]:
    """All contacts of a tenant, as the parts of a CSV file; read page by page, newest first."""
    with rt.engine.connect() as db:
        names = store.attribute_names(db, tenant.id)
    yield _csv([[*COLUMNS, *(ATTRIBUTES + name for name in names)]])
    where = audience_store.where(tenant.id, Audience())
    before: UUID | None = None
    while True:
        with rt.engine.connect() as db:
            found = store.page(db, where, before, _PAGE)
        if found:
            yield _csv([cells(one, names) for one in found])
        if len(found) < _PAGE:
            return
        before = found[-1].id


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
