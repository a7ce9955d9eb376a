"""Why this number? Each documented reason, over HTTP and real workers, by the word it is documented with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from messaging.sandbox import DEFAULT_ACCOUNT
from tests.journeys.household import Household, poll

pytestmark = pytest.mark.stack

TENANT = "reasons"
# What the numbers are for; none is in a pool unless it says so.
ASKED, LEADS, CAMPAIGNS, SOURCES, AGENTS, FAVOURITE = (f"+1415555013{n}" for n in range(6))
NEARBY, FAR, FAR_TOO, DEFAULT = "+12125550136", "+19075550137", "+19075550138", "+14155550139"
SECOND_ACCOUNTS, WORN = "+19075550140", "+19075550141"


class Sent(NamedTuple):
    """Which number a message left from, and why."""

    sender: str
    reason: str


class Shop:
    """A tenant with one number for each reason."""

    def __init__(self, posthorn: Household, api: httpx.Client) -> None:
        self.posthorn, self.api = posthorn, api
        self._people = iter(range(100, 200))

    def person(self, area: str = "718") -> str:
        """Somebody nobody has written to."""
        return f"+1{area}5550{next(self._people)}"

    def put(self, path: str, **asked: Any) -> Any:
        answer = self.api.put(path, json=asked)
        assert answer.is_success, answer.text
        return answer

    def add(self, address: str, **asked: Any) -> str:
        found = self.api.post("/v1/senders", json={"address": address, "mps": 100, **asked})
        assert found.status_code == 201, found.text
        return str(found.json()["id"])

    def send(self, to: str, **asked: Any) -> tuple[str, Sent]:
        """The message's id, and what became of it once it is delivered."""
        answer = self.api.post("/v1/messages", json={"to": to, "body": "Hello", **asked})
        assert answer.status_code == 202, answer.text
        path = f"/v1/messages/{answer.json()['id']}"

        def there() -> Any:
            found = self.api.get(path).json()
            return found if found["status"] == "delivered" else None

        found = poll(there, "a message was not delivered", 30.0)
        return found["id"], Sent(found["from"], found["selection_reason"])

    def soon(self, expected: Sent, area: str = "718", **asked: Any) -> str:
        """Send until it leaves as expected: a worker goes by what it knew for two seconds."""
        sent: list[tuple[str, Sent]] = []

        def there() -> bool:
            sent.append(self.send(self.person(area), **asked))
            return sent[-1][1] == expected

        poll(there, f"{expected}", 15.0)
        return sent[-1][0]


@pytest.fixture(scope="module")
def shop(posthorn: Household) -> Iterator[Shop]:
    def run(*words: str, stdin: str = "") -> str:
        done = posthorn.run(*words, "--tenant", TENANT, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    account = ("--username", DEFAULT_ACCOUNT.sid, "--base-url", posthorn.address.sandbox_url or "")
    for name in ("first", "second"):
        words = ("accounts", "add", "--name", name, *account, "--secret-file", "-")
        run(*words, stdin=DEFAULT_ACCOUNT.token)
    run("registration", "brand", "Acme", "--status", "active")
    run("registration", "campaign", "main", "--brand", "Acme", "--status", "verified")
    key = next(word for word in run("keys", "create").split() if word.startswith("ph_"))
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=posthorn.address.url, headers=headers, timeout=30) as api:
        shop = Shop(posthorn, api)
        registered = {"account": "first", "campaign": "main"}
        for pool in ("main", "worn"):
            assert api.post("/v1/pools", json={"name": pool}).status_code == 201
        for address in (ASKED, LEADS, CAMPAIGNS, SOURCES, FAVOURITE):
            shop.add(address, **registered)
        shop.add(AGENTS, owner="ana", **registered)
        for address in (NEARBY, FAR, FAR_TOO):
            shop.add(address, pools=["main"], **registered)
        worn = shop.add(WORN, pools=["worn"], **registered)
        api.patch(f"/v1/senders/{worn}", json={"state": "cordoned"}).raise_for_status()
        shop.add(DEFAULT, is_default=True, **registered)
        shop.add(SECOND_ACCOUNTS, account="second", campaign="main", pools=["main"])
        shop.put("/v1/bindings", kind="lead", ref="lead-7", sender=LEADS)
        shop.put("/v1/bindings", kind="campaign", ref="spring", sender=CAMPAIGNS)
        shop.put("/v1/bindings", kind="source", ref="web form", sender=SOURCES)
        shop.put("/v1/bindings", kind="use_case", ref="reminders", pool="main")
        yield shop


def test_the_caller_named_it(shop: Shop) -> None:
    _, sent = shop.send(shop.person(), **{"from": ASKED})
    assert sent == (ASKED, "ManualOverride")


def test_the_lead_is_assigned_to_it_and_the_conversation_keeps_it(shop: Shop) -> None:
    who = shop.person()
    _, first = shop.send(who, lead="lead-7", campaign="spring")
    assert first == (LEADS, "LeadAssigned")
    _, again = shop.send(who, campaign="spring", agent="ana")
    assert again == (LEADS, "StickyConversation")


def test_the_campaign_or_the_source_has_it(shop: Shop) -> None:
    _, sent = shop.send(shop.person(), campaign="spring", source="web form", agent="ana")
    assert sent == (CAMPAIGNS, "CampaignOrSource")
    _, sent = shop.send(shop.person(), campaign="unbound", source="web form")
    assert sent == (SOURCES, "CampaignOrSource")


def test_the_agent_has_it_or_the_tenant_prefers_it(shop: Shop) -> None:
    _, sent = shop.send(shop.person(), agent="ana")
    assert sent == (AGENTS, "Preferred")
    shop.put("/v1/bindings", kind="tenant", sender=FAVOURITE)
    shop.soon(Sent(FAVOURITE, "Preferred"))
    undone = shop.api.request("DELETE", "/v1/bindings", json={"kind": "tenant"})
    assert undone.status_code == 200, undone.text


def test_it_is_the_nearest(shop: Shop) -> None:
    shop.soon(Sent(NEARBY, "LocalArea"), "212", use_case="reminders")
    _, sent = shop.send(shop.person("518"), pool="main")  # the same state
    assert sent == (NEARBY, "LocalArea")


def test_it_has_the_most_headroom_in_the_pool(shop: Shop) -> None:
    found = [shop.send(shop.person("305"), pool="main")[1] for _ in range(4)]
    assert {sent.reason for sent in found} == {"HealthyPool"}
    assert len({sent.sender for sent in found}) >= 2


def test_it_is_the_last_resort(shop: Shop) -> None:
    shop.soon(Sent(DEFAULT, "FallbackDefault"), "305", pool="worn")


def test_the_account_of_the_campaign_comes_before_the_tenants(shop: Shop) -> None:
    shop.put("/v1/bindings", kind="tenant", account="first")
    shop.put("/v1/bindings", kind="campaign", ref="elsewhere", account="second")
    shop.soon(Sent(SECOND_ACCOUNTS, "HealthyPool"), "305", pool="main", campaign="elsewhere")

    def elsewhere() -> bool:
        sent = [shop.send(shop.person("305"), pool="main")[1] for _ in range(3)]
        return all(one.sender != SECOND_ACCOUNTS for one in sent)

    # Each worker reads bindings for itself, within two seconds.
    poll(elsewhere, "the tenant's account does not come first", 30.0)


def test_an_explanation_says_whom_it_passed_over(shop: Shop) -> None:
    found = {s["address"]: s["id"] for s in shop.api.get("/v1/senders").json()["data"]}
    path = f"/v1/senders/{found[CAMPAIGNS]}"
    shop.api.patch(path, json={"state": "cordoned"}).raise_for_status()
    try:
        message_id = shop.soon(Sent(FAR, "HealthyPool"), "305", campaign="spring", pool="main")
    finally:
        shop.api.patch(path, json={"state": "active"}).raise_for_status()
    told = shop.api.get(f"/v1/messages/{message_id}/explain").json()
    (choice,) = [verdict["choice"] for verdict in told["verdicts"] if verdict["choice"]]
    passed = {(p["sender"], p["under"], p["why"]) for p in choice["passed"]}
    masked = f"{CAMPAIGNS[:5]}•••{CAMPAIGNS[-4:]}"
    assert (masked, "CampaignOrSource", "cordoned") in passed
    assert any(p["why"] == "less_headroom" and p["busy_seconds"] >= 0 for p in choice["passed"])
    sentence = next(s for s in told["sentences"] if "was chosen among" in s)
    assert "passed over" in sentence
    assert "it is out of use" in sentence
