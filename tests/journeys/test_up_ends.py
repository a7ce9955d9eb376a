"""Whatever ends `posthorn up`, nothing of it is left. Ctrl-C ends the one all other journeys use."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.journeys.household import household

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left(home: Path, how: signal.Signals) -> None:
    with household(home, ["--no-flower", "--no-sandbox"]) as posthorn:
        posthorn.end(how)
