"""Does a person show anywhere they should not, whatever compliance does to them?

One person is written to, refused, deferred, opted out and in again, asked about and at last erased;
another is only ever named in requests that are refused. Their numbers, what was written to them and
what they wrote may stand in the rows that need it, and nowhere else: no log, no Redis command, no
event, no page, no verdict, no answer that says what is wrong.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from messaging.queues import Task
from tests.faults import canary as doors
from tests.faults.caller import client_of
from tests.faults.canary import PERSON, WORDS, Canary
from tests.faults.rig import Rig, until
from tests.faults.searching import (
    commands,
    ended,
    events,
    everything_in,
    flower_pages,
    logs,
    metrics,
    places,
    remote,
    watchers,
)
from tests.faults.verdict import settle
from tests.remains import remains

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]

ROWS = {
    "messages.recipient",
    "messages.body",
    "raw_receipts.body",
    "inbound_messages.from_address",
    "inbound_messages.body",
    "consent_events.evidence",
}
"""What cannot do without."""


@pytest.fixture
def canary(watched: Rig) -> Canary:
    caller = watched.caller(senders=1, mps=100)
    ((sid, (sender,)),) = caller.senders.items()
    ((account,),) = watched.query("SELECT id FROM provider_accounts WHERE name = :n", n=sid)
    made = Canary(watched, caller, sender, str(account))
    (found,) = made.ask("GET", "/v1/senders", 200).json()["data"]
    made.ask("PATCH", f"/v1/senders/{found['id']}", 200, json={"reply_owner": "self"})
    return made


def test_a_person_shows_nowhere_but_where_they_must(canary: Canary) -> None:
    rig = canary.rig
    broker = client_of(rig.redis.url)
    seen: list[dict[str, Any]] = []
    given: list[str] = []
    with events(broker, seen), rig.bell() as client:
        with commands(client, given):
            doors.agree(canary)
            doors.refuse(canary)
            doors.live(canary)
        tasks = doors.hand_in(canary, broker)
        until(lambda: ended(seen) >= set(tasks), 30, "every task has ended")
        settle(rig, canary.caller, 30)
        doors.draft(canary)
        stands = remains(rig.engine, *WORDS, only_of=canary.caller.tenant.id)
        doors.erase(canary)
        after = remains(rig.engine, *WORDS, only_of=canary.caller.tenant.id)
        searched = {
            "celery events": repr(seen),
            "redis commands": "\n".join(given),
            "redis": everything_in(client),
            "remote control": remote(rig),
            **{f"flower {page}": text for page, text in flower_pages(rig, tasks).items()},
            **logs(rig),
            **canary.told,
            **canary.refusals,
        }
    if "exporter" in watchers(rig):
        searched["metrics"] = metrics(rig)
    broker.close()
    size = sum(map(len, searched.values()))
    print(f"{len(given)} commands, {len(canary.refusals)} refusals, {size} characters searched")
    assert places(searched, WORDS) == []
    assert stands == ROWS
    assert after == set()

    # The search was one: what may be seen is found in the same places.
    assert places({"queue": b64encode(b'{"to": "%s"}' % PERSON.encode()).decode()}, WORDS)
    assert Task.SEND.value in searched["celery events"]
    assert places({"redis": searched["redis commands"]}, [Task.DISPATCH_NORMAL.value])
    assert tasks[0] in searched[f"flower /api/task/info/{tasks[0]}"]
    assert "intake.refused" in searched["worker-intake.log"]
    assert "opted_out" in "".join(canary.told.values())
    kept = rig.query(
        "SELECT keyword, inferred FROM inbound_messages WHERE tenant_id = :t ORDER BY id",
        t=canary.caller.tenant.id,
    )
    assert [tuple(row) for row in kept] == [
        ("OTHER", False),
        ("HELP", False),
        ("STOP", True),
        ("START", False),
        ("STOP", False),
    ]
