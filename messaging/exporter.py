"""What does Prometheus see? Depth and age from Postgres and counters from Redis, read at the scrape.

One process serves them for the whole deployment: a copy in each API replica would be summed.
"""

from __future__ import annotations

import re
import signal
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from threading import Event, Lock, Thread
from time import monotonic
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from messaging import __version__, telemetry
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import fleet_views, gauges, views
from messaging.telemetry import log

_CACHED_SECONDS = 5.0
_SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="([^"]*)"')
_HISTOGRAM = re.compile(r"(.+)_(bucket|sum|count)")

_HELP = {
    "posthorn_messages_accepted": "Messages kept, by the door they came through",
    "posthorn_messages_finished": "Messages that reached a final status",
    "posthorn_attempts": "Calls to providers that ended, by outcome",
    "posthorn_senders_chosen": "Messages put on the wire, by why their sender was chosen",
    "posthorn_receipts": "Delivery receipts, by what became of them",
    "posthorn_attempt_duration_seconds": "How long calls to providers took",
    "posthorn_due_to_sent_seconds": "From the time a message was due until its provider had it",
}
Labels = tuple[tuple[str, str], ...]


class Ledger(Collector):
    """Every metric there is, at most five seconds old."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._lock = Lock()
        self._read_at = -_CACHED_SECONDS
        self._metrics: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        """The metrics; several scrapers at once share one reading."""
        with self._lock:
            if monotonic() - self._read_at >= _CACHED_SECONDS:
                self._metrics = [*_from_postgres(self._rt), *counted(self._rt.counters.read())]
                self._read_at = monotonic()
            return self._metrics


def serve(rt: Runtime, port: int, host: str = "127.0.0.1") -> tuple[WSGIServer, Thread]:
    """Serve `/metrics` from a thread; port 0 takes a free one. `shutdown()` the server to stop."""
    registry = CollectorRegistry()
    registry.register(Ledger(rt))
    return start_http_server(port, host, registry)


def _from_postgres(rt: Runtime) -> Iterator[Metric]:
    """The gauges; without the database, only that it is away."""
    build = GaugeMetricFamily("posthorn_build_info", "The version that runs", labels=["version"])
    build.add_metric([__version__], 1)
    yield build
    up = GaugeMetricFamily("posthorn_database_up", "Whether Postgres answers")
    try:
        with rt.engine.connect() as db:
            found = [*_lanes(db), *_waiting(db), *_doubt(db), *_heartbeats(db), *_senders(db)]
            found += _routes(rt, db)
    except SQLAlchemyError as error:
        log().error("scrape_without_database", kind=type(error).__name__)
        found = []
    up.add_metric([], 1 if found else 0)
    yield up
    yield from found


def _lanes(db: Connection) -> Iterator[Metric]:
    ready = GaugeMetricFamily(
        "posthorn_lane_ready", "Messages due now; counting stops at 10000", labels=["lane"]
    )
    oldest = GaugeMetricFamily(
        "posthorn_lane_oldest_seconds", "How long the oldest has been due", labels=["lane"]
    )
    for lane in views.lanes(db):
        ready.add_metric([lane.lane], lane.ready)
        oldest.add_metric([lane.lane], lane.oldest_seconds)
    yield ready
    yield oldest


def _waiting(db: Connection) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "posthorn_scheduled",
        "Messages that wait for a time; counting stops at 100000",
        value=gauges.scheduled(db),
    )
    yield GaugeMetricFamily(
        "posthorn_receipts_pending",
        "Receipts kept and not yet applied; counting stops at 100000",
        value=gauges.pending_receipts(db),
    )


def _doubt(db: Connection) -> Iterator[Metric]:
    count = GaugeMetricFamily(
        "posthorn_in_doubt", "Attempts of unknown outcome", labels=["provider"]
    )
    oldest = GaugeMetricFamily(
        "posthorn_in_doubt_oldest_seconds", "Age of the oldest of them", labels=["provider"]
    )
    for found in gauges.in_doubt(db):
        count.add_metric([found.provider], found.count)
        oldest.add_metric([found.provider], found.oldest_seconds)
    yield count
    yield oldest


def _heartbeats(db: Connection) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "posthorn_beat_last_run_timestamp_seconds", "When a job last ran", labels=["entry"]
    )
    for name, at in gauges.heartbeats(db).items():
        family.add_metric([name], at)
    yield family


def _senders(db: Connection) -> Iterator[Metric]:
    """How senders stand, by id: an address is somebody's, and a metric is everybody's."""
    state = GaugeMetricFamily(
        "posthorn_sender_state", "1 for the state a sender is in", labels=["sender", "state"]
    )
    left = GaugeMetricFamily(
        "posthorn_sender_headroom_share", "What is left of a sender's day", labels=["sender"]
    )
    delivered = GaugeMetricFamily(
        "posthorn_sender_delivered_ratio",
        "Delivered, of what ended within 24 hours; absent where nothing did",
        labels=["sender"],
    )
    for view in fleet_views.read(db, None):
        state.add_metric([str(view.id), view.state.value], 1)
        left.add_metric([str(view.id)], view.headroom)
        if view.day.ended:
            delivered.add_metric([str(view.id)], view.day.delivered / view.day.ended)
    yield from (state, left, delivered)


def _routes(rt: Runtime, db: Connection) -> Iterator[Metric]:
    """Provider accounts that are not asked for some channel and country, or only by probes."""
    family = GaugeMetricFamily(
        "posthorn_provider_state",
        "Accounts whose route is open or half open; closed ones are absent",
        labels=["provider", "channel", "country", "state"],
    )
    names = gauges.providers(db)
    counts: Counter[tuple[str, ...]] = Counter()
    for key, circuit in rt.breakers.circuits().items():
        account_id, channel, country = key.split(":")
        state = "half_open" if rt.now().timestamp() >= circuit.until else "open"
        counts[names.get(account_id, "gone"), channel, country, state] += 1
    for labels, count in counts.items():
        family.add_metric(labels, count)
    yield family


def counted(series: Mapping[str, float]) -> Iterator[Metric]:
    """Counters and histograms from the shared hash, named `metric{label="value"}`."""
    plain: dict[str, list[tuple[Labels, float]]] = defaultdict(list)
    histograms: dict[str, dict[str, list[tuple[Labels, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for key, value in sorted(series.items()):
        match = _SERIES.fullmatch(key)
        if match is None:
            continue
        name, labels = match.group(1), tuple(_LABEL.findall(match.group(2) or ""))
        part = _HISTOGRAM.fullmatch(name)
        if part is not None and not name.endswith("_total"):
            histograms[part.group(1)][part.group(2)].append((labels, value))
        else:
            plain[name.removesuffix("_total")].append((labels, value))
    yield from (_counter(name, samples) for name, samples in plain.items())
    yield from (_histogram(name, parts) for name, parts in histograms.items())


def _counter(name: str, samples: list[tuple[Labels, float]]) -> Metric:
    family = CounterMetricFamily(name, _HELP.get(name, name))
    for labels, value in samples:
        family.add_sample(f"{name}_total", dict(labels), value)
    return family


def _histogram(name: str, parts: Mapping[str, list[tuple[Labels, float]]]) -> Metric:
    """Buckets as they were counted; one that nothing ever fell into is absent."""
    family = HistogramMetricFamily(name, _HELP.get(name, name))
    ordered = sorted(parts.get("bucket", []), key=lambda sample: _bound(sample[0]))
    for labels, value in ordered:
        family.add_sample(f"{name}_bucket", dict(labels), value)
    for part in ("count", "sum"):
        for labels, value in parts.get(part, []):
            family.add_sample(f"{name}_{part}", dict(labels), value)
    return family


def _bound(labels: Labels) -> tuple[Labels, float]:
    """Sorts buckets of the same series together, by their upper bound."""
    others = tuple(label for label in labels if label[0] != "le")
    return others, float(dict(labels)["le"])


def run(settings: Settings) -> None:
    """Serve the metrics of a deployment until SIGTERM or Ctrl-C."""
    telemetry.configure(settings.log_level, json=settings.environment == "production")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    rt = Runtime.start(settings, name="exporter")
    server, thread = serve(rt, settings.metrics_port, settings.metrics_host)
    stop.wait()
    server.shutdown()
    server.server_close()
    thread.join()
    rt.close()


if __name__ == "__main__":
    run(Settings.read())
