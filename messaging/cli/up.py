"""`posthorn up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer

from messaging import stack
from messaging.cli.output import Form, Output, note, show
from messaging.discovery import Address
from messaging.settings import Settings, SettingsError
from messaging.stack import Ports
from messaging.standalone import standalone

FLOWER_PORT = 5555
SANDBOX_PORT = 4010


def up(
    *,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Of the API; 0 picks a free one. [default: 8000]"),
    ] = None,
    flower: Annotated[bool, typer.Option(help="Run Flower, read-only.")] = True,
    flower_port: Annotated[int, typer.Option(min=0, max=65535)] = FLOWER_PORT,
    sandbox: Annotated[
        bool, typer.Option(help="In development, run the local carrier and a tenant that uses it.")
    ] = True,
    sandbox_port: Annotated[int, typer.Option(min=0, max=65535)] = SANDBOX_PORT,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Of the exporter. [default: 9464]")
    ] = None,
    output: Output = Form.TABLE,
) -> None:
    """Run everything on this machine until Ctrl-C: servers, API, workers, beat, Flower, carrier."""
    settings = Settings.read()
    development = settings.environment == "development"
    ports = Ports(
        api=_port("API", settings.api_port if port is None else port, settings.api_host),
        exporter=_port("exporter", settings.metrics_port if metrics_port is None else metrics_port),
        flower=_port("Flower", flower_port) if flower else None,
        sandbox=_port("sandbox", sandbox_port) if sandbox and development else None,
    )
    note("starting ...")
    with standalone(settings, ports) as posthorn:
        show(_shown(posthorn.address), output)
        note(f"logs are in {posthorn.settings.home / 'logs'}; Ctrl-C stops everything")
        posthorn.group.wait()
        note("stopping ...")


def _port(name: str, wanted: int, host: str = stack.LOOPBACK) -> int:
    try:
        found = stack.available(wanted, host)
    except OSError as problem:
        raise SettingsError(
            f"POSTHORN_API_HOST or POSTHORN_METRICS_HOST is no address of this machine "
            f"({problem.strerror})"
        ) from None
    if wanted not in {0, found}:
        note(f"port {wanted} is taken; the {name} is at {found} this time")
    return found


def _shown(address: Address) -> dict[str, str | None]:
    return {
        "api": address.url,
        "docs": f"{address.url}/docs",
        "api key": address.api_key,
        "metrics": address.metrics_url,
        "flower": address.flower_url,
        "flower user": address.flower_user,
        "flower password": address.flower_password,
        "sandbox": address.sandbox_url,
        **{f"sends {channel}": senders for channel, senders in address.senders.items()},
    }
