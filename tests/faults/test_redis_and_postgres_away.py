"""What happens to callers and to messages while a server is away?"""

from __future__ import annotations

import time

import httpx
import pytest

from messaging.queues import Task, WorkQueue
from tests.faults.caller import Caller, client_of, percentile, texts
from tests.faults.rig import WORKERS, Rig, until
from tests.faults.verdict import compare, ledger, settle

pytestmark = pytest.mark.fault

SLOWEST_ANSWER = 1.5
RESUMED_WITHIN = 20.0


def refused(response: httpx.Response) -> str:
    """The code of a problem+json answer; fails if it is anything else."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    assert problem["status"] == response.status_code
    assert "Traceback" not in response.text
    code: str = problem["code"]
    return code


def post_for(caller: Caller, seconds: float, word: str) -> list[tuple[int, float]]:
    """One message every 50 ms; (status, seconds to the answer) of each."""
    answers = []
    end = time.monotonic() + seconds
    for n, message in enumerate(texts(1000, word)):
        began = time.monotonic()
        if began > end:
            break
        answer = caller.post(message, key=f"{word}-{n}")
        answers.append((answer.status_code, time.monotonic() - began))
        if answer.status_code != 202:
            assert answer.status_code == 503, answer.text
            assert refused(answer) in {"intake_unavailable", "unavailable"}
        time.sleep(max(0.0, 0.05 - answers[-1][1]))
    return answers


def test_without_redis_intake_answers_and_sending_resumes_by_itself(rig: Rig) -> None:
    caller = rig.caller(mps=50)
    caller.send(texts(400, "before"))
    rig.redis.kill()
    answers = post_for(caller, 10.0, "during")
    rig.redis.start()
    resumed = settle(rig, caller, RESUMED_WITHIN)
    slow = [seconds for _, seconds in answers]
    verdict = compare(rig, caller)
    figures = (
        f"{len(answers)} posted without Redis, slowest {max(slow):.3f} s, p95 "
        f"{percentile(slow, 0.95):.3f} s; all sent {resumed:.1f} s after it was back; {verdict}"
    )
    print(figures)
    assert {status for status, _ in answers} == {202}, figures
    assert max(slow) < SLOWEST_ANSWER, figures
    assert verdict.is_clean, figures


def test_a_redis_that_comes_back_empty_loses_nothing(rig: Rig) -> None:
    caller = rig.caller(mps=50)
    caller.send(texts(300))
    rig.redis.kill()
    rig.redis.start()
    resumed = settle(rig, caller, RESUMED_WITHIN)
    verdict = compare(rig, caller)
    print(f"all sent {resumed:.1f} s later; {verdict}")
    assert verdict.is_clean, str(verdict)


def test_tasks_handed_in_without_postgres_are_kept_when_it_is_back(rig: Rig) -> None:
    caller = rig.caller(mps=50)
    broker = client_of(rig.redis.url)
    rig.postgres.kill()
    for message in texts(20, "by task"):
        asked = {"api_key": caller.key, **message}
        broker.send_task(Task.SEND.value, kwargs=asked, queue=WorkQueue.INTAKE.value)
    with rig.bell() as client:
        queue = WorkQueue.INTAKE.value
        until(lambda: client.llen(queue) < 20, 10, "a worker has taken one of them")
    assert rig.kill_child("worker-intake", min), "there was no child to kill"
    rig.postgres.start()

    def kept() -> int:
        asked = "SELECT count(*) FROM messages WHERE tenant_id = :tenant"
        return int(rig.query(asked, tenant=caller.tenant.id)[0][0])

    took = until(lambda: kept() >= 20, 30, "all of them are kept")
    broker.close()
    settle(rig, caller, 30)
    sent = [row["m"] for row in ledger(rig, caller)]
    figures = f"{kept()} kept {took:.1f} s after Postgres was back, {len(sent)} sent"
    print(figures)
    assert kept() == len(sent) == len(set(sent)) == 20, figures


def test_without_postgres_intake_says_so_and_workers_outlive_it(rig: Rig) -> None:
    caller = rig.caller(mps=50)
    caller.send(texts(400, "before"))
    mains = {name: rig.pids(name)[0] for name in (*WORKERS, "api", "beat")}
    rig.postgres.kill()
    answers = post_for(caller, 5.0, "during")
    rig.postgres.start()
    back = until(rig.is_answering, 10, "the API is ready again")
    after = post_for(caller, 1.0, "after")
    resumed = settle(rig, caller, 60)
    verdict = compare(rig, caller)
    half = rig.query(
        """SELECT m.id FROM messages m WHERE m.tenant_id = :tenant
           AND NOT EXISTS (SELECT 1 FROM message_events e WHERE e.message_id = m.id)""",
        tenant=caller.tenant.id,
    )
    figures = (
        f"{len(answers)} posted without Postgres, slowest {max(s for _, s in answers):.3f} s; "
        f"ready {back:.1f} s and all sent {resumed:.1f} s after it was back; {verdict}"
    )
    print(figures)
    assert {status for status, _ in answers} == {503}, figures
    assert {status for status, _ in after} == {202}, figures
    assert {name: rig.pids(name)[0] for name in mains} == mains, "a process did not survive"
    assert not half, figures
    assert verdict.is_clean, figures
    assert "Traceback" not in rig.log("api"), rig.log("api")[-3000:]
