"""How do lists of people who must not be written to come in, and how do they go out?

A file is checked whole before anything of it is written, so one bad line keeps all of it out. What is
good is written some hundred people at a time, each lot with the cancels it causes in a transaction of
its own: the locks of a hundred thousand people are more than a server has room for, and nobody's sends
wait for a whole file. Should a server fall in the middle, the same file is sent again; what was there
already changes nothing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from messaging import suppression
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.file_problems import FileProblems, text_of
from messaging.domain.suppression_csv import EXPORTED, Line, lines
from messaging.domain.suppression_request import StopLine, kind_of, problems
from messaging.runtime import Runtime
from messaging.store.suppression_reads import Held, Place
from messaging.store.suppressions import NewSuppression
from messaging.store.tenants import Tenant

_LOT = 250
_TICK = 1_000
_PAGE = 1_000
_EVIDENCE = "imported"
"""Where a row has none of its own: what is imported twice is then known to be the same."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file came to."""

    rows: int
    new: int
    """Rows that suppress somebody in a way they were not."""
    canceled: int
    """Messages that will not leave because of it."""


def import_file(
    rt: Runtime, tenant: Tenant, content: bytes, tick: Callable[[int], None] = lambda _lines: None
) -> Imported:
    """Suppress everybody in a CSV file (`messaging.domain.suppression_csv`), or nobody.

    `tick` is told the number of lines read, and from one again the number of rows written.

    Raises:
        InvalidRequestError: with a pointer to line and field, the first hundred problems.
    """
    statements = _checked(rt, tenant, content, tick)
    new = canceled = 0
    for first in range(0, len(statements), _LOT):
        lot = statements[first : first + _LOT]
        with rt.engine.begin() as db:
            # A person may be in a lot twice; a statement need not.
            done = suppression.suppress(db, list(dict.fromkeys(r for rows in lot for r in rows)))
        new += done.new
        canceled += done.canceled
        tick(first + len(lot))
    return Imported(len(statements), new, canceled)


def _checked(
    rt: Runtime, tenant: Tenant, content: bytes, tick: Callable[[int], None]
) -> list[list[NewSuppression]]:
    now = rt.now()
    good: list[list[NewSuppression]] = []
    wrong = FileProblems()
    number = 0
    for n, line in enumerate(lines(text_of(content)), start=1):
        number = line.number
        try:
            good.append(_rows(rt, tenant, line, now))
        except InvalidRequestError as error:
            wrong.add(number, error.problems)
        if n % _TICK == 0:
            tick(number)
    tick(number)
    wrong.refuse()
    return good


def _rows(rt: Runtime, tenant: Tenant, line: Line, now: datetime) -> list[NewSuppression]:
    if not isinstance(line.read, StopLine):
        raise InvalidRequestError(line.read)
    said = line.read
    wrong: list[FieldProblem] = problems(said, now, line.prefix)
    if wrong:
        raise InvalidRequestError(wrong)
    if said.key is not None:
        keys = {said.channel: bytes.fromhex(said.key)}
    else:
        pointer = f"{line.prefix}/to"
        keys = suppression.person(rt, tenant, said.channel, said.to or "", pointer).keys
    return [
        NewSuppression(
            tenant.id,
            channel,
            key,
            said.source.value,
            said.evidence or _EVIDENCE,
            said.kind or kind_of(said.source),
            said.scope.value,
            said.at,
        )
        for channel, key in keys.items()
    ]


def export(rt: Runtime, tenant: Tenant) -> Iterator[str]:
    """Whatever holds for a tenant, as the parts of a CSV file; read page by page, never at once."""
    yield _csv([EXPORTED])
    after: Place | None = None
    while True:
        found = suppression.page(rt, tenant, after, _PAGE)
        if found:
            yield _csv([_cells(held) for held in found])
        if len(found) < _PAGE:
            return
        after = found[-1].place


def _cells(held: Held) -> tuple[str, ...]:
    since = held.since.astimezone(UTC).isoformat()
    key = held.recipient_key.hex()
    return (key, held.channel.value, held.kind, held.scope, held.source, since)


def _csv(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
