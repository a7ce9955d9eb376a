"""How does each sender fare, and what follows? One tick of the clock.

    fold what was counted -> pause bad texts -> grade each sender -> ramps, once a day -> states

One process at a time, in one transaction: a tick that breaks off has done nothing, and the next one
finds the same tallies. What is decided is pure (`domain.sender_health`, `domain.warm_up`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.engine import Connection

from messaging.domain.compliance.policy import SenderHealth
from messaging.domain.sender_health import (
    Grade,
    Level,
    Policy,
    SenderState,
    Situation,
    Tally,
    Thresholds,
    decide,
    grade,
    template_verdict,
    without,
)
from messaging.domain.warm_up import Ramp, advance, allowance, carrier_day, next_carrier_midnight
from messaging.runtime import Runtime
from messaging.store import (
    paused_templates,
    pulse,
    reservations,
    sender_states,
    sender_stats,
    sender_upkeep,
)
from messaging.store.sender_states import OPERATOR, Entry
from messaging.store.sender_stats import Results
from messaging.store.sender_upkeep import Member, Upkeep
from messaging.telemetry import log

_BATCH = 20_000
_ROUNDS = 50
_DAY = timedelta(days=1)


@dataclass
class _Tick:
    """What one tick knows, and what it comes to."""

    now: datetime
    today: date
    """The carriers' day."""
    fleet: list[Member]
    results: Mapping[UUID, Mapping[str, Results]]
    paused: set[tuple[UUID, str]]
    """Tenants' templates, also those this tick pauses."""
    limits: dict[UUID, tuple[Thresholds, Policy]]
    """By tenant."""
    changed: set[UUID] = field(default_factory=set)
    """Tenants whose senders or templates are not what they were."""


def run(rt: Runtime) -> str:
    """Judge every sender by what has become of its messages; returns a one-line summary."""
    now = rt.now()
    with rt.engine.begin() as db:
        if not sender_upkeep.alone(db):
            return "another tick is running"
        folded = _fold(db, now)
        tick = _tick(db, now)
        paused = _pause(db, tick)
        grades = {member.id: _grade(tick, member) for member in tick.fleet}
        entries = _decisions(tick, grades, _ramps(db, tick, grades))
        entered = sender_states.enter(db, entries)
        pulse.beat(db, "senders")
    for tenant_id in tick.changed | set(entered.values()):
        rt.forget(tenant_id)
    _tell(rt, [e for e in entries if e.sender_id in entered], entered, paused)
    return (
        f"counted {folded}, judged {len(tick.fleet)} senders, {len(entered)} changed, "
        f"{len(paused)} templates paused"
    )


def _fold(db: Connection, now: datetime) -> int:
    """Add up what was appended since the last tick, and forget what nobody asks for any more."""
    folded = 0
    for fold in (sender_stats.fold, reservations.fold):
        for _ in range(_ROUNDS):
            took = fold(db, _BATCH)
            folded += took
            if took < _BATCH:
                break
    sender_stats.compact(db, now)
    reservations.forget(db, carrier_day(now) - _DAY)
    return folded


def _tick(db: Connection, now: datetime) -> _Tick:
    fleet = sender_upkeep.fleet(db)
    return _Tick(
        now,
        carrier_day(now),
        fleet,
        sender_stats.results(db, now),
        paused_templates.everybodys(db),
        {
            tenant_id: _limits(said)
            for tenant_id, said in {m.tenant_id: m.policy for m in fleet}.items()
        },
    )


def _limits(decided: Mapping[str, Any] | None) -> tuple[Thresholds, Policy]:
    """What a tenant decided; a policy this version cannot read is as none, as everywhere."""
    try:
        said = SenderHealth.model_validate(decided or {})
    except ValidationError:
        said = SenderHealth()
    cordon = None if said.cordon_hours is None else timedelta(hours=said.cordon_hours)
    return Thresholds(minimum=said.minimum), Policy(cordon=cordon)


def _pause(db: Connection, tick: _Tick) -> list[tuple[UUID, str, str]]:
    """Pause the texts that fail on several numbers, before any number is judged."""
    by_template: dict[tuple[UUID, str], dict[UUID, Tally]] = {}
    for member in tick.fleet:
        for template, results in tick.results.get(member.id, {}).items():
            key = (member.tenant_id, template)
            if template and key not in tick.paused:
                by_template.setdefault(key, {})[member.id] = results.day
    found = []
    for (tenant_id, template), tallies in by_template.items():
        verdict = template_verdict(tallies, tick.limits[tenant_id][0])
        if verdict is not None:
            found.append((tenant_id, template, verdict.reason))
            tick.paused.add((tenant_id, template))
            tick.changed.add(tenant_id)
    paused_templates.pause(db, found)
    return found


def _grade(tick: _Tick, member: Member) -> Grade:
    """How a sender does, less what paused texts did on it."""
    day, week, guilty_day, guilty_week = Tally(), Tally(), Tally(), Tally()
    for template, results in tick.results.get(member.id, {}).items():
        day, week = day + results.day, week + results.week
        if (member.tenant_id, template) in tick.paused:
            guilty_day, guilty_week = guilty_day + results.day, guilty_week + results.week
    thresholds, _ = tick.limits[member.tenant_id]
    return grade(without(day, guilty_day), without(week, guilty_week), thresholds)


def _ramps(db: Connection, tick: _Tick, grades: Mapping[UUID, Grade]) -> dict[UUID, Ramp]:
    """Where each sender that has a ramp is on it today, which is kept.

    Each is asked about when its carriers' day begins, and then not again before the next one.
    """
    due = {m.id for m in tick.fleet if m.ramp is not None and m.ramp_since != tick.today}
    met = sender_stats.people_met(db, tick.today - _DAY) if due else {}
    begun = next_carrier_midnight(tick.now - _DAY)
    red = sender_upkeep.cordoned_between(db, sorted(due), begun - _DAY, begun)
    ramps, news = {}, []
    for member in tick.fleet:
        before = Upkeep(member.id, member.ramp_level, member.ramp_since, member.last_used_on)
        after = replace(before, last_used_on=_last_used(tick, member))
        if member.ramp is not None:
            # One that has just been given a ramp begins it today.
            ramp = Ramp(member.ramp, member.ramp_level, member.ramp_since or tick.today)
            if member.id in due:
                level = Level.RED if member.id in red else grades[member.id].level
                minimum = tick.limits[member.tenant_id][0].minimum
                used = met.get(member.id, 0)
                ramp = advance(ramp, level, used, after.last_used_on, tick.today, minimum)
            ramps[member.id] = ramp
            after = replace(after, ramp_level=ramp.level, ramp_since=tick.today)
        if after != before:
            news.append(after)
        if after.ramp_level != before.ramp_level:
            tick.changed.add(member.tenant_id)
    sender_upkeep.keep(db, news)
    return ramps


def _last_used(tick: _Tick, member: Member) -> date | None:
    sent = [r.last_sent for r in tick.results.get(member.id, {}).values() if r.last_sent]
    days = [carrier_day(at) for at in sent]
    return max([*days, *([member.last_used_on] if member.last_used_on else [])], default=None)


def _decisions(
    tick: _Tick, grades: Mapping[UUID, Grade], ramps: Mapping[UUID, Ramp]
) -> list[Entry]:
    """The states that follow."""
    entries = []
    for member in tick.fleet:
        ramp = ramps.get(member.id)
        situation = Situation(
            member.state,
            member.state_since,
            member.cordoned_until,
            by_operator=member.state_reason == OPERATOR,
            measured_since=member.measured_since,
            has_sent=member.last_used_on is not None or member.id in tick.results,
            on_ramp=ramp is not None and allowance(ramp) is not None,
        )
        _, policy = tick.limits[member.tenant_id]
        change = decide(situation, grades[member.id], tick.now, policy)
        if change is not None:
            entries.append(Entry(member.id, member.state, **asdict(change)))
    return entries


def _tell(
    rt: Runtime,
    entries: Sequence[Entry],
    tenants: Mapping[UUID, UUID],
    paused: Sequence[tuple[UUID, str, str]],
) -> None:
    """Say what happened, with ids only: a template's name is its tenant's own text."""
    bumps: dict[str, float] = {}
    for entry in entries:
        if entry.state is SenderState.CORDONED:
            tenant_id = tenants[entry.sender_id]
            log().warning(
                "sender.cordoned", sender_id=str(entry.sender_id), tenant_id=str(tenant_id)
            )
            bumps[_CORDONED] = bumps.get(_CORDONED, 0) + 1
    for tenant_id, _, _ in paused:
        log().warning("template.paused", tenant_id=str(tenant_id))
        bumps[_PAUSED] = bumps.get(_PAUSED, 0) + 1
    if bumps:
        rt.counters.add(bumps)


_CORDONED = "posthorn_senders_cordoned_total"
_PAUSED = "posthorn_templates_paused_total"
