"""Two tenants, one database: nothing one of them does is seen or felt by the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.runtime import Runtime

TO, OTHER = "+12025550123", "+12025550124"
READ = (
    "policy", "policy/history", "suppressions", "suppressions/export", "dnc", "brands",
    "tendlc-campaigns", "senders", "pools", "bindings", "messages", "inbound", "accounts", "templates/paused",
    "endpoints", "billing", "prices", "contacts", "contacts/export",
    "use-cases",
)  # fmt: skip
ASKED = (
    "consents/check", "consents/history", "suppressions/check", "suppressions/history",
    "numbers/check", "messages/search",
)  # fmt: skip
AT = "2026-03-01T12:00:00Z"


@pytest.fixture
def foreign(address: str, stranger: Any) -> Iterator[httpx.Client]:
    """The application, as another tenant sees it."""
    with httpx.Client(base_url=address, timeout=20, headers=stranger.headers) as client:
        yield client


def told(http: httpx.Client) -> dict[str, Any]:
    """Everything a tenant is told about itself and about a person."""
    found: dict[str, Any] = {path: http.get(f"/v1/{path}").text for path in READ}
    for path in ASKED:
        answer = http.post(f"/v1/{path}", json={"to": TO})
        assert answer.status_code == 200, answer.text
        # What is said of the moment changes with it.
        found[path] = {k: v for k, v in answer.json().items() if k != "marketing"}
    return found


def hears(rt: Runtime, http: httpx.Client, caller: Any, body: str, sid: str) -> None:
    form = {"MessageSid": sid, "SmsStatus": "received", "From": TO, "To": "+12025550199"}
    form |= {"Body": body}
    path = f"/webhooks/twilio/{caller.account.id}/inbound"
    url = rt.settings.public_url + path
    signature = str(RequestValidator(caller.account.secret).compute_signature(url, form))
    answer = http.post(path, data=form, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 204, answer.text


def settle_in(rt: Runtime, http: httpx.Client, caller: Any) -> dict[str, str]:
    """A tenant does everything there is to do; the ids and names of what it has."""
    later = (rt.now() + timedelta(days=1)).isoformat()
    message = http.post("/v1/messages", json={"to": TO, "body": "Hi", "scheduled_for": later})
    draft = http.post("/v1/messages", json={"to": OTHER, "body": "Hi", "draft": True})
    for method, path, body in (
        ("POST", "suppressions", {"to": TO, "scope": "MARKETING"}),
        ("POST", "consents", {"to": TO, "action": "ask", "source": "web"}),
        ("PATCH", "policy", {"brand": "Mine"}),
        ("PUT", "brands/acme", {"status": "active"}),
        ("PUT", "tendlc-campaigns/acme", {"brand": "acme", "status": "pending"}),
        ("PATCH", "pools/main", {"regions": ["US"]}),
        ("PATCH", f"senders/{caller.sender.id}", {"reply_owner": "self"}),
        ("POST", "pools", {"name": "my pool"}),
        ("PUT", f"pools/my pool/senders/{caller.sender.id}", None),
        ("POST", "contacts", {"ref": "my contact", "name": "Mine", "phones": [TO]}),
        ("POST", "use-cases", {"name": "my use case", "pool": "main"}),
        ("PUT", "bindings", {"kind": "campaign", "ref": "my campaign", "pool": "my pool"}),
        ("PUT", "bindings", {"kind": "lead", "ref": "my lead", "sender": str(caller.sender.id)}),
    ):
        answer = http.request(method, f"/v1/{path}", json=body)
        assert answer.status_code < 300, answer.text
    listed = http.put("/v1/dnc/US", params={"scrubbed_at": AT}, content=f"{TO}\n")
    learned = http.post("/v1/numbers/import", content=f"to,line_type\n{TO},voip\n")
    assert (listed.status_code, learned.status_code) == (200, 201)
    hears(rt, http, caller, "hello", "SM" + "1" * 32)
    told = http.post("/v1/endpoints", json={"url": "http://127.0.0.1:9/mine"}).json()["id"]
    erased = http.post("/v1/erasures", json={"to": "+12025550166"}).json()["id"]
    ids = {"message": message.json()["id"], "draft": draft.json()["id"]}
    return ids | {"sender": str(caller.sender.id), "erasure": erased, "endpoint": told}


def test_what_another_tenant_has_is_not_there(
    rt: Runtime, http: httpx.Client, caller: Any, foreign: httpx.Client
) -> None:
    has = settle_in(rt, http, caller)
    before = told(http)
    for method, path, body in (
        ("GET", f"messages/{has['message']}", None),
        ("GET", f"messages/{has['message']}/explain", None),
        ("GET", f"messages/{has['message']}/events", None),
        ("POST", f"messages/{has['message']}/cancel", None),
        ("POST", f"messages/{has['draft']}/submit", None),
        ("GET", f"erasures/{has['erasure']}", None),
        ("GET", f"senders/{has['sender']}", None),
        ("PATCH", f"senders/{has['sender']}", {"state": "cordoned"}),
        ("DELETE", f"senders/{has['sender']}", None),
        ("PATCH", "pools/my pool", {"sticky": False}),
        ("DELETE", "pools/my pool", None),
        ("GET", f"endpoints/{has['endpoint']}", None),
        ("PATCH", f"endpoints/{has['endpoint']}", {"enabled": False}),
        ("DELETE", f"endpoints/{has['endpoint']}", None),
        ("POST", f"endpoints/{has['endpoint']}/rotate", None),
        ("POST", f"endpoints/{has['endpoint']}/test", None),
        ("GET", f"endpoints/{has['endpoint']}/notices", None),
        ("POST", f"endpoints/{has['endpoint']}/replay", {"since": AT}),
        ("PUT", f"pools/my pool/senders/{has['sender']}", None),
        ("PUT", f"pools/main/senders/{has['sender']}", None),
        ("DELETE", f"pools/main/senders/{has['sender']}", None),
        ("DELETE", "bindings", {"kind": "campaign", "ref": "my campaign"}),
        ("DELETE", "suppressions", {"to": TO}),
        ("GET", "contacts/my contact", None),
        ("PATCH", "contacts/my contact", {"company": "Theirs"}),
        ("DELETE", "contacts/my contact", None),
        ("GET", "contacts/my contact/conversations", None),
    ):
        answer = foreign.request(method, f"/v1/{path}", json=body)
        assert answer.status_code == 404, f"{method} {path}: {answer.text}"
    named = foreign.post("/v1/messages", json={"to": TO, "body": "Hi", "from": has["sender"]})
    assert named.json()["errors"][0]["code"] == "unknown_sender"
    campaign = {"brand": "acme", "status": "verified"}
    joined = foreign.put("/v1/tendlc-campaigns/theirs", json=campaign)
    assert joined.json()["errors"][0]["code"] == "unknown_brand"
    for target in ({"sender": has["sender"]}, {"pool": "my pool"}):
        bound = foreign.put("/v1/bindings", json={"kind": "source", "ref": "x", **target})
        assert bound.json()["errors"][0]["code"].startswith("unknown_")
    whole = str(told(foreign))
    assert all(
        word not in whole for word in [*has.values(), "acme", "Mine", "my ", "voip", "hello"]
    )
    assert told(foreign)["suppressions/check"] == {"suppressed": False, "suppressions": []}
    assert told(http) == before


def test_what_another_tenant_does_is_not_felt(
    rt: Runtime, http: httpx.Client, caller: Any, foreign: httpx.Client, stranger: Any
) -> None:
    settle_in(rt, http, caller)
    before = told(http)
    settle_in(rt, foreign, stranger)
    for word, n in (("START", 2), ("YES", 3), ("STOP", 4)):
        hears(rt, foreign, stranger, word, f"SM{n:032d}")
    for method, path, body in (
        ("POST", "suppressions", {"to": TO, "source": "complaint"}),
        ("DELETE", "suppressions", {"to": TO}),
        ("POST", "consents", {"to": TO, "action": "revoke", "source": "web"}),
        ("PUT", "brands/acme", {"status": "suspended"}),
        ("PATCH", "policy", {"brand": "Theirs", "destinations": {"regions": []}}),
        ("PATCH", "pools/main", {"regions": []}),
        ("DELETE", "bindings", {"kind": "campaign", "ref": "my campaign"}),
        ("DELETE", f"pools/my pool/senders/{stranger.sender.id}", None),
        ("DELETE", "pools/my pool", None),
        ("DELETE", f"senders/{stranger.sender.id}", None),
        ("PATCH", "contacts/my contact", {"company": "Theirs"}),
        ("POST", "erasures", {"to": TO}),
    ):
        answer = foreign.request(method, f"/v1/{path}", json=body)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
    # Somebody else's export names their keys; here they stand for nobody of mine.
    export = foreign.get("/v1/suppressions/export").text
    assert foreign.post("/v1/suppressions/import", content=export).status_code < 300
    assert foreign.put("/v1/dnc/US", params={"scrubbed_at": AT}, content="number\n").is_success
    assert told(http) == before
