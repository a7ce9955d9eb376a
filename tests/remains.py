"""Where in the whole database something still stands: every column of every table there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

_OWNERS = ("tenant", "account", "campaign")


def remains(
    engine: Engine, *needles: str, not_of: UUID | None = None, only_of: UUID | None = None
) -> set[str]:
    """`table.column` wherever one of these stands, in text, bytes, arrays or JSON, at any depth.

    `not_of` is a tenant whose own rows, and those of its accounts and campaigns, are not looked at;
    `only_of` is one beside whose own rows only those are looked at that name no tenant.
    """
    found = set()
    with engine.connect() as db:
        spared, meant = _whole(db, not_of), _whole(db, only_of)
        for table in sa.inspect(db).get_table_names():
            for row in db.execute(sa.text(f'SELECT * FROM "{table}"')).mappings():
                owners = {row.get(f"{owner}_id") for owner in _OWNERS} - {None}
                others = only_of is not None and owners and not owners & meant
                if not owners & spared and not others:
                    found |= {f"{table}.{column}" for column in _columns(row, needles)}
    return found


def _whole(db: Connection, tenant_id: UUID | None) -> set[UUID]:
    """A tenant, its provider accounts and campaigns, by id."""
    if tenant_id is None:
        return set()
    parts = sa.text("""
    SELECT id FROM provider_accounts WHERE tenant_id = :t
    UNION ALL SELECT id FROM campaigns WHERE tenant_id = :t
    """)
    return {tenant_id, *db.execute(parts, {"t": tenant_id}).scalars()}


def _columns(row: RowMapping, needles: tuple[str, ...]) -> Iterator[str]:
    for column, value in row.items():
        if any(needle in text for text in _texts(value) for needle in needles):
            yield str(column)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case bytes() | memoryview():
            yield bytes(value).decode(errors="replace")
        case Mapping():
            for part in value.items():
                yield from _texts(part)
        case list() | tuple():
            for part in value:
                yield from _texts(part)
        case _:
            yield str(value)
