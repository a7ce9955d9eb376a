"""What did the run show? One table for people, one flat file for programs."""

from __future__ import annotations

import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import orjson
import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be: at least, or at most, this much."""

    limit: float
    at_most: bool = False

    def met(self, value: float) -> bool:
        """Whether `value` is good enough."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.limit:g}"


GOALS = {
    "ratio_to_empty_tasks": Goal(3.0),
    "marketing_ratio_to_empty_tasks": Goal(3.0),
    "marketing_beside_ledger": Goal(0.9),
    "selection_added_share": Goal(0.15, at_most=True),
    "many_senders_ratio_to_empty_tasks": Goal(3.0),
    "tail_ratio_to_empty_tasks": Goal(3.0),
    "ratio_to_plain": Goal(10.0),
    "ratio_to_floor": Goal(0.5),
    "bulk_intake_to_copy": Goal(0.25),
    "post_to_empty_route": Goal(0.5),
    "receipts_to_empty_route": Goal(0.5),
    "delivered_ratio_to_empty_tasks": Goal(1.5),
    "claim_flatness": Goal(0.9),
    "high_p99_loaded_to_idle": Goal(3.0, at_most=True),
    "campaign_expansion_to_copy": Goal(0.25),
    "campaign_rss_mb": Goal(300, at_most=True),
    "neighbour_apart_p99_to_idle": Goal(3.0, at_most=True),
    "hot_update_share": Goal(0.8),
    "wal_bytes_per_message": Goal(2_048, at_most=True),
}
"""Only what survives a change of machine: ratios and shares, and bytes."""

REQUIRED = (
    "empty_tasks_per_s",
    "plain_pipeline_per_s",
    "queued_to_sent_per_s",
    "ratio_to_empty_tasks",
    "tail_ratio_to_empty_tasks",
    "ratio_to_plain",
    "ratio_to_floor",
    "bulk_intake_to_copy",
    "post_to_empty_route",
    "claim_flatness",
    "high_p99_idle_ms",
    "high_p99_loaded_ms",
    "marketing_ratio_to_empty_tasks",
    "marketing_beside_ledger",
    "selection_added_share",
    "many_senders_ratio_to_empty_tasks",
    "receipts_per_s",
    "receipts_to_empty_route",
    "queued_to_delivered_per_s",
    "delivered_ratio_to_empty_tasks",
    "campaign_expansion_per_s",
    "campaign_expansion_to_copy",
    "campaign_rss_mb",
    "neighbour_apart_p99_loaded_ms",
    "neighbour_apart_p99_to_idle",
    "neighbour_within_p99_batches",
    "cpu_us_per_message",
    "wal_bytes_per_message",
    "hot_update_share",
    "worker_rss_mb",
)
"""The figures a whole run has."""


@dataclass
class Report:
    """Figures in the order they were found."""

    figures: dict[str, float] = field(default_factory=dict)
    spreads: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, name: str, values: float | Sequence[float]) -> float:
        """Note a figure: the median of what the rounds gave. Returns it."""
        found = [values] if isinstance(values, float | int) else list(values)
        self.figures[name] = statistics.median(found)
        if len(found) > 1:
            self.spreads[name] = (min(found), max(found))
        return self.figures[name]

    def ratio(self, name: str, above: Sequence[float], below: Sequence[float]) -> None:
        """Note a ratio of medians; its spread is that of the rounds, each by itself."""
        self.figures[name] = statistics.median(above) / statistics.median(below)
        if len(above) == len(below) > 1:
            each = [a / b for a, b in zip(above, below, strict=True)]
            self.spreads[name] = (min(each), max(each))

    def table(self) -> str:
        """One line a figure."""
        head = ("figure", "median", "min - max", "goal", "")
        rows = [head, *(self._row(name) for name in self.figures)]
        widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if n == 1 else cell.ljust(width)
                for n, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    def _row(self, name: str) -> tuple[str, str, str, str, str]:
        value, goal = self.figures[name], GOALS.get(name)
        spread = self.spreads.get(name)
        return (
            name,
            _shown(value),
            f"{_shown(spread[0])} - {_shown(spread[1])}" if spread else "",
            str(goal or ""),
            "" if goal is None else "met" if goal.met(value) else "missed",
        )

    def save(self, file: Path) -> None:
        """Write the figures, flat, with what is needed to compare them with another day's."""
        facts = {**self.figures, **_surroundings()}
        file.write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _surroundings() -> dict[str, str | int]:
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "cores": psutil.cpu_count() or 0,
        "python": platform.python_version(),
        "celery": version("celery"),
        "commit": head,
    }
