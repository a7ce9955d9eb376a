"""How is a file brought in from a terminal? Read whole, with a bar that shows how far its check is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

File = Annotated[Path, typer.Argument(help="The file; - reads standard input.")]


def content_of(file: Path) -> bytes:
    """All bytes of a file, or of standard input."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as problem:
        raise typer.BadParameter(f"{file} cannot be read: {problem.strerror}") from None


@contextmanager
def progress(content: bytes, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, gone when it is done; call what it gives with the lines read so far."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )
    with bar:
        task = bar.add_task(f"checking {what}", total=content.count(b"\n") or 1)

        def tick(lines: int) -> None:
            bar.update(task, completed=lines)
            if lines >= (bar.tasks[task].total or 0):
                bar.update(task, description=f"writing {what}")

        yield tick
