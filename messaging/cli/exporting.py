"""`posthorn exporter`: metrics for Prometheus."""

from __future__ import annotations

from messaging import exporter
from messaging.discovery import located
from messaging.settings import Settings


def exporter_() -> None:
    """Serve metrics for Prometheus, for the whole deployment, until Ctrl-C."""
    exporter.run(located(Settings.read()))
