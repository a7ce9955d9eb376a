"""A campaign is planned, sent by the real clock and workers, and told beside its plan."""

from __future__ import annotations

import pytest

from tests.benchmarks.foretold import foretell
from tests.benchmarks.machine import machine

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
PEOPLE = 300
COST_PERCENT = 4.0
EXACT = ("sent", "segments", "skipped: no_first_name", "blocked: opted_out")


def test_what_was_foretold_of_a_campaign_comes() -> None:
    with machine() as m:
        found = foretell(m, PEOPLE, rate=2.0)
    plan, told = found.campaign.plan, {line.what: line for line in found.comparison or []}
    assert plan is not None
    for what in EXACT:
        assert (told[what].error_percent, told[what].actual is not None) == (0.0, True), told
    assert told["skipped: no_first_name"].plan == 6
    assert told["blocked: opted_out"].plan
    cost = told["cost"]
    assert cost.error_percent is not None, told
    assert abs(cost.error_percent) < COST_PERCENT, told
    senders = [line for what, line in told.items() if what.startswith("senders")]
    assert len(senders) == 10
    assert all(line.plan and line.actual for line in senders), told
    seconds, actual = told["seconds"].plan, told["seconds"].actual
    assert seconds is not None
    assert actual is not None
    assert 0 < float(seconds) < float(actual)  # a busy machine is slower
