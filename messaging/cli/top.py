"""`posthorn top`: what is going on right now, in one screen."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from messaging.cli.beside import runtime
from messaging.runtime import Runtime
from messaging.store import pulse, views, vitals

_COUNTER = re.compile(r"(?P<metric>\w+?)_total(?:\{(?P<labels>.*)\})?")
_LABEL = re.compile(r'\w+="([^"]*)"')


def top(
    *,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
) -> None:
    """Show lanes, attempts in doubt and rates until Ctrl-C."""
    console = Console(highlight=False)
    with runtime() as rt:
        if once:
            console.print(_screen(rt, {}))
            return
        before, at = rt.counters.read(), time.monotonic()
        with Live(_screen(rt, {}), console=console, auto_refresh=False) as live:
            try:
                while True:
                    time.sleep(every)
                    after, now = rt.counters.read(), time.monotonic()
                    live.update(_screen(rt, rates(before, after, now - at)), refresh=True)
                    before, at = after, now
            except KeyboardInterrupt:
                return


def rates(
    before: Mapping[str, float], after: Mapping[str, float], seconds: float
) -> dict[str, float]:
    """How much each counter grew a second, by a name for people; one that shrank was reset."""
    grown: Counter[str] = Counter()
    for name, value in after.items():
        match = _COUNTER.fullmatch(name)
        if match is None:
            continue
        labels = " ".join(_LABEL.findall(match["labels"] or ""))
        words = match["metric"].removeprefix("posthorn_").replace("_", " ")
        was = before.get(name, 0.0)
        grown[f"{words} {labels}".strip()] += int(value - was if value >= was else value)
    return {name: count / max(seconds, 0.001) for name, count in sorted(grown.items())}


def _screen(rt: Runtime, speeds: Mapping[str, float]) -> Group:
    with rt.engine.connect() as db:
        lanes, doubts, beats = views.lanes(db), vitals.doubts(db), pulse.beats(db)
    backlog = Table("lane", "due", "oldest", box=None, pad_edge=False)
    for lane in lanes:
        many = "+" if lane.ready >= views.LANE_COUNT_LIMIT else ""
        backlog.add_row(lane.lane, f"{lane.ready}{many}", f"{lane.oldest_seconds:.1f} s")
    speed = Table("a second", "", box=None, pad_edge=False)
    for name, rate in speeds.items():
        speed.add_row(name, f"{rate:.1f}")
    now = rt.now()
    pulses = ", ".join(
        f"{name} {max((now - at).total_seconds(), 0):.0f} s ago" for name, at in beats.items()
    )
    doubt = f"open attempts {doubts.open}, in doubt {doubts.in_doubt}"
    if doubts.in_doubt:
        doubt += f" (oldest {doubts.oldest_seconds:.0f} s)"
    return Group(backlog, Text(""), Text(doubt), Text(pulses or "nothing has run yet"), speed)
