"""W1 and W2: how fast does a backlog become messages a carrier has accepted, durably and once?

Posthorn's own workers, every check on. A round counts only if each message is `sent` with one
accepted attempt and all its events, and the carrier's ledger agrees to the message.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from messaging.domain.request import SendRequest
from messaging.processes import Group
from messaging.queues import Task
from tests.benchmarks.machine import Machine
from tests.benchmarks.vitals import cpu_seconds, frozen, resident_mb
from tests.benchmarks.witness import VoidRunError, wait_until

_WARM_UP = 500
NOTHING_LEFT = """
SELECT NOT (EXISTS (SELECT 1 FROM ready) OR EXISTS (SELECT 1 FROM claims)
            OR EXISTS (SELECT 1 FROM open_attempts))
"""
_STORIES = """
SELECT array_to_string(ARRAY[m.status::text, a.outcomes, e.events], ' | ') AS story, count(*) AS times
FROM messages m,
  LATERAL (SELECT count(*) FILTER (WHERE outcome = 'accepted') AS accepted,
                  string_agg(concat_ws('/', outcome, settled_by, detail), ' ' ORDER BY epoch) AS outcomes
           FROM attempts WHERE message_id = m.id) AS a,
  LATERAL (SELECT string_agg(event::text, ' ' ORDER BY id) AS events
           FROM message_events WHERE message_id = m.id) AS e
WHERE m.status <> 'sent' OR m.provider_message_id IS NULL OR a.accepted <> 1
  OR :at_once AND e.events IS DISTINCT FROM 'submitted attempted accepted'
GROUP BY 1 ORDER BY 2 DESC LIMIT 5
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one drain showed."""

    messages: int
    seconds: float
    cpu_us_per_message: float
    """Workers, Postgres and Redis; the carrier is not ours."""
    wal_bytes_per_message: float
    worker_rss_mb: float
    hot_update_share: float = 0.0
    """Of the updates of message rows."""

    @property
    def per_s(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds


@dataclass(frozen=True, slots=True)
class Answers:
    """How the carrier answers: seconds on average, and the share that takes two seconds."""

    latency: float = 0.0
    tail: float = 0.0


INSTANT = Answers()
REAL_WITH_TAIL = Answers(latency=0.15, tail=0.01)


Requests = Callable[[int], list[SendRequest]]


def drain(m: Machine, count: int, answers: Answers, requests: Requests | None = None) -> Round:
    """Queue `count` messages while the workers stand still, let them go, and wait for the last.

    Raises:
        VoidRunError: a message was lost, repeated, or is not written down as it should be.
    """
    with warm(m) as group:
        before = _updates(m)
        round_ = timed(m, group, count, answers, requests=requests)
    # Workers tell the server's statistics what they did at the latest when they disconnect.
    after = _updates(m)
    return replace(round_, hot_update_share=(after[1] - before[1]) / (after[0] - before[0]))


@contextlib.contextmanager
def warm(m: Machine) -> Iterator[Group]:
    """Workers of the low lane that have already sent something, on empty tables."""
    m.reset()
    with Group([m.workers("low")]) as group:
        m.submit(m.requests(_WARM_UP))
        wait_until(lambda: m.carrier.counts()["accepted"] == _WARM_UP, "the warm-up")
        wait_until(lambda: m.scalar(NOTHING_LEFT), "the end of the warm-up")
        m.reset()
        m.checkpoint()
        yield group


def timed(
    m: Machine,
    group: Group,
    count: int,
    answers: Answers,
    watch: Callable[[], object] = lambda: None,
    requests: Requests | None = None,
) -> Round:
    """The measured part of `drain`, for workers that are running and idle; calls `watch` meanwhile."""
    asked = (requests or m.requests)(count)
    with frozen(group, "low"):
        m.submit(asked)
        m.settle()
        if answers.latency:
            m.carrier.answer(
                latency=answers.latency,
                latency_spread=0.35,
                tail_rate=answers.tail,
                tail_latency=2.0,
            )
        pids = [*group.pids("low")[:1], *m.server_pids()]
        cpu, wal = cpu_seconds(pids), _wal(m)
        began = time.perf_counter()
    m.rt.hints.ring(Task.DISPATCH_LOW)
    accepted = 0
    while accepted < count:
        watch()
        time.sleep(0.05)
        accepted = m.carrier.counts()["accepted"]
        if time.perf_counter() - began > 60 + count / 100:
            raise VoidRunError(f"only {accepted} of {count} messages reached the carrier")
    wait_until(lambda: m.scalar(NOTHING_LEFT), "the last result", pause=0.01)
    seconds = time.perf_counter() - began
    spent, written = cpu_seconds(pids) - cpu, _wal(m) - wal
    rss = resident_mb(group.pids("low")[1:])
    check(m, count)
    return Round(count, seconds, spent / count * 1e6, written / count, rss)


def check(m: Machine, count: int, *, at_once: bool = True) -> None:
    """The database and the carrier tell the same story about `count` messages.

    Where processes stood still while they sent, some calls were over their time and were made again:
    then `at_once` is not asked for.

    Raises:
        VoidRunError: they do not.
    """
    ledger = m.carrier.counts()
    if ledger != {"accepted": count, "distinct": count, "duplicated": 0}:
        raise VoidRunError(f"the carrier's ledger says {ledger}; {count} messages were handed in")
    stored = m.scalar("SELECT count(*) FROM messages")
    if stored != count:
        raise VoidRunError(f"{stored} messages are stored; {count} were handed in")
    told = stories(m, at_once=at_once)
    if told:
        raise VoidRunError(f"of {count} messages not all are written down as sent once: {told}")


def stories(m: Machine, *, at_once: bool = True) -> str:
    """What is written of messages that were not sent once, or `at_once` after another attempt."""
    return "; ".join(f"{times} x {story}" for story, times in m.rows(_STORIES, at_once=at_once))


def _updates(m: Machine) -> tuple[int, int]:
    """Updates of message rows so far, and how many of them stayed on their page."""
    query = "SELECT {} FROM pg_stat_user_tables WHERE relname = 'messages'"
    return m.scalar(query.format("n_tup_upd")), m.scalar(query.format("n_tup_hot_upd"))


def _wal(m: Machine) -> int:
    return int(m.scalar("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))
