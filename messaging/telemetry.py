"""What the system says about itself: structured logs without personal data, and counters.

Counters live in one Redis hash, bumped every half second; the exporter reads them at scrape time, so no
prefork child ever serves metrics. Log fields are ids, words and numbers, never an address or a body.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections import Counter
from collections.abc import Mapping

import redis
import structlog

from messaging.queues import KEY_PREFIX

COUNTERS_KEY = f"{KEY_PREFIX}counters"
_GATHER_SECONDS = 0.5


def configure(level: str, *, json: bool) -> None:
    """Set logging up for this process; once, at its start."""
    logging.basicConfig(level=level.upper(), stream=sys.stderr, format="%(message)s")
    # At INFO these print whole URLs, and a look-up's URL holds an address.
    for name in ("httpx", "httpcore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without locals: a traceback's variables may hold a message.
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def log() -> structlog.typing.FilteringBoundLogger:
    """The logger of this process."""
    return structlog.get_logger()  # type: ignore[no-any-return]  # structlog returns a lazy proxy


class Counters:
    """Counters and histogram buckets shared by every process, named `metric{label="value"}`.

    Bumps are gathered for half a second and go to Redis together, from a thread of their own, so
    that no caller ever waits for Redis to be counted.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._waiting: dict[str, float] = {}
        self._timer: threading.Timer | None = None

    def add(self, amounts: Mapping[str, float]) -> None:
        """Bump several counters. A bump may be lost with its process; that is no error."""
        with self._lock:
            for name, amount in amounts.items():
                self._waiting[name] = self._waiting.get(name, 0) + amount
            if self._timer is None:
                self._timer = threading.Timer(_GATHER_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Send what has been gathered, in one round trip; afterwards nothing is under way."""
        with self._lock:
            amounts, self._waiting = self._waiting, {}
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        with self._sending, contextlib.suppress(redis.RedisError):
            if not amounts:
                return
            with self._redis.pipeline(transaction=False) as pipe:
                for name, amount in amounts.items():
                    pipe.hincrbyfloat(COUNTERS_KEY, name, amount)
                pipe.execute()

    def read(self) -> dict[str, float]:
        """All counters as they stand; empty if Redis is away."""
        try:
            found = self._redis.hgetall(COUNTERS_KEY)
        except redis.RedisError:
            return {}
        return {name.decode(): float(value) for name, value in found.items()}  # type: ignore[union-attr]


def label(metric: str, **labels: str) -> str:
    """The name of one labelled counter, in Prometheus' own notation."""
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{metric}{{{inside}}}" if inside else metric


def tally(metric: str, **columns: list[str]) -> dict[str, float]:
    """Counter bumps for a batch: one per distinct combination of label values."""
    names = list(columns)
    found = Counter(zip(*columns.values(), strict=True))
    return {label(metric, **dict(zip(names, key, strict=True))): n for key, n in found.items()}


def buckets(
    metric: str, bounds: tuple[float, ...], values: list[float], **labels: str
) -> dict[str, float]:
    """Histogram bumps for a batch of observations, cumulative as Prometheus wants them."""
    bumps: dict[str, float] = {}
    for bound in bounds:
        count = sum(1 for value in values if value <= bound)
        if count:
            bumps[label(f"{metric}_bucket", le=f"{bound:g}", **labels)] = count
    bumps[label(f"{metric}_bucket", le="+Inf", **labels)] = len(values)
    bumps[label(f"{metric}_sum", **labels)] = sum(values)
    bumps[label(f"{metric}_count", **labels)] = len(values)
    return bumps
