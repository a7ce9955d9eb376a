"""`posthorn suppressions`: who must not be written to, added, lifted, asked about and moved in files."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from messaging import onboarding, suppression, suppression_files
from messaging.cli.beside import runtime
from messaging.cli.door import TenantName
from messaging.cli.importing import File, content_of, progress
from messaging.cli.messages import moment
from messaging.cli.output import Form, Output, note, show_rows
from messaging.domain.compliance.facts import SuppressionKind
from messaging.domain.errors import InvalidRequestError, NotFoundError
from messaging.domain.message import DEVELOPMENT, Channel
from messaging.domain.request import problems_of
from messaging.domain.suppression_request import Source, StopRequest, SuppressionScope

suppressions = typer.Typer(
    help="Who must not be written to.", no_args_is_help=True, rich_markup_mode=None
)

To = Annotated[str, typer.Argument(help="Whose address, as +12025550123.")]
On = Annotated[Channel, typer.Option(help="sms and mms are one.")]
Why = Annotated[str | None, typer.Option(help="What proves it; no address and no name.")]
_HELD = ["channel", "kind", "scope", "source", "since"]
_ENTRY = ["action", "kind", "scope", "source", "evidence", "at", "recorded_at"]


@suppressions.command("add")
def add_(
    to: To,
    *,
    channel: On = Channel.SMS,
    scope: Annotated[
        SuppressionScope,
        typer.Option(case_sensitive=False, help="All messages, or those of a category."),
    ] = SuppressionScope.ALL,
    complaint: Annotated[
        bool, typer.Option("--complaint", help="They complained: START does not lift it.")
    ] = False,
    evidence: Why = None,
    at: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="When they said so, if not now."),
    ] = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Stop writing to somebody, and cancel whatever waits for them.

    posthorn suppressions add +12025550123 --evidence "ticket 4711"
    """
    fields = {
        "to": to,
        "channel": channel,
        "scope": scope,
        "source": Source.COMPLAINT if complaint else Source.API,
        "evidence": evidence,
        "at": at,
    }
    try:
        request = StopRequest.model_validate(fields)
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error)) from None
    with runtime() as rt:
        done = suppression.stop(rt, onboarding.find_tenant(rt, tenant), request)
    state = "suppressed" if done.new else "nothing new; see posthorn suppressions check"
    note(f"{state}; messages canceled: {done.canceled:,}")


@suppressions.command("lift")
def lift_(
    to: To,
    *,
    channel: On = Channel.SMS,
    kind: Annotated[SuppressionKind, typer.Option()] = SuppressionKind.OPT_OUT,
    evidence: Why = None,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Write to somebody again. The ledger keeps both."""
    with runtime() as rt:
        who = suppression.person(rt, onboarding.find_tenant(rt, tenant), channel, to)
        if not suppression.start(rt, who, source="api", kind=kind, evidence=evidence):
            raise NotFoundError("nobody with this address is suppressed in this way")
    note("lifted")


@suppressions.command("check")
def check_(
    to: To,
    *,
    channel: On = Channel.SMS,
    history: Annotated[
        bool, typer.Option("--history", help="Everything the ledger says, not only what holds.")
    ] = False,
    tenant: TenantName = DEVELOPMENT,
    output: Output = Form.TABLE,
) -> None:
    """Show whether somebody is suppressed, since when, for what, and how it is known."""
    with runtime() as rt:
        who = suppression.person(rt, onboarding.find_tenant(rt, tenant), channel, to)
        if history:
            rows, columns = [asdict(e) for e in suppression.history(rt, who)], _ENTRY
        else:
            rows, columns = [asdict(h) for h in suppression.holding(rt, who)], _HELD
    shown = [{c: _utc(row[c]) for c in columns} for row in rows]
    if shown or output is Form.JSON:
        show_rows(shown, columns, output)
    else:
        note("nothing is known of this address" if history else "not suppressed")


def _utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@suppressions.command("import")
def import_(file: File, *, tenant: TenantName = DEVELOPMENT) -> None:
    """Suppress everybody in a CSV file, or nobody if one line is wrong.

    The first line names the columns: to,channel,scope,source,at,evidence. Only `to` is needed.
    """
    content = content_of(file)
    with runtime() as rt:
        owner = onboarding.find_tenant(rt, tenant)
        with progress(content, "suppressions") as tick:
            done = suppression_files.import_file(rt, owner, content, tick)
    note(f"{done.rows:,} rows: {done.new:,} new, messages canceled: {done.canceled:,}")


@suppressions.command("export")
def export_(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write; standard output, if left out.")
    ] = None,
    *,
    tenant: TenantName = DEVELOPMENT,
) -> None:
    """Write whatever holds as CSV, by key: addresses are not kept."""
    with runtime() as rt:
        parts = suppression_files.export(rt, onboarding.find_tenant(rt, tenant))
        if file is None:
            sys.stdout.writelines(parts)
            return
        try:
            with file.open("w", newline="") as out:
                out.writelines(parts)
        except OSError as problem:
            raise typer.BadParameter(f"{file} cannot be written: {problem.strerror}") from None
