"""`posthorn doctor`: is everything as it must be, and if not, what is to be done?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx
import redis
from sqlalchemy.exc import SQLAlchemyError

from messaging import health
from messaging.cli.output import Form, Output, write_json
from messaging.discovery import located, running
from messaging.domain.errors import PosthornError
from messaging.embedded import check_database, check_redis
from messaging.providers import PROVIDERS
from messaging.queues import KEY_PREFIX
from messaging.runtime import Runtime
from messaging.settings import Settings, SettingsError
from messaging.store import migrate, pulse, views, vitals

STALE_LANE = 60.0
"""Seconds something may wait in a lane before nobody seems to serve it."""
STALE_PULSE = 30.0
"""Seconds without a sweep or a promotion after which their clocks seem to stand."""
MOST_SKEW = 5.0
_HERE = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - looked for, not bound


class Health(StrEnum):
    """What a check found."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer."""

    check: str
    health: Health
    detail: str
    remedy: str = ""


def doctor(*, output: Output = Form.TABLE) -> None:
    """Check everything there is to check; ends with 1 if something is wrong."""
    findings = list(examine())
    if output is Form.JSON:
        write_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            remedy = f" -> {finding.remedy}" if finding.remedy else ""
            sys.stdout.write(
                f"{finding.health:<4}  {finding.check:<14}  {finding.detail}{remedy}\n"
            )
    if any(finding.health is Health.FAIL for finding in findings):
        sys.exit(1)


def examine() -> Iterator[Finding]:
    """Every finding, from the settings outwards; what depends on a failed one is left out."""
    try:
        settings = located(Settings.read())
    except SettingsError as error:
        yield Finding("settings", Health.FAIL, str(error))
        return
    yield Finding("settings", Health.OK, settings.environment)
    yield _public_url(settings)
    database = _reachable("database", check_database, settings.database_url)
    broker = _reachable("redis", check_redis, settings.redis_url)
    rt = Runtime.start(settings, name="doctor")
    try:
        if database is None:
            yield from _database(rt)
        else:
            yield database
        if broker is None:
            yield from _redis(rt)
        else:
            yield broker
    finally:
        rt.close()
    yield from _beat(settings)
    yield from _flower(settings)


def _reachable(name: str, check: Callable[[str], None], url: str) -> Finding | None:
    try:
        check(url)
    except PosthornError as error:
        return Finding(name, Health.FAIL, error.detail)
    return None


def _public_url(settings: Settings) -> Finding:
    url = settings.public_url
    local = (urlsplit(url).hostname or "") in _HERE
    if settings.environment == "production" and local:
        remedy = "set POSTHORN_PUBLIC_URL to the address providers can reach"
        return Finding("public url", Health.FAIL, f"{url} is this machine only", remedy)
    return Finding("public url", Health.OK, url)


def _database(rt: Runtime) -> Iterator[Finding]:
    try:
        with rt.engine.connect() as db:
            yield Finding("database", Health.OK, f"PostgreSQL {vitals.version(db)}")
            skew = (vitals.clock(db) - rt.now()).total_seconds()
            yield _clocks(skew)
            have, need = migrate.version(db), migrate.head()
            if have != need:
                detail = f"the schema is at {have or 'nothing'}, this program needs {need}"
                yield Finding("schema", Health.FAIL, detail, "run 'posthorn migrate'")
                return
            yield Finding("schema", Health.OK, have)
            for lane in views.lanes(db):
                yield _lane(lane)
            yield _doubt(vitals.doubts(db))
            yield from _pulses(rt, pulse.beats(db))
            yield _accounts(vitals.accounts(db))
    except SQLAlchemyError as error:
        yield Finding("database", Health.FAIL, type(error).__name__, "look at the database's log")


def _clocks(skew: float) -> Finding:
    detail = f"{abs(skew):.1f} s between this machine and the database"
    if abs(skew) > MOST_SKEW:
        return Finding("clocks", Health.FAIL, detail, "let NTP set both clocks")
    return Finding("clocks", Health.OK, detail)


def _lane(lane: views.LaneView) -> Finding:
    name = f"lane {lane.lane}"
    detail = f"{lane.ready} due, the oldest for {lane.oldest_seconds:.0f} s"
    if lane.ready and lane.oldest_seconds > STALE_LANE:
        queue = "low" if lane.lane == "suspect" else lane.lane
        remedy = f"start a worker with -Q {queue}, or look why it is busy"
        return Finding(name, Health.FAIL, detail, remedy)
    return Finding(name, Health.OK, detail if lane.ready else "nothing waits")


def _doubt(found: vitals.Doubts) -> Finding:
    detail = f"{found.in_doubt} attempts in doubt, {found.open} open"
    if found.oldest_seconds > 3600:
        remedy = "see whether the provider's webhooks reach us and its API answers look-ups"
        return Finding("in doubt", Health.WARN, f"{detail}, the oldest for over an hour", remedy)
    return Finding("in doubt", Health.OK, detail)


def _pulses(rt: Runtime, beats: dict[str, Any]) -> Iterator[Finding]:
    for name in ("sweep", "promote_due"):
        last = beats.get(name)
        if last is None:
            detail, stale = "has never run", True
        else:
            lag = (rt.now() - last).total_seconds()
            detail, stale = f"last ran {max(lag, 0):.0f} s ago", lag > STALE_PULSE
        remedy = "start workers and beat: 'posthorn up', or docker compose up" if stale else ""
        yield Finding(name, Health.FAIL if stale else Health.OK, detail, remedy)


def _beat(settings: Settings) -> Iterator[Finding]:
    """Beat's own sign of life, where it keeps it on this machine."""
    if (settings.home / health.BEAT_FILE).exists():
        if health.beat(settings.home):
            yield Finding("beat", Health.OK, "goes round")
        else:
            yield Finding("beat", Health.FAIL, "has stopped going round", "restart beat")


def _accounts(found: dict[str, int]) -> Finding:
    unknown = sorted(found.keys() - PROVIDERS.keys())
    if unknown:
        detail = f"accounts at {', '.join(unknown)}, which this version does not know"
        return Finding("accounts", Health.FAIL, detail, "upgrade, or remove these accounts")
    if not found:
        return Finding("accounts", Health.WARN, "there are none", "run 'posthorn accounts add'")
    return Finding("accounts", Health.OK, ", ".join(f"{n} at {p}" for p, n in found.items()))


def _redis(rt: Runtime) -> Iterator[Finding]:
    try:
        server: Any = rt.redis.info("server")
        memory: Any = rt.redis.info("memory")
        waiting: Any = rt.redis.exists(f"{KEY_PREFIX}counters")
    except redis.RedisError as error:
        yield Finding("redis", Health.FAIL, type(error).__name__, "look at its log")
        return
    counted = "counting" if waiting else "nothing counted yet"
    yield Finding("redis", Health.OK, f"Redis {server['redis_version']}, {counted}")
    policy = memory.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        yield Finding("eviction", Health.OK, policy)
    else:
        remedy = "set maxmemory-policy noeviction: Celery's queues must not be evicted"
        yield Finding("eviction", Health.FAIL, str(policy), remedy)


def _flower(settings: Settings) -> Iterator[Finding]:
    found = running(settings.home)
    if found is None or found.flower_url is None:
        return
    try:
        reply = httpx.get(f"{found.flower_url}/workers", timeout=3, trust_env=False)
    except httpx.HTTPError as error:
        yield Finding("flower", Health.WARN, type(error).__name__, "see its log")
        return
    if reply.status_code == 401:
        yield Finding("flower", Health.OK, "asks for a password")
    else:
        remedy = "give it basic authentication, and keep it off public interfaces"
        yield Finding("flower", Health.FAIL, f"{found.flower_url} lets anybody in", remedy)
