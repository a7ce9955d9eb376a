"""How does a whole fleet come in? From a file, all of it or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from messaging import fleet
from messaging.domain.errors import FieldProblem, InvalidRequestError
from messaging.domain.file_problems import FileProblems, text_of
from messaging.domain.sender_csv import lines
from messaging.domain.sender_request import SenderRequest
from messaging.runtime import Runtime
from messaging.store.tenants import Tenant

_TICK = 1_000


def import_file(
    rt: Runtime, tenant: Tenant, content: bytes, tick: Callable[[int], None] = lambda _lines: None
) -> int:
    """Add every sender of a CSV file (`messaging.domain.sender_csv`), or none; how many there were.

    `tick` is told the number of lines read, every thousand and at the end.

    Raises:
        InvalidRequestError: with a pointer to line and field, the first hundred problems.
        ConflictError: somebody else added one of them in this moment.
    """
    good: list[SenderRequest] = []
    at: list[str] = []
    wrong: list[FieldProblem] = []
    number = 0
    for n, line in enumerate(lines(text_of(content)), start=1):
        number = line.number
        if isinstance(line.read, SenderRequest):
            good.append(line.read)
            at.append(line.prefix)
        else:
            wrong += line.read
        if n % _TICK == 0:
            tick(number)
    tick(number)
    try:
        return len(fleet.add(rt, tenant, good, at, wrong))
    except InvalidRequestError as error:
        _refuse(error.problems)
        raise


def _refuse(problems: Iterable[FieldProblem]) -> None:
    """Tell them line by line.

    Raises:
        InvalidRequestError: always, for there are some.
    """
    by_line: defaultdict[int, list[FieldProblem]] = defaultdict(list)
    for problem in problems:
        by_line[int(problem.pointer.split("/")[1])].append(problem)
    told = FileProblems()
    for line in sorted(by_line):
        told.add(line, by_line[line])
    told.refuse()
