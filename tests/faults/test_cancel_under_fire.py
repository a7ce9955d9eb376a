"""Is a message whose cancel was acknowledged ever sent?"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from tests.faults.caller import texts
from tests.faults.rig import Rig
from tests.faults.verdict import compare, ledger, settle

SEED = 11

pytestmark = pytest.mark.fault


def test_what_was_cancelled_is_never_sent_however_busy_the_pumps_are(rig: Rig) -> None:
    caller = rig.caller(senders=4, mps=20)
    ids = caller.send(texts(600))
    order = random.Random(SEED).sample(ids, 400)

    def cancel(message: UUID) -> int:
        return caller.http.post(f"/v1/messages/{message}/cancel").status_code

    with ThreadPoolExecutor(6) as pool:
        answers = dict(zip(order, pool.map(cancel, order), strict=True))
    settle(rig, caller, 60)
    verdict = compare(rig, caller)
    figures = f"seed {SEED}: {verdict}"
    print(figures)

    assert set(answers.values()) <= {200, 409}, figures
    called_off = {str(i) for i, status in answers.items() if status == 200}
    assert 0 < len(called_off) < len(order), "the two never raced: change the rates"
    assert not called_off & {row["m"] for row in ledger(rig, caller)}, figures
    assert verdict.statuses["canceled"] == len(called_off), figures
    assert verdict.is_clean, figures
