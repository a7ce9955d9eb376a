"""Which options does the sandbox's command line have?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from messaging.sandbox.config import (
    PROVIDERS,
    Account,
    Receipts,
    SandboxConfig,
    with_defaults,
)
from messaging.sandbox.faults import Rates
from messaging.sandbox.server import serve

_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ms|s)?")


def seconds(text: str) -> float:
    """A duration such as `150ms`, `2s` or `0.15` in seconds; typer.BadParameter if it is none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 150ms or 2s")
    return float(match.group(1)) / (1000.0 if match.group(2) == "ms" else 1.0)


def account(text: str) -> Account:
    """An account from `SID:TOKEN` (Twilio) or `PROVIDER:NAME:TOKEN[:SIGNING[:APPLICATION]]`.

    Raises:
        typer.BadParameter: it is none.
    """
    first, _, rest = text.partition(":")
    try:
        if first not in PROVIDERS:
            return Account(first, rest)
        sid, token, signing, application = (*rest.split(":", 3), "", "", "")[:4]
        return Account(sid, token, first, signing=signing, application=application)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def webhooks(
    accounts: Iterable[Account], texts: Iterable[str], what: str = "webhook_url"
) -> tuple[Account, ...]:
    """The accounts, with where their receipts, or `what`, go by default: `ACCOUNT=URL` each.

    Raises:
        typer.BadParameter: a text names no account.
    """
    found = {account.sid: account for account in accounts}
    for text in texts:
        sid, _, url = text.partition("=")
        if sid not in found:
            raise typer.BadParameter(f"{sid!r} is none of the accounts {', '.join(found)}")
        changed: dict[str, Any] = {what: url}
        found[sid] = replace(found[sid], **changed)
    return tuple(found.values())


def _env(name: str) -> str:
    return f"POSTHORN_SANDBOX_{name}"


_ACCOUNT_HELP = (
    "SID:TOKEN of Twilio, or PROVIDER:NAME:TOKEN, then :SIGNING and :APPLICATION if wanted; repeatable. "
    f"PROVIDER is one of {', '.join(PROVIDERS)}; SIGNING is what its webhooks are signed with "
    "(telnyx, sendgrid: the seed of the key pair; vonage, vonage_sms: the signature secret; "
    "instagram: the app secret); "
    "APPLICATION is what the tokens of a vonage account name."
)

Rate = Annotated[float, typer.Option(min=0.0, max=1.0, rich_help_panel="Faults, 0 to 1")]


def sandbox(
    *,
    host: Annotated[str, typer.Option(envvar=_env("HOST"))] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar=_env("PORT"), min=0, max=65535, help="0 picks a free port.")
    ] = 4010,
    smtp_port: Annotated[
        int | None,
        typer.Option(
            envvar=_env("SMTP_PORT"), min=0, max=65535, help="Take mail here; 0 picks a free port."
        ),
    ] = None,
    accounts: Annotated[
        list[str] | None,
        typer.Option("--account", envvar=_env("ACCOUNTS"), help=_ACCOUNT_HELP),
    ] = None,
    webhook: Annotated[
        list[str] | None,
        typer.Option(
            help="ACCOUNT=URL, repeatable: where receipts go whose message names no address."
        ),
    ] = None,
    inbound: Annotated[
        list[str] | None,
        typer.Option(help="ACCOUNT=URL, repeatable: where what people write to it is posted."),
    ] = None,
    numbers: Annotated[
        str,
        typer.Option(envvar=_env("NUMBERS"), help="Senders owned, comma-separated; empty is any."),
    ] = "",
    seed: Annotated[int, typer.Option(envvar=_env("SEED"), help="Makes faults repeatable.")] = 1,
    ledger_file: Annotated[
        Path | None,
        typer.Option(envvar=_env("LEDGER_FILE"), help="Append a line per accepted message."),
    ] = None,
    inbound_url: Annotated[
        str,
        typer.Option(envvar=_env("INBOUND_URL"), help="Where what people write to it is posted."),
    ] = "",
    receipts: Annotated[bool, typer.Option(envvar=_env("RECEIPTS"))] = True,
    receipt_statuses: Annotated[str, typer.Option(help="In order.")] = "sent,delivered",
    receipt_queued: Annotated[bool, typer.Option(help="Post `queued` first.")] = False,
    receipt_delay: Annotated[str, typer.Option(envvar=_env("RECEIPT_DELAY"))] = "50ms",
    receipt_jitter: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.5,
    receipt_retry: Annotated[
        int | None, typer.Option(min=0, max=5, help="Repeats after any failure.")
    ] = None,
    receipt_concurrency: Annotated[int, typer.Option(min=1)] = 32,
    latency: Annotated[str, typer.Option(envvar=_env("LATENCY"), help="Mean, as 150ms.")] = "0",
    latency_spread: Annotated[float, typer.Option(min=0.0, help="Log-normal sigma.")] = 0.0,
    tail_rate: Rate = 0.0,
    tail_latency: Annotated[str, typer.Option()] = "2s",
    rate_429: Rate = 0.0,
    rate_500: Rate = 0.0,
    rate_500_accepted: Rate = 0.0,
    rate_lost: Rate = 0.0,
    rate_drop: Rate = 0.0,
    rate_undelivered: Rate = 0.0,
    rate_duplicate_receipts: Rate = 0.0,
    rate_reorder_receipts: Rate = 0.0,
    rate_early_receipt: Rate = 0.0,
    rate_no_receipt: Rate = 0.0,
) -> None:
    """A carrier on this machine: the protocols of its providers, signed receipts, faults on request.

    Every provider has an account with fixed credentials unless --account gives it others:
    GET /sandbox/accounts lists them, with what verifies their webhooks.
    """
    statuses = tuple(status for status in receipt_statuses.split(",") if status)
    if receipt_queued:
        statuses = ("queued", *statuses)
    try:
        everyone = webhooks(with_defaults(map(account, accounts or ())), webhook or ())
        config = SandboxConfig(
            host=host,
            port=port,
            smtp_port=smtp_port,
            accounts=webhooks(everyone, inbound or (), "inbound_url"),
            numbers=frozenset(number for number in numbers.split(",") if number),
            seed=seed,
            ledger_file=ledger_file,
            inbound_url=inbound_url,
            receipts=Receipts(
                enabled=receipts,
                statuses=statuses,
                delay=seconds(receipt_delay),
                jitter=receipt_jitter,
                retries=receipt_retry,
                concurrency=receipt_concurrency,
            ),
            rates=Rates(
                latency=seconds(latency),
                latency_spread=latency_spread,
                tail_rate=tail_rate,
                tail_latency=seconds(tail_latency),
                rate_429=rate_429,
                rate_500=rate_500,
                rate_500_accepted=rate_500_accepted,
                rate_lost=rate_lost,
                rate_drop=rate_drop,
                rate_undelivered=rate_undelivered,
                rate_duplicate_receipts=rate_duplicate_receipts,
                rate_reorder_receipts=rate_reorder_receipts,
                rate_early_receipt=rate_early_receipt,
                rate_no_receipt=rate_no_receipt,
            ),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    try:
        serve(config)
    except OSError as error:
        typer.echo(f"the sandbox cannot start: {error}", err=True)
        raise typer.Exit(1) from error
