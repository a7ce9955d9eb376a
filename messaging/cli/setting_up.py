"""`posthorn migrate`, `keys`, `accounts` and `senders`: what must be there before a message can go."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from messaging import access, onboarding, store
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show, show_rows
from messaging.discovery import running
from messaging.domain.errors import NotFoundError
from messaging.domain.message import DEVELOPMENT
from messaging.domain.registration import ReplyOwner
from messaging.embedded import check_database
from messaging.onboarding import NewAccount, NewSender
from messaging.settings import Settings, SettingsError
from messaging.store import migrate as migrations

keys = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)
accounts = typer.Typer(help="Accounts at providers.", no_args_is_help=True, rich_markup_mode=None)
senders = typer.Typer(help="Numbers to send from.", no_args_is_help=True, rich_markup_mode=None)


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
        float,
        typer.Option(min=1, help="Seconds until the provider's listing surely has a message."),
    ] = 600,
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
        absence_proof=timedelta(seconds=absence_proof),
    )
    with runtime() as rt:
        made = onboarding.add_account(rt, onboarding.make_tenant(rt, tenant), new)
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


@senders.command("add")
def add_senders(
    numbers: Annotated[list[str], typer.Argument(help="In E.164, as +12025550100.")],
    *,
    account: Annotated[str, typer.Option(help="The account they belong to, by name.")],
    pool: Annotated[str | None, typer.Option(help="A pool to add them to; made if new.")] = None,
    mps: Annotated[float, typer.Option(help="Message segments a second each may send.")] = 1.0,
    default: Annotated[bool, typer.Option("--default", help="For what nobody else fits.")] = False,
    campaign: Annotated[
        str | None, typer.Option(help="The 10DLC campaign they are registered with, by name.")
    ] = None,
    reply_owner: Annotated[
        ReplyOwner | None,
        typer.Option(help="Who answers STOP and HELP; only one party may. Default: as is usual."),
    ] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Add numbers to send from."""
    new = [NewSender(number, mps, default) for number in numbers]
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        made = onboarding.add_senders(
            rt, owner, account, new, pool=pool, campaign=campaign, reply_owner=reply_owner
        )
    note(f"added {len(made)}")


@senders.command("list")
def list_senders(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show what a tenant may send from."""
    with runtime() as rt:
        known = onboarding.list_senders(rt, onboarding.find_tenant(rt, tenant))
    pools = {pool: name for name, pool in known.pools.items()}
    rows = [
        {
            "id": str(s.id),
            "address": s.address,
            "account": known.accounts[s.account_id].name,
            "mps": s.mps,
            "healthy": s.healthy,
            "default": s.is_default,
            "pools": sorted(pools[p] for p in s.pool_ids if p in pools),
            "kind": s.kind,
            "campaign": s.campaign.name if s.campaign else None,
            "verification": s.verification,
            "standing": s.standing,
            "reply_owner": s.reply_owner,
        }
        for s in known.senders
    ]
    shown = ["id", "address", "account", "mps", "healthy", "default", "pools", "standing"]
    show_rows(rows, shown, output)
