"""Real servers for every test that asks for them, started once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from messaging import embedded, store
from messaging.embedded import Servers
from messaging.store import migrate

NewDatabase = Callable[[str], str]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A Postgres and a Redis of this test session's own.

    Not below pytest's own temporary folder: each further pytest of the same user closes that folder
    to others, and when root runs the tests, Postgres is such another.
    """
    with (
        tempfile.TemporaryDirectory(prefix="posthorn-tests-") as directory,
        embedded.servers(Path(directory), database_url=None, redis_url=None) as found,
    ):
        yield found


@pytest.fixture(scope="session")
def new_database(servers: Servers) -> NewDatabase:
    """Makes an empty database by name; returns its URL."""
    admin = sa.create_engine(
        store.driver_url(servers.database_url), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )

    def make(name: str) -> str:
        with admin.connect() as db:
            db.execute(sa.text(f'CREATE DATABASE "{name}"'))
        url = sa.make_url(servers.database_url).set(database=name)
        return url.render_as_string(hide_password=False)

    return make


@pytest.fixture(scope="session")
def database_url(new_database: NewDatabase) -> str:
    """A migrated database, shared by tests that empty it before they use it."""
    url = new_database("shared")
    engine = store.connect(url, name="migrate")
    migrate.upgrade(engine)
    engine.dispose()
    return url
