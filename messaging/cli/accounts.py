"""`posthorn accounts`: accounts at providers, added, shown, and changed while everything runs.

What is secret is read from files or asked for, never from the command line, and never shown.
"""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from messaging import account_views, onboarding
from messaging import accounts as provider_accounts
from messaging.account_views import AccountView
from messaging.accounts import AccountPatch, NewAccount
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.output import Form, Output, note, show, show_rows
from messaging.domain.message import DEVELOPMENT

accounts = typer.Typer(help="Accounts at providers.", no_args_is_help=True, rich_markup_mode=None)

_COLUMNS = ["name", "provider", "base_url", "options", "rotated_at", "old_until"]
_LASTS = re.compile(r"(\d{1,6})([smhd]?)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "": "seconds"}

Name = Annotated[str, typer.Argument(help="An account of yours.")]
Username = Annotated[
    str | None, typer.Option(help="The account's SID or user name, where its provider needs one.")
]
SecretFile = Annotated[
    Path | None, typer.Option(help="Holds the secret; - reads it from standard input.")
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", help="What else its provider needs, as name=value; repeat it."),
]
OptionFiles = Annotated[
    list[str] | None,
    typer.Option("--option-file", help="The same from a file, as name=path; repeat it."),
]
BaseUrl = Annotated[
    str | None, typer.Option(help="Instead of the provider's own address; '' for that.")
]
InFlight = Annotated[int | None, typer.Option(min=1, help="Requests open at once.")]
Proof = Annotated[
    float | None,
    typer.Option(
        min=0, help="Seconds until its listing surely has a message; 0 is the provider's usual."
    ),
]
Rate = Annotated[
    float | None,
    typer.Option("--segments-per-second", min=0, help="What it may send as a whole; 0: no limit."),
]


@accounts.command("add")
def add_account(
    *,
    name: Annotated[str, typer.Option(help="What you call it.")],
    provider: Annotated[str, typer.Option()] = "twilio",
    username: Username = None,
    secret_file: SecretFile = None,
    no_secret: Annotated[bool, typer.Option("--no-secret", help="It needs none.")] = False,
    option: Options = None,
    option_file: OptionFiles = None,
    webhook_secret_file: Annotated[
        list[Path] | None,
        typer.Option(
            help="Holds what webhooks are signed with, where that is not the secret; repeat it."
        ),
    ] = None,
    base_url: BaseUrl = None,
    max_in_flight: InFlight = 100,
    absence_proof: Proof = None,
    segments_per_second: Rate = None,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Add an account at a provider; the secret is asked for, and sealed before it is kept."""
    new = NewAccount(
        provider=provider,
        name=name,
        username=username or "",
        secret="" if no_secret else _secret(secret_file),
        base_url=base_url or "",
        max_in_flight=max_in_flight or 100,
        absence_proof=_seconds(absence_proof) or None,
        segments_per_second=segments_per_second or None,
        options=_options(option, option_file),
        webhook_secrets=_contents(webhook_secret_file),
    )
    with runtime() as rt:
        made = provider_accounts.add(rt, onboarding.make_tenant(rt, tenant), new)
        webhooks = f"{rt.settings.public_url.rstrip('/')}/webhooks/{made.provider}/{made.id}"
    show({"id": made.id, "name": made.name, "tenant": tenant, "webhooks": webhooks}, output)


@accounts.command("list")
def list_accounts(*, tenant: TenantName = DEVELOPMENT, output: Output = Form.TABLE) -> None:
    """Show a tenant's accounts, and nothing secret of them."""
    with runtime() as rt:
        found = account_views.views(rt, onboarding.find_tenant(rt, tenant))
    show_rows(list(map(_row, found)), _COLUMNS, output)


@accounts.command("change")
def change_account(
    name: Name,
    *,
    username: Username = None,
    secret_file: SecretFile = None,
    option: Options = None,
    option_file: OptionFiles = None,
    webhook_secret_file: Annotated[
        list[Path] | None,
        typer.Option(help="Holds what webhooks are signed with, instead of what was; repeat it."),
    ] = None,
    add_webhook_secret_file: Annotated[
        list[Path] | None, typer.Option(help="The same, beside what was; repeat it.")
    ] = None,
    keep_old_for: Annotated[
        str, typer.Option(help="How long webhooks signed as before count, too: 24h, 30m, 0.")
    ] = "24h",
    base_url: BaseUrl = None,
    max_in_flight: InFlight = None,
    absence_proof: Proof = None,
    segments_per_second: Rate = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Change what is named of an account; the rest stays, and nothing is restarted.

    posthorn accounts change main --secret-file new-token --keep-old-for 24h
    """
    patch = AccountPatch(
        username=username,
        secret=None if secret_file is None else _secret(secret_file),
        base_url=base_url,
        max_in_flight=max_in_flight,
        absence_proof=_seconds(absence_proof),
        segments_per_second=segments_per_second,
        options=_options(option, option_file),
        webhook_secrets=_contents(webhook_secret_file),
        more_webhook_secrets=_contents(add_webhook_secret_file),
        keep_old_for=_duration(keep_old_for),
    )
    if patch == AccountPatch(keep_old_for=patch.keep_old_for):
        raise typer.BadParameter("name at least one thing to change")
    with runtime() as rt:
        until = provider_accounts.change(rt, onboarding.find_tenant(rt, tenant), name, patch)
    note("changed" + (f"; webhooks signed as before count until {until:%c %Z}" if until else ""))


@accounts.command("forget-old")
def forget_old(name: Name, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Believe no webhook any more that is signed with what was replaced."""
    with runtime() as rt:
        had = provider_accounts.forget_old(rt, onboarding.find_tenant(rt, tenant), name)
    note("forgotten" if had else "nothing was kept")


def _row(view: AccountView) -> dict[str, Any]:
    proof = view.absence_proof
    secret = dict.fromkeys(view.secret_options, "set")
    return {
        "id": str(view.id),
        "name": view.name,
        "provider": view.provider,
        "username": view.username,
        "base_url": view.base_url,
        "options": [f"{name}={value}" for name, value in (view.options | secret).items()],
        "webhook_secrets": view.webhook_secrets,
        "max_in_flight": view.max_in_flight,
        "segments_per_second": view.segments_per_second,
        "absence_proof": None if proof is None else proof.total_seconds(),
        "created_at": view.created_at,
        "rotated_at": view.rotated_at,
        "old_until": view.old_until,
        "channels": [channel.value for channel in view.abilities],
        "webhooks": view.webhooks,
    }


def _options(said: list[str] | None, files: list[str] | None) -> dict[str, str]:
    """Options by name, as they were said and as files hold them."""
    found = dict(_pair(each, "--option") for each in said or [])
    for each in files or []:
        name, path = _pair(each, "--option-file")
        found[name] = _content(Path(path))
    return found


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{option} must be as name=value")
    return name, value


def _secret(file: Path | None) -> str:
    if file is None:
        return str(typer.prompt("secret", hide_input=True, err=True))
    return _content(file)


def _contents(files: list[Path] | None) -> tuple[str, ...]:
    return tuple(_content(file) for file in files or [])


def _content(file: Path) -> str:
    """What a file holds, or standard input, without the spaces around it."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise typer.BadParameter(f"{file} cannot be read: {why}") from None
    if not text.strip():
        raise typer.BadParameter("the secret is empty")
    return text.strip()


def _seconds(said: float | None) -> timedelta | None:
    return None if said is None else timedelta(seconds=said)


def _duration(text: str) -> timedelta:
    """How long 90s, 30m, 24h or 7d is; 0 is no time."""
    found = _LASTS.fullmatch(text)
    if found is None:
        raise typer.BadParameter("--keep-old-for must be as 24h, 30m or 0")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
