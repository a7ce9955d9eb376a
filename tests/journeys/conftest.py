from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.household import Household, household


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of its own; not below pytest's folder, which Postgres's own user may not enter."""
    with tempfile.TemporaryDirectory(prefix="posthorn-home-") as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def posthorn() -> Iterator[Household]:
    """One running Posthorn for every test that leaves it as it was; it must end well on Ctrl-C."""
    with (
        tempfile.TemporaryDirectory(prefix="posthorn-up-") as directory,
        household(Path(directory), POSTHORN_SWEEP_SECONDS="1") as running,
    ):
        yield running
        running.end(signal.SIGINT)
