"""What each worker process owns, and what happens when it starts and stops.

The main process sweeps; its children, forked before anything is connected, each have a runtime and a
window of their own.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from datetime import timedelta
from typing import Any

from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)

from messaging import deliveries, maintenance, outcomes, telemetry
from messaging.access import KnownKeys
from messaging.courier import Courier
from messaging.domain import addresses
from messaging.providers.transport import Transport
from messaging.request_rates import RequestRates
from messaging.runtime import DatabaseError, Runtime
from messaging.window import Window
from workers.app import settings

_PR_SET_PDEATHSIG = 1
_shutting_down = multiprocessing.Value("b", 0)
_sweeper_stop = threading.Event()


class Process:
    """A worker child's runtime, its window for sends, its transports for look-ups, who hands things in."""

    def __init__(self) -> None:
        timeout = timedelta(seconds=settings.provider_timeout_seconds)
        options = {
            "timeout": timeout,
            "connect_timeout": min(timeout, timedelta(seconds=5)),
            "ca_file": settings.provider_ca_file or None,
        }
        self.rt = Runtime.start(settings, name="worker")
        self.lookups = Transport(**options)  # type: ignore[arg-type]  # the options are Transport's own
        self.polls = Transport(**options)  # type: ignore[arg-type]  # as above
        self.lines = Transport(**options)  # type: ignore[arg-type]  # as above
        self.registrations = Transport(**options)  # type: ignore[arg-type]  # as above
        self.keys = KnownKeys(self.rt)
        self.requests = RequestRates(self.rt.redis)
        self.courier = Courier(settings.callback_allowed)
        self.window = Window(
            Transport(**options, max_connections=settings.window),  # type: ignore[arg-type]  # as above
            settings.window,
            lambda results: outcomes.record(self.rt, results),
        )
        self.window.keep()


_process: Process | None = None


def current() -> Process:
    """This process's; made on first use, so always on the right side of the fork."""
    global _process  # noqa: PLW0603 - one per process is what it is
    if _process is None:
        _process = Process()
    return _process


def stopping() -> bool:
    """Whether the worker this process belongs to is shutting down."""
    return bool(_shutting_down.value)


@setup_logging.connect
def _configure_logging(**_: Any) -> None:
    telemetry.configure(settings.log_level, json=settings.environment == "production")


@worker_process_init.connect
def _after_fork(**_: Any) -> None:
    global _process  # noqa: PLW0603 - nothing of the parent's may be used here
    _process = None
    if sys.platform == "linux":
        # A child without its parent gets no work; its open calls are settled by evidence.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)


@worker_process_shutdown.connect
def _before_exit(**_: Any) -> None:
    if _process is not None:
        left = _process.window.drain(settings.provider_timeout_seconds + 1)
        if left:
            telemetry.log().warning("window.left_behind", calls=left)
        deliveries.finish(_process.rt, _process.courier, settings.provider_timeout_seconds)
        _process.rt.close()


@worker_shutting_down.connect
def _tell_children(**_: Any) -> None:
    _shutting_down.value = 1
    _sweeper_stop.set()


@worker_init.connect
def _before_fork(**_: Any) -> None:
    addresses.warm("+12025550100")  # the children inherit it
    Runtime.settle()
    # A one-time code must not wait for a time slice that bulk is using; the children inherit it.
    os.nice(settings.niceness)


@worker_ready.connect
def _start_sweeping(**_: Any) -> None:
    threading.Thread(target=_sweep_for_ever, name="sweeper", daemon=True).start()


def _sweep_for_ever() -> None:
    """The sweep that hangs from nothing: no beat, no broker, no task."""
    rt = Runtime.start(settings, name="sweeper")
    while not _sweeper_stop.wait(settings.sweep_seconds * (0.8 + 0.4 * rt.rng.random())):
        try:
            maintenance.sweep(rt)
        except DatabaseError as error:
            telemetry.log().warning("sweep.database_away", error=type(error).__name__)
        except Exception:  # noqa: BLE001 - the sweeper must outlive whatever it meets
            telemetry.log().exception("sweep.failed")
    rt.close()
