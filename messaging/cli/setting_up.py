"""`posthorn migrate`, `keys` and `accounts`: what must be there before senders can be added."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from messaging import access, onboarding, store
from messaging import accounts as provider_accounts
from messaging.accounts import NewAccount
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show
from messaging.discovery import running
from messaging.domain.errors import NotFoundError
from messaging.domain.message import DEVELOPMENT
from messaging.embedded import check_database
from messaging.settings import Settings, SettingsError
from messaging.store import migrate as migrations

keys = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)
accounts = typer.Typer(help="Accounts at providers.", no_args_is_help=True, rich_markup_mode=None)


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


@accounts.command("add")
def add_account(
    *,
    name: Annotated[str, typer.Option(help="What you call it.")],
    username: Annotated[str, typer.Option(help="The account's SID or user name.")],
    secret_file: Annotated[
        Path | None,
        typer.Option(help="Holds the secret; - reads it from standard input."),
    ] = None,
    provider: Annotated[str, typer.Option()] = "twilio",
    base_url: Annotated[str, typer.Option(help="Instead of the provider's own address.")] = "",
    max_in_flight: Annotated[int, typer.Option(min=1, help="Requests open at once.")] = 100,
    absence_proof: Annotated[
        float | None,
        typer.Option(
            min=1, help="Seconds until its listing surely has a message, if not the usual."
        ),
    ] = None,
    segments_per_second: Annotated[
        float | None, typer.Option(min=0.001, help="What it may send as a whole, if it is limited.")
    ] = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Add an account at a provider; the secret is asked for, and sealed before it is kept."""
    new = NewAccount(
        provider=provider,
        name=name,
        username=username,
        secret=_secret(secret_file),
        base_url=base_url,
        max_in_flight=max_in_flight,
        absence_proof=None if absence_proof is None else timedelta(seconds=absence_proof),
        segments_per_second=segments_per_second,
    )
    with runtime() as rt:
        made = provider_accounts.add(rt, onboarding.make_tenant(rt, tenant), new)
        webhooks = f"{rt.settings.public_url.rstrip('/')}/webhooks/{made.provider}/{made.id}"
    show({"id": made.id, "name": made.name, "tenant": tenant, "webhooks": webhooks}, output)


def _secret(file: Path | None) -> str:
    if file is None:
        return str(typer.prompt("secret", hide_input=True, err=True))
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
    except OSError as problem:
        raise typer.BadParameter(f"{file} cannot be read: {problem.strerror}") from None
    if not text.strip():
        raise typer.BadParameter("the secret is empty")
    return text.strip()


@accounts.command("change")
def change_account(
    name: Annotated[str, typer.Argument(help="An account of yours.")],
    *,
    segments_per_second: Annotated[
        float, typer.Option(min=0, help="What it may send as a whole; 0 lifts the limit.")
    ],
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Change what an account as a whole may send."""
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        provider_accounts.limit(rt, owner, name, segments_per_second or None)
    note("changed")
