"""A customer's own server hears of a message's life: real workers, a real carrier, a real beat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.journeys.household import Household, poll
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.stack


@pytest.fixture
def customer() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def endpoint(posthorn: Household, customer: Receiver) -> Iterator[Any]:
    """The customer's endpoint, added beside the running Posthorn, which allows loopback."""
    made = posthorn.json("endpoints", "add", customer.url)
    yield made
    assert posthorn.run("endpoints", "remove", made["id"]).returncode == 0


@pytest.fixture
def api(posthorn: Household) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {posthorn.address.api_key}"}
    with httpx.Client(base_url=posthorn.address.url, headers=headers, timeout=30) as client:
        yield client


def test_a_message_is_told_as_sent_and_then_as_delivered(
    posthorn: Household, api: httpx.Client, customer: Receiver, endpoint: Any
) -> None:
    customer.says(500, 204)  # the first try fails, and what comes after it waits
    message = {"to": "+12025550163", "body": "Your table is ready.", "metadata": {"table": 7}}
    message_id = api.post("/v1/messages", json=message).raise_for_status().json()["id"]
    poll(
        lambda: [h.kind for h in customer.of(message_id)][-1:] == ["message.delivered"],
        "the customer was not told of the delivery",
        40,
    )
    heard = customer.of(message_id)
    assert [h.kind for h in heard] == ["message.sent", "message.sent", "message.delivered"]
    assert heard[0].id == heard[1].id != heard[2].id
    for one in heard:
        content = one.verified(endpoint["secret"])
        assert content["data"]["metadata"] == {"table": 7}
        assert b"+12025550163" not in one.body
    told = posthorn.json("endpoints", "notices", endpoint["id"])
    assert {(n["state"], n["last_status"]) for n in told} == {("delivered", 204)}


def test_what_was_missed_is_told_again(
    api: httpx.Client, customer: Receiver, endpoint: Any
) -> None:
    customer.says(410)
    where = f"/v1/endpoints/{endpoint['id']}"
    sent = api.post("/v1/messages", json={"to": "+12025550164", "body": "Hello"})
    message_id = sent.raise_for_status().json()["id"]
    poll(lambda: api.get(where).json()["disabled_reason"] == "gone", "it is not disabled")
    customer.says(204)
    assert api.patch(where, json={"enabled": True}).raise_for_status().json()["enabled"]
    replay = {"since": "2020-01-01T00:00:00Z"}
    assert api.post(f"{where}/replay", json=replay).raise_for_status().json()["replayed"] == 1
    poll(
        lambda: [h.kind for h in customer.of(message_id)].count("message.sent") == 2,
        "it was not told again",
    )
    assert customer.heard[-1].verified(endpoint["secret"])
