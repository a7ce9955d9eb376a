"""Whatever ends `posthorn up`, nothing of it is left."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from messaging.discovery import running
from tests.journeys.household import household, poll

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left(home: Path, how: signal.Signals) -> None:
    with household(home, ["--no-flower", "--no-sandbox"]) as posthorn:
        family = psutil.Process(posthorn.process.pid).children(recursive=True)
        assert len(family) > 10
        posthorn.process.send_signal(how)
        status = posthorn.process.wait(timeout=40)
    assert status == (-how if how is signal.SIGKILL else 0)
    poll(lambda: not any(p.is_running() and p.status() != "zombie" for p in family), "some run on")
    assert running(home) is None
