"""The benchmark of campaigns runs, writes to everybody once, and stays small."""

from __future__ import annotations

import pytest

from tests.benchmarks import campaign_load
from tests.benchmarks.machine import machine

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


def test_a_small_campaign_is_measured() -> None:
    with machine() as m:
        found = campaign_load.expand(m, 6_000)
    assert min(found.expanded_per_s, found.copy_per_s, found.snapshot_per_s) > 0
    assert found.rss_mb < 300
