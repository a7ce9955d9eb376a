"""Many messages of one kind: what they share is written out once, and the rest in one COPY."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, repeat

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.message import LANE_OF, Parts
from messaging.store.messages import COLUMNS, NewRow, row_of


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Each:
    """What one of them has of its own; its fields are columns of `messages`."""

    id: str
    recipient_key: bytes
    recipient: str
    body: str
    segments: int
    encoding: str | None
    lead: str | None
    source: str | None
    agent: str | None
    time_zone: str | None
    postal_code: str | None
    parts: Parts | None


_OWN = tuple(Each.__dataclass_fields__)
_SHARED = tuple(column for column in COLUMNS if column not in _OWN)
_BLOCK = 250
"""Messages that are written at once."""
_COPY = f"COPY messages ({', '.join(_OWN + _SHARED)}) FROM STDIN"


def insert(db: Connection, like: NewRow, each: Iterable[Each]) -> int:
    """Store queued messages that are like this one but for what each has of its own; how many.

    Each gets its first event and its work row, too. The next ones are asked for while the server keeps
    the last.
    """
    shared = dict(zip(COLUMNS, row_of(like), strict=True))
    tail = "".join(f"\t{_written(shared[column])}" for column in _SHARED) + "\n"
    ids: list[str] = []
    with db.connection.cursor().copy(_COPY) as copy:
        for block in _blocks(each):
            copy.write("".join(map(_line, block, repeat(tail))))
            ids += [one.id for one in block]
    if ids:
        queue = LANE_OF[like.message.priority].value
        values = {"ids": f"{{{','.join(ids)}}}", "queue": queue, "tenant": like.tenant_id}
        db.execute(_WORK, values)
    return len(ids)


def _blocks(each: Iterable[Each]) -> Iterator[list[Each]]:
    rest = iter(each)
    while block := list(islice(rest, _BLOCK)):
        yield block


# What `messages.insert` gives each, without reading the messages again.
_WORK = sa.text("""
WITH v AS (SELECT unnest(CAST(:ids AS uuid[])) AS id), told AS (
  INSERT INTO message_events (message_id, event, status) SELECT id, 'submitted', 'queued' FROM v
)
INSERT INTO ready (queue, message_id, epoch, tenant_id)
SELECT CAST(:queue AS ready_queue), id, 0, :tenant FROM v
""")


def _line(one: Each, tail: str) -> str:
    """The columns `_OWN`, as COPY reads them, and what comes behind."""
    parts = _NULL if one.parts is None else _escaped(orjson.dumps(one.parts).decode())
    return (
        f"{one.id}\t\\\\x{one.recipient_key.hex()}\t{_escaped(one.recipient)}\t{_escaped(one.body)}"
        f"\t{one.segments}\t{_text(one.encoding)}\t{_text(one.lead)}\t{_text(one.source)}"
        f"\t{_text(one.agent)}\t{_text(one.time_zone)}\t{_text(one.postal_code)}\t{parts}{tail}"
    )


_NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SPECIAL = re.compile(r"[\\\t\n\r]").search


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL(text) else text


def _text(value: str | None) -> str:
    return _NULL if value is None else _escaped(value)


def _written(value: object) -> str:
    match value:
        case None:
            return _NULL
        case bool():
            return "t" if value else "f"
        case datetime():
            return value.isoformat()
        case _:
            return _escaped(str(value))
