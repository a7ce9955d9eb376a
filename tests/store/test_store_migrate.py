"""Migrations lead to the very schema the code describes, once, and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection, Engine

from messaging import store
from messaging.embedded import Servers
from messaging.store import migrate, tables
from tests.conftest import NewDatabase
from tests.world import at_once


@pytest.fixture
def engine(
    new_database: NewDatabase, servers: Servers, request: pytest.FixtureRequest
) -> Iterator[Engine]:
    del servers
    made = store.connect(new_database(request.node.name), name="test")
    yield made
    made.dispose()


def details(db: Connection) -> dict[str, list[str]]:
    """What autogenerate does not compare: storage options, index definitions, defaults, enums."""
    queries = {
        "options": "SELECT relname || ': ' || reloptions::text FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND tablename <> 'alembic_version'",
        "defaults": "SELECT table_name || '.' || column_name || ': ' || coalesce(column_default, '')"
        " || is_nullable || is_identity || udt_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
        "enums": "SELECT t.typname || ': ' || string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)"
        " FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname",
        "constraints": "SELECT conname || ': ' || pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%'",
    }
    return {name: sorted(db.execute(sa.text(q)).scalars()) for name, q in queries.items()}


def test_the_migrated_schema_is_the_described_one(
    engine: Engine, new_database: NewDatabase
) -> None:
    migrate.upgrade(engine)
    with engine.connect() as db:
        context = MigrationContext.configure(
            db, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []
        migrated = details(db)
        assert migrate.version(db) == migrate.head() != ""
    described = store.connect(new_database("described"), name="test")
    tables.metadata.create_all(described)
    with described.connect() as db:
        assert details(db) == migrated
    described.dispose()


def test_several_upgrades_at_once_make_one_schema(engine: Engine) -> None:
    with engine.connect() as db:
        assert migrate.version(db) == ""
    at_once(*[lambda: migrate.upgrade(engine)] * 4)
    migrate.upgrade(engine)
    with engine.connect() as db:
        assert migrate.version(db) == migrate.head()
        assert db.execute(sa.text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_what_was_migrated_can_be_taken_back_and_made_again(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as db:
        command.downgrade(migrate._config(db), "base")
    with engine.connect() as db:
        assert sa.inspect(db).get_table_names() == ["alembic_version"]
        assert db.execute(sa.text("SELECT count(*) FROM pg_enum")).scalar_one() == 0
    migrate.upgrade(engine)
    with engine.connect() as db:
        assert set(sa.inspect(db).get_table_names()) >= set(tables.metadata.tables)
