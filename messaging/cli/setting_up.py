"""`posthorn migrate` and `keys`: what must be there before anything is asked."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from messaging import access, onboarding, store
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import note
from messaging.discovery import running
from messaging.domain.errors import NotFoundError
from messaging.domain.message import DEVELOPMENT
from messaging.embedded import check_database
from messaging.settings import Settings, SettingsError
from messaging.store import migrate as migrations

keys = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)


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


@keys.command("create")
def create_key(
    *,
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Make an API key and show it, this once."""
    with runtime() as rt:
        made = access.mint(rt, onboarding.find_tenant(rt, tenant), name)
    sys.stdout.write(f"{made}\n")
    note("it is not shown again; 'posthorn keys revoke' ends it")


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The part between the second and third '_', or all.")],
) -> None:
    """End an API key; every process refuses it within seconds."""
    with runtime() as rt:
        if not access.revoke(rt, access.key_id_of(key) or key):
            raise NotFoundError("no active key has this id")
    note("revoked")
