"""A person says STOP in the middle of a hundred messages: the whole of Posthorn, by its own doors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.journeys.household import Household, poll

PERSON, SENDER = "+12025550171", "+15125550100"
AT_ONCE, LATER = 80, 20

pytestmark = pytest.mark.stack


class Telephone:
    """The person's, beside the carrier's witness of what reached it."""

    def __init__(self, sandbox: httpx.Client) -> None:
        self.sandbox = sandbox
        self._before = self._count()

    def says(self, body: str, **fields: str) -> str:
        asked = {"from": PERSON, "to": SENDER, "body": body, **fields}
        answer = self.sandbox.post("/sandbox/inbound", json=asked).raise_for_status().json()
        assert answer["answered"] == 204
        return str(answer["sid"])

    def got(self) -> int:
        """How many messages the carrier has accepted for this person since the test began."""
        return self._count() - self._before

    def _count(self) -> int:
        rows: list[Any] = []
        while page := self.sandbox.get(
            "/sandbox/ledger", params={"after": rows[-1]["index"] if rows else 0, "limit": 10_000}
        ).json():
            rows += page
        return sum(row["to"] == PERSON for row in rows)


@pytest.fixture
def api(posthorn: Household) -> Iterator[httpx.Client]:
    """The development tenant's API, while the answers on one of its numbers are Posthorn's own."""
    headers = {"Authorization": f"Bearer {posthorn.address.api_key}"}
    with httpx.Client(base_url=posthorn.address.url, headers=headers, timeout=30) as client:
        found = {s["address"]: s for s in client.get("/v1/senders").json()["data"]}[SENDER]
        path = f"/v1/senders/{found['id']}"
        client.patch(path, json={"reply_owner": "self"}).raise_for_status()
        yield client
        client.patch(path, json={"reply_owner": found["reply_owner"]}).raise_for_status()


@pytest.fixture
def telephone(posthorn: Household) -> Iterator[Telephone]:
    assert posthorn.address.sandbox_url is not None
    with httpx.Client(base_url=posthorn.address.sandbox_url, timeout=30) as client:
        yield Telephone(client)


def submit(api: httpx.Client, count: int, **fields: str) -> set[str]:
    message = {"to": PERSON, "from": SENDER, "body": "Your parcel moved on", **fields}
    answer = api.post("/v1/messages", json=[message] * count)
    assert answer.status_code == 202, answer.text
    return {entry["id"] for entry in answer.json()["data"]}


def to_person(api: httpx.Client) -> dict[str, Any]:
    found = api.post("/v1/messages/search", json={"to": PERSON, "limit": 200}).json()["data"]
    return {message["id"]: message for message in found}


def inbound(api: httpx.Client) -> list[Any]:
    found: list[Any] = api.get("/v1/inbound").json()["data"]
    return [row for row in found if row["from"] == PERSON]


def answered(api: httpx.Client, body: str) -> Any:
    """The answer to what the person said, once it is delivered."""
    reply_id = next(row["reply_id"] for row in inbound(api) if row["body"] == body)
    assert reply_id is not None
    return delivered(api, reply_id)


def delivered(api: httpx.Client, message_id: str) -> Any:
    def there() -> Any:
        message = api.get(f"/v1/messages/{message_id}").json()
        return message if message["status"] == "delivered" else None

    return poll(there, "a message was not delivered", 30.0)


def test_stop_in_the_middle(api: httpx.Client, telephone: Telephone) -> None:
    before = to_person(api).keys()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()  # noqa: TID251 - the caller's clock
    ours = submit(api, AT_ONCE, priority="LOW") | submit(api, LATER, scheduled_for=later)
    poll(lambda: telephone.got() >= 5, "nothing was sent")
    stop = telephone.says("Stop!")
    obeyed_at = datetime.now(UTC)  # noqa: TID251 - this machine's, as the database's is
    confirmation = answered(api, "Stop!")
    left = telephone.got() - 1
    assert left < AT_ONCE
    assert confirmation["to"] == PERSON
    assert confirmation["from"] == SENDER
    telephone.says("Stop!", sid=stop)
    telephone.says("please stop texting me")
    telephone.says("help")
    assert answered(api, "help")["body"] != confirmation["body"]

    def settled() -> Any:
        found = to_person(api)
        words = Counter(found[message_id]["status"] for message_id in ours)
        return found if words["delivered"] + words["canceled"] == len(ours) else None

    found = poll(settled, "some messages are neither delivered nor canceled", 30.0)
    sent = [found[i] for i in ours if found[i]["status"] == "delivered"]
    assert len(sent) == left
    assert max(datetime.fromisoformat(m["sending_started_at"]) for m in sent) <= obeyed_at
    canceled = [found[i] for i in ours if found[i]["status"] == "canceled"]
    assert len(canceled) == AT_ONCE + LATER - left
    assert {message["status_reason"] for message in canceled} == {"opted_out"}
    assert len(found.keys() - before) == len(ours) + 2
    assert telephone.got() == left + 2
    read = [(row["keyword"], row["inferred"]) for row in inbound(api)]
    assert read == [("HELP", False), ("STOP", True), ("STOP", False)]

    again = {"to": PERSON, "from": SENDER, "body": "Hello again"}
    refused = api.post("/v1/messages", json=again)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "opted_out")
    telephone.says("START")
    assert "subscribed again" in answered(api, "START")["body"]
    assert delivered(api, api.post("/v1/messages", json=again).json()["id"])
