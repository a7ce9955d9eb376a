"""Every benchmark, by one command: `python -m tests.benchmarks`.

Prints one table and writes `bench.json`. Yardsticks and our own rounds take turns in the same run, so
their ratios survive a noisy machine. Ends with status 1 if a round lost or repeated a message: then
none of its figures counts.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from tests.benchmarks import (
    baselines,
    claims,
    delivered,
    drain,
    fleet,
    floors,
    intake_load,
    latency,
    memory,
    receipt_load,
    rules,
)
from tests.benchmarks.machine import Machine, machine
from tests.benchmarks.report import ROOT, Report
from tests.benchmarks.witness import VoidRunError

WORKLOADS = ("W1", "W2", "W4", "W7", "W9", "W10", "W11", "W12", "W13")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    rounds: int = 3
    messages: int = 20_000
    empty_tasks: int = 3_000
    plain_messages: int = 1_000
    bulk: int = 20_000
    post_seconds: float = 4.0
    claim_turns: int = 40
    short_backlog: int = 10_000
    long_backlog: int = 1_000_000
    code_seconds: float = 30.0
    campaign: int = 100_000
    crowd: int = 20_000
    suppressions: int = 100_000
    consents: int = 1_000_000
    fleet: int = 500
    area_codes: int = 50
    conversations: int = 1_000_000
    fleet_messages: int = 66_667


QUICK = Sizes(
    rounds=1,
    messages=500,
    empty_tasks=100,
    plain_messages=50,
    bulk=2_000,
    post_seconds=0.3,
    claim_turns=3,
    short_backlog=10_000,
    long_backlog=20_000,
    code_seconds=1.0,
    campaign=3_000,
    crowd=1_000,
    suppressions=1_000,
    consents=10_000,
    fleet=50,
    area_codes=10,
    conversations=20_000,
    fleet_messages=500,
)


def drains(m: Machine, sizes: Sizes, report: Report, only: set[str]) -> None:
    """W1 and W2 against empty tasks, the plain pipeline and the two floors, in turns."""
    empty, plain, floor, instant, tail = [], [], [], [], []
    for n in range(sizes.rounds):
        _say(f"drain, round {n + 1} of {sizes.rounds}")
        empty.append(baselines.empty_tasks(m, sizes.empty_tasks))
        if "W1" in only:
            instant.append(drain.drain(m, sizes.messages, drain.INSTANT))
            plain.append(baselines.plain_messages(m, sizes.plain_messages))
            halves = floors.http_per_s(m, sizes.messages), floors.store_per_s(m, sizes.messages)
            floor.append(halves)
        if "W2" in only:
            tail.append(drain.drain(m, sizes.messages, drain.REAL_WITH_TAIL))
    empty_rates = [pace.per_s for pace in empty]
    report.add("empty_tasks_per_s", empty_rates)
    report.add("cpu_us_per_empty_task", [pace.cpu_us for pace in empty])
    if instant:
        _queued_to_sent(report, instant, empty_rates, plain, floor)
    if tail:
        rates = [r.per_s for r in tail]
        report.add("tail_queued_to_sent_per_s", rates)
        report.ratio("tail_ratio_to_empty_tasks", rates, empty_rates)


def _queued_to_sent(
    report: Report,
    rounds: list[drain.Round],
    empty: list[float],
    plain: list[baselines.Pace],
    floor: list[tuple[float, float]],
) -> None:
    rates = [r.per_s for r in rounds]
    plain_rates = [pace.per_s for pace in plain]
    report.add("plain_pipeline_per_s", plain_rates)
    report.add("cpu_us_per_plain_message", [pace.cpu_us for pace in plain])
    report.add("raw_http_per_s", [http for http, _ in floor])
    report.add("raw_store_per_s", [store for _, store in floor])
    report.add("queued_to_sent_per_s", rates)
    report.ratio("ratio_to_empty_tasks", rates, empty)
    report.ratio("ratio_to_plain", rates, plain_rates)
    report.ratio("ratio_to_floor", rates, [min(halves) for halves in floor])
    report.add("cpu_us_per_message", [r.cpu_us_per_message for r in rounds])
    report.add("wal_bytes_per_message", [r.wal_bytes_per_message for r in rounds])
    report.add("hot_update_share", [r.hot_update_share for r in rounds])
    report.add("worker_rss_mb", [r.worker_rss_mb for r in rounds])


def marketing(m: Machine, sizes: Sizes, report: Report) -> None:
    """W10: marketing with every rule at work, bare and beside a large ledger, in turns."""
    empty, bare, ledger = [], [], []
    for n in range(sizes.rounds):
        _say(f"rules, round {n + 1} of {sizes.rounds}")
        empty.append(baselines.empty_tasks(m, sizes.empty_tasks).per_s)
        bare.append(rules.bare(m, sizes.messages))
        ledger.append(rules.beside_a_ledger(m, sizes.messages, sizes.suppressions, sizes.consents))
    alone, beside = [r.per_s for r in bare], [r.per_s for r in ledger]
    report.add("marketing_queued_to_sent_per_s", alone)
    report.add("marketing_cpu_us_per_message", [r.cpu_us_per_message for r in bare])
    report.ratio("marketing_ratio_to_empty_tasks", beside, empty)
    report.ratio("marketing_beside_ledger", beside, alone)


def choices(m: Machine, sizes: Sizes, report: Report) -> None:
    """W11: many senders and a long history against ten senders and none, in turns."""
    many = (sizes.fleet, sizes.area_codes, sizes.conversations)
    empty, bare, among, shares = [], [], [], []
    for n in range(sizes.rounds):
        _say(f"senders, round {n + 1} of {sizes.rounds}")
        empty.append(baselines.empty_tasks(m, sizes.empty_tasks).per_s)
        bare.append(fleet.bare(m, sizes.messages))
        among.append(fleet.among_many(m, sizes.fleet_messages, *many))
        shares.append(fleet.share(m, min(sizes.messages, 6_000), *many))
    few, all_ = [r.per_s for r in bare], [r.per_s for r in among]
    report.add("selection_added_share", shares)
    report.add("many_senders_queued_to_sent_per_s", all_)
    report.add("many_senders_cpu_us_per_message", [r.cpu_us_per_message for r in among])
    report.ratio("many_senders_to_few", all_, few)
    report.ratio("many_senders_ratio_to_empty_tasks", all_, empty)


def intakes(m: Machine, sizes: Sizes, report: Report) -> None:
    """W4: single sends and lists."""
    _say("intake")
    found = list(intake_load.posts(m, sizes.post_seconds, sizes.rounds))
    durable, empty = [p.durable.per_s for p in found], [p.empty.per_s for p in found]
    report.add("post_per_s", durable)
    report.add("post_p50_ms", [p.durable.p50_ms for p in found])
    report.add("post_p99_ms", [p.durable.p99_ms for p in found])
    report.add("empty_route_per_s", empty)
    report.ratio("post_to_empty_route", durable, empty)
    lists = [intake_load.bulk(m, sizes.bulk) for _ in range(sizes.rounds)]
    report.add("bulk_intake_per_s", [b.intake_per_s for b in lists])
    report.add("copy_per_s", [b.copy_per_s for b in lists])
    report.ratio(
        "bulk_intake_to_copy", [b.intake_per_s for b in lists], [b.copy_per_s for b in lists]
    )


def receipts(m: Machine, sizes: Sizes, report: Report) -> None:
    """W12: receipts, believed and kept, against the empty route, in turns."""
    _say("receipts")
    found = list(receipt_load.posts(m, sizes.post_seconds, sizes.rounds))
    kept, empty = [p.kept.per_s for p in found], [p.empty.per_s for p in found]
    report.add("receipts_per_s", kept)
    report.add("receipt_p50_ms", [p.kept.p50_ms for p in found])
    report.add("receipt_p99_ms", [p.kept.p99_ms for p in found])
    report.add("empty_route_of_receipts_per_s", empty)
    report.ratio("receipts_to_empty_route", kept, empty)


def deliveries(m: Machine, sizes: Sizes, report: Report) -> None:
    """W13: from queued to delivered, receipts included, against empty tasks, in turns."""
    empty, found = [], []
    for n in range(sizes.rounds):
        _say(f"deliveries, round {n + 1} of {sizes.rounds}")
        empty.append(baselines.empty_tasks(m, sizes.empty_tasks).per_s)
        found.append(delivered.drain(m, sizes.messages))
    rates = [r.per_s for r in found]
    report.add("queued_to_delivered_per_s", rates)
    report.add("cpu_us_per_delivery", [r.cpu_us_per_message for r in found])
    report.ratio("delivered_ratio_to_empty_tasks", rates, empty)


def flatness(m: Machine, sizes: Sizes, report: Report) -> None:
    """W7: claims beside a short and a long backlog, in turns."""
    _say("claims")
    found = list(
        claims.paces(m, sizes.short_backlog, sizes.long_backlog, sizes.claim_turns, sizes.rounds)
    )
    short, long = [p.short for p in found], [p.long for p in found]
    report.add("claims_per_s_short_backlog", short)
    report.add("claims_per_s_long_backlog", long)
    report.ratio("claim_flatness", long, short)


def codes(m: Machine, sizes: Sizes, report: Report) -> None:
    """W9: one-time codes alone, beside a campaign, and in another tenant's crowd."""
    _say("one-time codes")
    idle, loaded, crowded = latency.one_time_codes(
        m, sizes.code_seconds, sizes.campaign, sizes.crowd
    )
    for name, found in (("idle", idle), ("loaded", loaded), ("crowded", crowded)):
        report.add(f"high_samples_{name}", found.samples)
        report.add(f"high_p50_{name}_ms", found.p50_ms)
        report.add(f"high_p99_{name}_ms", found.p99_ms)
        report.add(f"high_p99_{name}_from_intended_ms", found.from_intended_p99_ms)
    report.add("high_p99_loaded_to_idle", loaded.p99_ms / idle.p99_ms)
    report.add("high_p99_crowded_to_idle", crowded.p99_ms / idle.p99_ms)


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def run(
    only: Annotated[str, typer.Option(help="Some of W1,W2,W4,W7,W9,W10,W11,W12,W13.")] = ",".join(
        WORKLOADS
    ),
    messages: Annotated[int, typer.Option(help="Per drain; 0 is the usual number.")] = 0,
    quick: Annotated[bool, typer.Option(help="A minute's check that all of it works.")] = False,
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = ROOT / "bench.json",
    long: Annotated[bool, typer.Option(help="Instead: memory over 200,000 messages.")] = False,
) -> None:
    """Measure throughput, latency and isolation on this machine."""
    chosen = set(only.split(","))
    if unknown := chosen - set(WORKLOADS):
        raise typer.BadParameter(f"no such workload: {', '.join(sorted(unknown))}")
    sizes = QUICK if quick else Sizes()
    if messages:
        sizes = replace(sizes, messages=messages)
    report = Report()
    try:
        with machine() as m:
            if long:
                memory.flat(m, report, messages or memory.MESSAGES, _say)
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
    if chosen & {"W1", "W2"}:
        drains(m, sizes, report, chosen)
    if "W4" in chosen:
        intakes(m, sizes, report)
    if "W7" in chosen:
        flatness(m, sizes, report)
    if "W9" in chosen:
        codes(m, sizes, report)
    if "W10" in chosen:
        marketing(m, sizes, report)
    if "W11" in chosen:
        choices(m, sizes, report)
    if "W12" in chosen:
        receipts(m, sizes, report)
    if "W13" in chosen:
        deliveries(m, sizes, report)


if __name__ == "__main__":
    typer.run(run)
