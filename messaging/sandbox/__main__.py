"""`python -m messaging.sandbox`."""

from __future__ import annotations

import typer

from messaging.sandbox.command import sandbox

if __name__ == "__main__":
    typer.run(sandbox)
