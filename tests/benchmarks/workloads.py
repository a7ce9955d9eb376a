"""What is measured, and how much of it? Each workload notes its figures in the report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import (
    baselines,
    campaign_load,
    claims,
    delivered,
    drain,
    fleet,
    floors,
    intake_load,
    latency,
    neighbours,
    receipt_load,
    rules,
)
from tests.benchmarks.machine import Machine
from tests.benchmarks.report import Report


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
    recipients: int = 100_000
    backlog: int = 100_000
    idle_turn_seconds: float = neighbours.TURN_SECONDS


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
    recipients=6_000,
    backlog=4_000,
    idle_turn_seconds=1.0,
)


def drains(m: Machine, sizes: Sizes, report: Report, only: set[str]) -> None:
    """W1 and W2 against empty tasks, the plain pipeline and the two floors, in turns."""
    empty, plain, floor, instant, tail = [], [], [], [], []
    for n in range(sizes.rounds):
        say(f"drain, round {n + 1} of {sizes.rounds}")
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
        say(f"rules, round {n + 1} of {sizes.rounds}")
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
        say(f"senders, round {n + 1} of {sizes.rounds}")
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
    say("intake")
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
    say("receipts")
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
        say(f"deliveries, round {n + 1} of {sizes.rounds}")
        empty.append(baselines.empty_tasks(m, sizes.empty_tasks).per_s)
        found.append(delivered.drain(m, sizes.messages))
    rates = [r.per_s for r in found]
    report.add("queued_to_delivered_per_s", rates)
    report.add("cpu_us_per_delivery", [r.cpu_us_per_message for r in found])
    report.ratio("delivered_ratio_to_empty_tasks", rates, empty)


def flatness(m: Machine, sizes: Sizes, report: Report) -> None:
    """W7: claims beside a short and a long backlog, in turns."""
    say("claims")
    found = list(
        claims.paces(m, sizes.short_backlog, sizes.long_backlog, sizes.claim_turns, sizes.rounds)
    )
    short, long = [p.short for p in found], [p.long for p in found]
    report.add("claims_per_s_short_backlog", short)
    report.add("claims_per_s_long_backlog", long)
    report.ratio("claim_flatness", long, short)


def codes(m: Machine, sizes: Sizes, report: Report) -> None:
    """W9: one-time codes alone, beside a campaign, and in another tenant's crowd."""
    say("one-time codes")
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


def campaigns(m: Machine, sizes: Sizes, report: Report) -> None:
    """W14: a campaign's recipients become messages, against a COPY of the same rows, in turns."""
    say("campaigns")
    found = [campaign_load.expand(m, sizes.recipients) for _ in range(sizes.rounds)]
    expanded, copied = [e.expanded_per_s for e in found], [e.copy_per_s for e in found]
    report.add("campaign_snapshot_per_s", [e.snapshot_per_s for e in found])
    report.add("campaign_expansion_per_s", expanded)
    report.add("campaign_copy_per_s", copied)
    report.ratio("campaign_expansion_to_copy", expanded, copied)
    report.add("campaign_rss_mb", [e.rss_mb for e in found])


def neighbourhood(m: Machine, sizes: Sizes, report: Report) -> None:
    """W15: a tenant's messages beside another's backlog, in a lane of their own and in the same."""
    say("neighbours in two lanes")
    apart = neighbours.high_beside_low(m, sizes.backlog, sizes.idle_turn_seconds)
    say("neighbours in one lane")
    within = neighbours.normal_beside_normal(m, sizes.backlog, sizes.idle_turn_seconds)
    for name, found in (("apart", apart), ("within", within)):
        report.add(f"neighbour_{name}_backlog_per_s", found.drained_per_s)
        for state, one in (("idle", found.idle), ("loaded", found.loaded)):
            report.add(f"neighbour_{name}_samples_{state}", one.samples)
            report.add(f"neighbour_{name}_p50_{state}_ms", one.p50_ms)
            report.add(f"neighbour_{name}_p99_{state}_ms", one.p99_ms)
    report.add("neighbour_apart_p99_to_idle", apart.p99_to_idle)
    report.add("neighbour_within_p50_batches", within.loaded.p50_ms / within.batch_ms)
    report.add("neighbour_within_p99_batches", within.loaded.p99_ms / within.batch_ms)


def say(what: str) -> None:
    """Tell whoever watches what is being measured."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


WORKLOADS: dict[str, Callable[[Machine, Sizes, Report], None]] = {
    "W4": intakes,
    "W7": flatness,
    "W9": codes,
    "W10": marketing,
    "W11": choices,
    "W12": receipts,
    "W13": deliveries,
    "W14": campaigns,
    "W15": neighbourhood,
}
"""Beside W1 and W2, which share their yardsticks (`drains`)."""
