"""How Postgres carries a statement out: the indexes it uses and the pages it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

LARGE = {
    "messages",
    "message_events",
    "ready",
    "scheduled",
    "open_attempts",
    "attempts",
    "conversations",
    "suppressions",
    "suppression_events",
    "raw_receipts",
    "idempotency_keys",
}
"""Tables that are never read from one end to the other."""


@dataclass(frozen=True)
class Plan:
    """What one statement did."""

    nodes: list[dict[str, Any]]
    pages: int

    @property
    def indexes(self) -> set[str]:
        return {n["Index Name"] for n in self.nodes if "Index Name" in n}

    @property
    def scanned(self) -> set[str]:
        return {n["Relation Name"] for n in self.nodes if n["Node Type"] == "Seq Scan"}

    @property
    def kinds(self) -> set[tuple[str, str]]:
        return {(n["Node Type"], n["Relation Name"]) for n in self.nodes if "Relation Name" in n}


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from walk(below)


def explain(engine: Engine, use: Callable[[Connection], object]) -> list[Plan]:
    """Run `use`, then explain each statement it made, with the same values; nothing is kept."""
    made: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        made.append((arguments[2], arguments[3]))

    with engine.connect() as db:
        event.listen(engine, "before_cursor_execute", note)
        try:
            use(db)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        db.rollback()
        plans = []
        for statement, values in made:
            asked = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}"
            (top,) = db.exec_driver_sql(asked, values).scalar_one()
            root = json.loads(top)["Plan"] if isinstance(top, str) else top["Plan"]
            pages = root["Shared Hit Blocks"] + root["Shared Read Blocks"]
            plans.append(Plan(list(walk(root)), pages))
            db.rollback()
    return plans
