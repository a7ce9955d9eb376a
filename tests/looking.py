"""What a test sees of the database."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Engine, RowMapping


class Looking:
    """Looks at messages and whatever belongs to them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def row(self, message_id: UUID) -> RowMapping:
        (found,) = self.rows("SELECT * FROM messages WHERE id = :id", id=message_id)
        return found

    def status(self, message_id: UUID) -> str:
        return str(self.row(message_id)["status"])

    def events(self, message_id: UUID) -> list[str]:
        found = self.rows(
            "SELECT event FROM message_events WHERE message_id = :id ORDER BY id", id=message_id
        )
        return [row["event"] for row in found]

    def attempts(self, message_id: UUID) -> list[RowMapping]:
        return self.rows(
            "SELECT * FROM attempts WHERE message_id = :id ORDER BY epoch", id=message_id
        )

    def open_attempts(self) -> list[RowMapping]:
        return self.rows("SELECT * FROM open_attempts ORDER BY message_id")

    def ready(self) -> list[RowMapping]:
        return self.rows("SELECT * FROM ready ORDER BY due_at, message_id")

    def rows(self, query: str, **values: object) -> list[RowMapping]:
        with self._engine.connect() as db:
            return list(db.execute(sa.text(query), values).mappings())

    def run(self, statement: str, **values: object) -> int:
        with self._engine.begin() as db:
            return db.execute(sa.text(statement), values).rowcount
