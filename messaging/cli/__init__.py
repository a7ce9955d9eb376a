"""The command line: `posthorn --help`.

Data goes to standard output, everything else to standard error. It ends with 0 when done, 1 when
something failed and 2 when it was asked wrongly; numbers are masked unless `--reveal` is given.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from messaging import __version__
from messaging.cli import lazy
from messaging.cli.output import note

COMMANDS = {
    "up": "messaging.cli.up:up",
    "demo": "messaging.cli.demo:demo",
    "send": "messaging.cli.messages:send",
    "preview": "messaging.cli.preview:preview",
    "status": "messaging.cli.messages:status",
    "explain": "messaging.cli.explain:explain",
    "cancel": "messaging.cli.messages:cancel",
    "top": "messaging.cli.top:top",
    "doctor": "messaging.cli.doctor:doctor",
    "migrate": "messaging.cli.setting_up:migrate",
    "sandbox": "messaging.sandbox.command:sandbox",
    "exporter": "messaging.cli.exporting:exporter_",
    "version": "messaging.cli:version_",
    "tenants": "messaging.cli.tenants:tenants",
    "keys": "messaging.cli.keys:keys",
    "audit": "messaging.cli.audit:audit",
    "accounts": "messaging.cli.accounts:accounts",
    "senders": "messaging.cli.senders:senders",
    "pools": "messaging.cli.pools:pools",
    "bindings": "messaging.cli.bindings:bindings",
    "use-cases": "messaging.cli.use_cases:use_cases",
    "templates": "messaging.cli.templates:templates",
    "campaigns": "messaging.cli.campaigns:campaigns",
    "registration": "messaging.cli.registration:registration_",
    "contacts": "messaging.cli.contacts:contacts",
    "suppressions": "messaging.cli.suppressions:suppressions",
    "endpoints": "messaging.cli.endpoints:endpoints",
    "replay": "messaging.cli.endpoints:replay",
    "policy": "messaging.cli.policy:policy",
    "billing": "messaging.cli.billing:billing",
    "prices": "messaging.cli.prices:prices",
    "rules": "messaging.cli.rules:rules",
    "consents": "messaging.cli.consents:consents",
    "dnc": "messaging.cli.dnc:dnc",
    "numbers": "messaging.cli.numbers:numbers",
    "erase": "messaging.cli.erase:erase",
}
"""Every command and where it is, in the order of the help."""

app = typer.Typer(
    name="posthorn",
    cls=lazy.group(COMMANDS),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


@app.callback()
def posthorn(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show it and end."),
    ] = False,
) -> None:
    """Messages for other software: scheduled, checked, sent once, and explained."""


def version_() -> None:
    """Show the version."""
    sys.stdout.write(f"{__version__}\n")


def main() -> None:
    """The console script; what goes wrong for a known reason is one line."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from messaging.cli.mistakes import explained  # noqa: PLC0415 - loads everybody's errors

        found = explained(error)
        if found is None:
            raise
        lines, status = found
        for line in lines:
            note(f"posthorn: {line}")
        sys.exit(status)
