"""A tenant with very much of everything, and how many rows a request of another one makes Postgres visit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.engine import Connection, Engine

from messaging.store import tables as t
from tests.api.tracing import Trace

_OWNERS = {
    "message_id": t.messages,
    "endpoint_id": t.endpoints,
    "campaign_id": t.campaigns,
    "sender_id": t.senders,
}
"""What says whose a row is, where no tenant stands in it."""
FEW = {t.policy_events, t.dnc_scrubs}
"""What nobody has thousands of: a row is a policy, or a country's registry."""
_LOOKS = ("SELECT", "WITH", "UPDATE", "DELETE")
"""Statements that look for something; one that also inserts could not be carried out again."""


def multiply(engine: Engine, tenant_id: UUID, times: int) -> dict[str, int]:
    """Repeat a row of each table in which a tenant has one; how many rows were added to each.

    What must be unique differs; most of it is of other people, and all else is the same.
    """
    added = {}
    with engine.begin() as db:
        db.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no foreign keys
        for table in t.metadata.tables.values():
            mine = _of(table)
            if mine is None or table in FEW:
                continue
            names = [column.name for column in table.c if not column.identity]
            differs = _differing(table)
            values = (_value(table.c[name], differs) for name in names)
            copy = f"""
                INSERT INTO {table.name} ({", ".join(f'"{name}"' for name in names)})
                SELECT {", ".join(values)}
                FROM (SELECT * FROM {table.name} WHERE {mine} LIMIT 1) AS one,
                     generate_series(1, :times) AS nth
            """
            added[table.name] = db.execute(
                sa.text(copy), {"tenant": tenant_id, "times": times}
            ).rowcount
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.exec_driver_sql("VACUUM ANALYZE")
    return {name: n for name, n in added.items() if n}


def _of(table: sa.Table) -> str | None:
    if "tenant_id" in table.c:
        return "tenant_id = :tenant"
    owners = (
        f"{name} IN (SELECT id FROM {owner.name} WHERE tenant_id = :tenant)"
        for name, owner in _OWNERS.items()
        if name in table.c
    )
    return next(owners, None)


def _differing(table: sa.Table) -> set[str]:
    """A column of each set that must be unique."""
    unique = [set(table.primary_key.columns.keys())]
    unique += [
        set(c.columns.keys()) for c in table.constraints if isinstance(c, sa.UniqueConstraint)
    ]
    unique += [set(i.columns.keys()) for i in table.indexes if i.unique]
    found: set[str] = set()
    for names in unique:
        columns = [
            table.c[name] for name in names if name != "tenant_id" and not table.c[name].identity
        ]
        ranked = sorted(columns, key=_rank)
        if ranked and not found & names:
            found.add(ranked[0].name)
    return found


def _rank(column: sa.Column[Any]) -> tuple[int, str]:
    kinds = [sa.UUID, BYTEA, sa.Text, sa.Integer]
    return next(
        (n for n, kind in enumerate(kinds) if isinstance(column.type, kind)), 9
    ), column.name


def _value(column: sa.Column[Any], differs: set[str]) -> str:
    same = f'one."{column.name}"'
    if column.name in differs:
        return _other(column)
    if column.name == "recipient_key":  # one in a hundred is of the same person
        return f"CASE WHEN nth % 100 = 0 THEN {same} ELSE {_other(column)} END"
    return same


def _other(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.UUID):
        return "gen_random_uuid()"
    if isinstance(column.type, BYTEA):
        return "decode(md5(nth::text), 'hex')"
    return "nth + 1000" if isinstance(column.type, sa.Integer) else "'crowd ' || nth"


def visits(engine: Engine, trace: Trace) -> dict[str, tuple[int, int]]:
    """By statement, how many rows its scans came by and how many pages it read; nothing is kept."""
    found: dict[str, tuple[int, int]] = {}
    with engine.connect() as db:
        for statement, values in zip(trace.statements, trace.values, strict=True):
            if statement.lstrip().upper().startswith(_LOOKS) and "INSERT INTO" not in statement:
                rows, pages = _visited(db, statement, values)
                before = found.get(statement, (0, 0))
                found[statement] = before[0] + rows, before[1] + pages
    return found


def _visited(db: Connection, statement: str, values: Any) -> tuple[int, int]:
    asked = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}"
    (top,) = db.exec_driver_sql(asked, values).scalar_one()
    db.rollback()
    root = (json.loads(top) if isinstance(top, str) else top)["Plan"]
    rows = sum(_rows(node) for node in _walk(root))
    return rows, root["Shared Hit Blocks"] + root["Shared Read Blocks"]


def _rows(node: dict[str, Any]) -> int:
    if "Scan" not in node["Node Type"]:
        return 0
    kept = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return int(sum(node.get(name, 0) for name in kept) * node["Actual Loops"])


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from _walk(below)
