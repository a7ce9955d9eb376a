"""The command line: `posthorn --help`.

Data goes to standard output, everything else to standard error. It ends with 0 when done, 1 when
something failed and 2 when it was asked wrongly; numbers are masked unless `--reveal` is given.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from messaging import __version__, exporter
from messaging.cli import demo, doctor, messages, setting_up, top, up
from messaging.cli.output import note
from messaging.client_errors import InvalidError, PosthornClientError
from messaging.discovery import located
from messaging.domain.errors import InvalidRequestError, PosthornError
from messaging.sandbox.command import sandbox
from messaging.settings import Settings, SettingsError

app = typer.Typer(
    name="posthorn",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("send")(messages.send)
app.command("status")(messages.status)
app.command("cancel")(messages.cancel)
app.command("top")(top.top)
app.command("doctor")(doctor.doctor)
app.command("migrate")(setting_up.migrate)
app.add_typer(setting_up.keys, name="keys")
app.add_typer(setting_up.accounts, name="accounts")
app.add_typer(setting_up.senders, name="senders")
app.command("sandbox")(sandbox)


@app.command("exporter")
def exporter_() -> None:
    """Serve metrics for Prometheus, for the whole deployment, until Ctrl-C."""
    exporter.run(located(Settings.read()))


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


@app.command("version")
def version_() -> None:
    """Show the version."""
    sys.stdout.write(f"{__version__}\n")


def main() -> None:
    """The console script; what goes wrong for a known reason is one line."""
    try:
        app()
    except InvalidRequestError as error:
        for problem in error.problems:
            note(f"posthorn: {problem.pointer.removeprefix('#/')}: {problem.detail}")
        sys.exit(2)
    except SettingsError as error:
        note(f"posthorn: {error}")
        sys.exit(2)
    except PosthornError as error:
        note(f"posthorn: {error.detail}")
        sys.exit(1)
    except PosthornClientError as error:
        note(f"posthorn: {error}")
        sys.exit(2 if isinstance(error, InvalidError) else 1)
    except DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or [type(error).__name__])[0]
        note(f"posthorn: the database cannot be used: {reason}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
