"""`posthorn demo`: the whole system in one minute, with the proof at the end."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from messaging.cli.output import note, write_json
from messaging.demo.run import Report, Statuses, run
from messaging.domain.compliance.wording import WORDS
from messaging.domain.lifecycle import FINAL
from messaging.settings import Settings


def demo(
    *,
    messages: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many to send.")] = 1000,
    seed: Annotated[int, typer.Option(help="Makes the script and the faults repeatable.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Send messages through a local carrier that misbehaves, and compare its ledger with ours.

    Ends with 0 only if nothing was lost, nothing was sent twice and every message is explained.
    """
    settings = Settings.read()
    with _Progress() as progress:
        report = run(settings.home.resolve(), messages, seed, progress.watch)
    if as_json:
        write_json({**asdict(report), "holds": report.audit.holds})
    else:
        _print(report)
    if not report.audit.holds:
        note("posthorn: the ledgers differ, or a message is unexplained; see above")
        sys.exit(1)


class _Progress:
    """Live progress on standard error, which stays quiet where nobody looks."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[where]}"),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, where="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def watch(self, what: str, expected: int, statuses: Statuses) -> None:
        """Show how far it is."""
        done = sum(count for status, count in statuses.items() if status in FINAL)
        where = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        self._bar.update(self._task, description=what, total=expected, completed=done, where=where)


def _print(report: Report) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value, remark in _lines(report):
        table.add_row(name, value, remark)
    Console(highlight=False, soft_wrap=True).print(table)
    audit = report.audit
    verdict = "both ledgers agree" if audit.holds else "THE LEDGERS DIFFER"
    sys.stdout.write(
        f"\nour ledger against the carrier's ledger: {audit.ours} handed over, {audit.carrier} taken; "
        f"lost {audit.lost}, duplicated {audit.duplicated}: {verdict}\n"
    )


def _lines(report: Report) -> list[tuple[str, str, str]]:
    lines: list[tuple[str, Any, str]] = [
        ("messages", report.messages, ""),
        ("  accepted", report.accepted, ""),
        ("  refused at the door", report.refused, "numbers that are none"),
        ("", "", ""),
        *((f"  {status}", n, "") for status, n in sorted(report.statuses.items())),
        ("  unexplained", report.audit.unexplained, ""),
        ("what the rules held back", sum(report.held_back.values()), ""),
        *((f"  {reason}", n, _WORDS[reason]) for reason, n in report.held_back.items()),
        ("why this sender", "", ""),
        *((f"  {reason}", n, "") for reason, n in report.reasons.items()),
        ("attempts", sum(o.attempts for o in report.outcomes), ""),
        *((f"  {o.outcome}", o.attempts, f"known by {o.settled_by}") for o in report.outcomes),
        ("  retries", report.retries, "attempts beyond a message's first"),
        ("what the carrier did wrong", sum(report.faults.values()), ""),
        *((f"  {name}", n, "") for name, n in sorted(report.faults.items())),
        ("from kept to taken", "", f"{report.pace.messages} messages that were to go at once"),
        ("  p50", _milliseconds(report.pace.p50), ""),
        ("  p95", _milliseconds(report.pace.p95), ""),
        ("  p99", _milliseconds(report.pace.p99), "retries and proofs included"),
        ("  messages per second", f"{report.pace.per_second or 0:.0f}", "until 95 % were taken"),
        ("seconds until all had their end", f"{report.seconds:.1f}", ""),
    ]
    return [(name, str(value), remark) for name, value, remark in lines]


_WORDS = {reason.value: words.title for reason, words in WORDS.items()}


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f} ms"
