"""Every benchmark, by one command: `python -m tests.benchmarks`.

Prints one table and writes `bench.json`. Yardsticks and our own rounds take turns in the same run, so
their ratios survive a noisy machine. Ends with status 1 if a round lost or repeated a message: then
none of its figures counts.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tests.benchmarks import memory
from tests.benchmarks.machine import Machine, machine
from tests.benchmarks.report import ROOT, Report
from tests.benchmarks.witness import VoidRunError
from tests.benchmarks.workloads import QUICK, WORKLOADS, Sizes, drains, say

DRAINS = ("W1", "W2")
ALL = ",".join((*DRAINS, *WORKLOADS))


def run(
    only: Annotated[str, typer.Option(help=f"Some of {ALL}.")] = ALL,
    messages: Annotated[int, typer.Option(help="Per drain; 0 is the usual number.")] = 0,
    backlog: Annotated[int, typer.Option(help="Of W15's other tenant; 0 is the usual.")] = 0,
    quick: Annotated[bool, typer.Option(help="A minute's check that all of it works.")] = False,
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = ROOT / "bench.json",
    long: Annotated[bool, typer.Option(help="Instead: memory over 200,000 messages.")] = False,
) -> None:
    """Measure throughput, latency and isolation on this machine."""
    chosen = set(only.split(","))
    if unknown := chosen.difference(DRAINS, WORKLOADS):
        raise typer.BadParameter(f"no such workload: {', '.join(sorted(unknown))}")
    sizes = QUICK if quick else Sizes()
    if messages:
        sizes = replace(sizes, messages=messages)
    if backlog:
        sizes = replace(sizes, backlog=backlog)
    report = Report()
    try:
        with machine() as m:
            if long:
                memory.flat(m, report, messages or memory.MESSAGES, say)
            else:
                _measure(m, sizes, report, chosen)
    except VoidRunError as void:
        print(f"The run is void: {void}", file=sys.stderr)
        raise typer.Exit(1) from None
    finally:
        print(report.table())
    report.save(output)
    print(f"written to {output}")


def _measure(m: Machine, sizes: Sizes, report: Report, chosen: set[str]) -> None:
    if chosen.intersection(DRAINS):
        drains(m, sizes, report, chosen)
    for name, measure in WORKLOADS.items():
        if name in chosen:
            measure(m, sizes, report)


if __name__ == "__main__":
    typer.run(run)
