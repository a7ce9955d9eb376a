"""A process that dies at a chosen statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Engine


class KilledError(Exception):
    """The process died here."""


@contextmanager
def killed_at(engine: Engine, step: int) -> Iterator[list[int]]:
    """Let the process die after its n-th statement, or before its n-th commit; gives the count."""
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1
        if seen[0] == step:
            raise KilledError

    hooks = [("after_cursor_execute", count), ("commit", count)]
    for name, hook in hooks:
        sa.event.listen(engine, name, hook)
    try:
        yield seen
    finally:
        for name, hook in hooks:
            sa.event.remove(engine, name, hook)
