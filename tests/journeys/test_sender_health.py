"""A number goes bad and recovers: carriers, receipts, workers and the clock are all real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from celery import Celery

from messaging import embedded
from messaging.queues import TASK_QUEUES, Task
from messaging.sandbox import DEFAULT_ACCOUNT
from tests.journeys.household import Household, poll

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

TENANT = "fragile"
BAD, GOOD = "+12125550111", "+13125550112"
"""Two numbers: one near the people in New York, and one that is not."""
FRIEND, STRANGER = "+12125550121", "+12125550122"
newcomers = iter([f"+1212555{n:04}" for n in range(123, 160)])
_AREAS = (202, 212, 213, 305, 312, 404, 415, 503, 512, 602)
UNREACHABLE = [f"+1{area}5550194" for area in _AREAS]
"""The carrier takes these and reports them undelivered (`messaging/sandbox/faults.py`)."""
MINIMUM = 20


@pytest.fixture
def api(posthorn: Household) -> Iterator[httpx.Client]:
    """A tenant of its own, so that nobody else's numbers are cordoned."""
    assert posthorn.address.sandbox_url is not None
    key = _settle_in(posthorn, posthorn.address.sandbox_url)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=posthorn.address.url, headers=headers, timeout=30) as client:
        health = {"minimum": MINIMUM, "cordon_hours": 0.002}
        client.patch("/v1/policy", json={"sender_health": health}).raise_for_status()
        yield client


def _settle_in(posthorn: Household, sandbox: str) -> str:
    def run(*words: str, stdin: str = "") -> str:
        done = posthorn.run(*words, "--tenant", TENANT, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    account = ("--name", "main", "--username", DEFAULT_ACCOUNT.sid, "--base-url", sandbox)
    run("accounts", "add", *account, "--secret-file", "-", stdin=DEFAULT_ACCOUNT.token)
    run("registration", "brand", "Acme", "--status", "active")
    run("registration", "campaign", "alerts", "--brand", "Acme", "--status", "verified")
    into = ("--account", "main", "--pool", "main", "--mps", "50", "--campaign", "alerts")
    run("senders", "add", BAD, GOOD, *into)
    return run("keys", "create")


def sender(api: httpx.Client, address: str) -> Any:
    found = api.get("/v1/senders").json()["data"]
    return next(row for row in found if row["address"] == address)


def write(api: httpx.Client, *people: str, **fields: str) -> list[Any]:
    """Write to these and wait until nothing more will come of it."""
    messages = [{"to": to, "body": f"Hello {n}", **fields} for n, to in enumerate(people)]
    answer = api.post("/v1/messages", json=messages)
    assert answer.status_code == 202, answer.text
    ids = [entry["id"] for entry in answer.json()["data"]]

    def ended() -> list[Any] | None:
        found = [api.get(f"/v1/messages/{message_id}").json() for message_id in ids]
        return found if all(m["status"] in {"delivered", "undeliverable"} for m in found) else None

    found: list[Any] = poll(ended, "some messages have not ended", 30.0)
    return found


def chosen(api: httpx.Client, to: str) -> tuple[str, str]:
    (message,) = write(api, to)
    assert message["status"] == "delivered"
    return message["from"], message["selection_reason"]


@pytest.fixture
def ring(posthorn: Household) -> Iterator[Callable[[], None]]:
    """Any Celery client may ring the bell; the test's own patience is shorter than the clock's."""
    found = embedded.running(posthorn.home)
    assert found is not None
    client = Celery(broker=found.redis_url, set_as_current=False)

    def once() -> None:
        task = Task.SENDERS
        client.send_task(task.value, queue=TASK_QUEUES[task].value, ignore_result=True)

    yield once
    client.close()


def test_a_number_goes_bad_its_traffic_moves_and_it_recovers(
    api: httpx.Client, ring: Callable[[], None]
) -> None:
    assert chosen(api, FRIEND) == (BAD, "LocalArea")
    bad = write(api, *UNREACHABLE * 3, **{"from": BAD})
    assert {m["status"] for m in bad} == {"undeliverable"}
    ring()  # one tick
    poll(lambda: sender(api, BAD)["state"] == "cordoned", "it was not cordoned")
    assert "not delivered" in sender(api, BAD)["state_reason"]
    assert chosen(api, FRIEND) == (BAD, "StickyConversation")
    # Workers go by what they knew for two seconds more.
    poll(lambda: chosen(api, next(newcomers)) == (GOOD, "HealthyPool"), "it does not move", 15.0)
    assert chosen(api, STRANGER) == (GOOD, "HealthyPool")
    assert chosen(api, STRANGER) == (GOOD, "StickyConversation")

    def is_back() -> bool:
        ring()
        return bool(sender(api, BAD)["state"] == "amber")

    poll(is_back, "the cordon did not end", 60.0)
    assert sender(api, GOOD)["state"] == "active"
    # New traffic comes back; from here on good results make it active (tests/dispatch).
    poll(lambda: chosen(api, next(newcomers)) == (BAD, "LocalArea"), "nobody new gets it", 15.0)
