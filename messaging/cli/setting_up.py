"""`posthorn migrate`: what must be there before anything is asked."""

from __future__ import annotations

from messaging import store
from messaging.cli.output import note
from messaging.discovery import running
from messaging.embedded import check_database
from messaging.settings import Settings, SettingsError
from messaging.store import migrate as migrations


def migrate() -> None:
    """Bring the database's schema to the version this program needs."""
    settings = Settings.read()
    found = running(settings.home)
    url = settings.database_url or (found.database_url if found else "")
    if not url:
        raise SettingsError("set POSTHORN_DATABASE_URL to the database to migrate")
    check_database(url)
    engine = store.connect(url, name="migrate")
    with engine.connect() as db:
        before = migrations.version(db)
    migrations.upgrade(engine)
    engine.dispose()
    note(f"the schema is at {migrations.head()} (it was at {before or 'nothing'})")
