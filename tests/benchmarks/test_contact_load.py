"""The benchmark of contacts runs, and every row of a file becomes a contact."""

from __future__ import annotations

import pytest

from tests.benchmarks import contact_load
from tests.benchmarks.machine import machine

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


def test_a_small_file_and_a_few_searches_are_measured() -> None:
    with machine() as m:
        found = contact_load.load(m, 3_000)
        searched = contact_load.searches(m, 3_000)
    assert min(found.imported_per_s, found.copied_per_s) > 0
    assert found.rss_mb < 300
    assert set(searched) == set(contact_load.SEARCHES)
