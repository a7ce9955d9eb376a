"""Is the schema where the code needs it, and how does it get there?"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number, as long as every Posthorn agrees on it.
_MIGRATION_LOCK = 0x706F7374


def _config(db: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    if db is not None:
        config.attributes["connection"] = db
    return config


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest version; several callers at once wait for each other."""
    with engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
        db.execute(sa.text("SELECT pg_advisory_xact_lock(:id)"), {"id": _MIGRATION_LOCK})
        command.upgrade(_config(db), "head")


def head() -> str:
    """The version the code needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def version(db: Connection) -> str:
    """The version the database has; empty when nothing was migrated yet."""
    return MigrationContext.configure(db).get_current_revision() or ""
