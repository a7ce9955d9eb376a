from __future__ import annotations

import pytest

from tests.benchmarks.drain import check, stories
from tests.benchmarks.machine import machine
from tests.benchmarks.witness import VoidRunError


@pytest.mark.stack
def test_a_round_whose_messages_did_not_all_arrive_is_void() -> None:
    with machine() as m:
        check(m, 0)
        m.submit(m.requests(3))
        with pytest.raises(VoidRunError, match="ledger"):
            check(m, 3)
        with pytest.raises(VoidRunError, match="3 messages are stored"):
            check(m, 0)
        assert stories(m) == stories(m, at_once=False) == "3 x queued | submitted"
