"""Every route that takes something, with what it takes, and addresses that are none."""

from __future__ import annotations

from typing import Any

TO = "+12025550123"
NEW = "+12025550200"
"""A sender that is not there yet: each file that must be taken has another."""
CANARY = "canary7f3e"
AT = "2026-03-01T12:00:00Z"
NOBODY = "00000000-0000-0000-0000-000000000000"

Route = tuple[str, str]
ROUTES: dict[Route, dict[str, Any]] = {
    ("POST", "/v1/messages"): {
        "to": TO, "body": "Hi", "category": "MARKETING", "from": "+12025550199", "pool": "main",
        "scheduled_for": "2026-12-01T12:00:00Z", "expires_at": "2026-12-02T12:00:00Z",
        "metadata": {"a": 1}, "content": "alcohol", "time_zone": "America/New_York",
        "postal_code": "10001", "flash": False, "draft": False, "idempotency_key": "k",
    },
    ("POST", "/v1/messages/preview"): {"body": "Hi", "category": "MARKETING", "flash": True},
    ("POST", "/v1/messages/search"): {"to": TO, "limit": 10, "cursor": "x"},
    ("POST", "/v1/suppressions"): {
        "to": TO, "channel": "sms", "scope": "MARKETING", "source": "complaint", "at": AT,
        "evidence": "ticket",
    },
    ("DELETE", "/v1/suppressions"): {"to": TO, "kind": "complaint", "evidence": "x"},
    ("POST", "/v1/suppressions/check"): {"to": TO, "channel": "sms"},
    ("POST", "/v1/suppressions/history"): {"to": TO, "channel": "sms"},
    ("POST", "/v1/consents"): {
        "to": TO, "action": "grant", "basis": "express", "source": "web", "at": AT,
        "evidence": {"ip": "x"}, "text_version": "v1", "category": "MARKETING",
    },
    ("POST", "/v1/consents/check"): {"to": TO, "category": "MARKETING"},
    ("POST", "/v1/consents/history"): {"to": TO, "channel": "sms"},
    ("POST", "/v1/numbers/check"): {"to": TO},
    ("POST", "/v1/erasures"): {"to": TO, "channel": "sms"},
    ("PUT", "/v1/brands/main"): {
        "status": "active", "provider_brand_id": "B1", "segments_per_day": 2000,
    },
    ("PUT", "/v1/tendlc-campaigns/main"): {
        "brand": "main", "status": "verified", "use_case": "MIXED", "has_links": True,
        "provider_campaign_id": "C1", "segments_per_minute": 75,
    },
    ("PATCH", "/v1/senders/{sender}"): {
        "campaign": "main", "verification": "verified", "reply_owner": "self", "state": "active",
        "mps": 1, "capabilities": ["sms"], "country": "US", "owner": "ann", "daily_recipients": 5,
        "ramp": [5, 10], "ramp_level": 1, "pools": ["main"], "is_default": True,
    },
    ("POST", "/v1/senders"): {
        "address": "+12025550150", "channel": "sms", "account": "main", "pools": ["main"],
        "capabilities": ["sms"], "country": "US", "owner": "ann", "mps": 1, "ramp": "default",
        "daily_recipients": 5, "campaign": "main", "reply_owner": "self", "is_default": False,
        "verification": "verified", "provider_verification_id": None,
    },
    ("POST", "/v1/pools"): {
        "name": "new", "regions": ["US"], "sticky": True, "local": True, "local_km": 1,
        "segments_per_second": 1,
    },
    ("PATCH", "/v1/pools/main"): {
        "regions": ["US"], "sticky": True, "local": True, "local_km": 1, "segments_per_second": 1,
    },
    ("POST", "/v1/endpoints"): {"url": "http://127.0.0.1:9/", "events": ["message.sent"]},
    ("PATCH", f"/v1/endpoints/{NOBODY}"): {
        "url": "http://127.0.0.1:9/", "events": ["message.sent"], "enabled": True,
    },
    ("POST", f"/v1/endpoints/{NOBODY}/test"): {"type": "message.sent"},
    ("POST", f"/v1/endpoints/{NOBODY}/replay"): {
        "since": AT, "until": AT, "state": "all", "message_id": NOBODY,
    },
    ("POST", "/v1/contacts"): {
        "ref": "lead", "phones": [TO], "emails": ["a@example.com"], "instagram_ids": ["1234567890"],
        "first_name": "Ana", "last_name": "Ek", "company": "Acme", "tags": ["vip"],
        "attributes": {"plan": "pro", "n": 1}, "assignee": "ann", "campaign": "spring", "agent": "ann",
        "source": "web", "time_zone": "Europe/Lisbon", "postal_code": "10001",
    },
    ("PATCH", "/v1/contacts/lead"): {"name": "Ana", "attributes": {"plan": None}, "tags": []},
    ("POST", "/v1/contacts/search"): {
        "audience": {
            "lead_ids": ["lead"], "search_keyword": "ana", "assignees": ["ann"],
            "filters": {"logic": "OR", "conditions": [{"id": "g", "logic": "AND", "conditions": [
                {"id": "c", "field": "first_name", "operator": "contains", "value": "st"},
                {"field": "tags", "operator": "in", "value": ["vip"]},
                {"field": "attributes.n", "operator": "gt", "value": 1},
                {"field": "created_at", "operator": "lt", "value": AT},
            ]}]},
        },
        "channel": "sms", "limit": 10, "cursor": "x",
    },
    ("PUT", "/v1/bindings"): {"kind": "campaign", "ref": "spring", "pool": "main"},
    ("DELETE", "/v1/bindings"): {"kind": "campaign", "ref": "spring", "sender": "+12025550199"},
    ("PUT", "/v1/billing/caps"): {"campaign": "spring", "cap": "25.50"},
    ("POST", "/v1/use-cases"): {"name": "new", "pool": "main"},
    ("PATCH", f"/v1/use-cases/{NOBODY}"): {"active": False, "pool": "main"},
    ("PATCH", "/v1/policy"): {
        "brand": "Acme", "marketing_consent": "required", "over_cap": "drop",
        "caps": [{"limit": 1, "hours": 1, "category": "MARKETING"}],
        "dnc_registries": {"US": 31},
        "quiet_hours": {"preset": "law", "opens": "09:00", "closes": "17:00",
                        "closing_margin_minutes": 1, "spread_minutes": 1},
        "content": {"opt_out_notice": "x", "notice_days": 1, "regulated": ["alcohol"]},
        "replies": {"stop": "x", "start": "x", "help": "x"},
        "destinations": {"regions": ["US"], "international_per_hour": 1, "prefix_per_hour": 1},
        "lookup": {"account": "main", "max_age_days": 1},
        "retention": {"body_days": 1, "receipt_days": 1},
    },
}  # fmt: skip
HEADS = {
    "/v1/suppressions/import": {
        "to": TO, "channel": "sms", "scope": "all", "source": "complaint", "at": AT,
        "evidence": "x", "kind": "complaint", "key": "",
    },
    "/v1/consents/import": {
        "to": TO, "channel": "sms", "category": "MARKETING", "action": "grant",
        "basis": "express", "source": "web", "text_version": "v", "at": AT, "evidence": "{}",
    },
    "/v1/numbers/import": {"to": TO, "line_type": "mobile"},
    "/v1/senders/import": {
        "address": NEW, "channel": "sms", "account": "main", "pools": "main", "capabilities": "sms",
        "country": "US", "owner": "ann", "mps": "1", "daily_recipients": "5", "ramp": "5;10",
        "campaign": "main", "reply_owner": "self", "is_default": "false",
    },
    "/v1/dnc/US?scrubbed_at=2026-03-01T12:00:00Z": {"number": TO},
    "/v1/contacts/import": {
        "ref": "lead", "name": "Ana Ek", "phones": TO, "emails": "a@example.com",
        "instagram_ids": "1234567890", "tags": "vip;new", "attributes.plan": "pro", "company": "Acme",
        "assignee": "ann", "time_zone": "Europe/Lisbon", "postal_code": "10001",
    },
}  # fmt: skip
ADDRESSES = (
    "/v1/brands/%00", "/v1/brands/%ff", "/v1/brands/%ED%A0%80", f"/v1/brands/{'x' * 10_000}",
    "/v1/tendlc-campaigns/%0a", "/v1/pools/%00", f"/v1/pools/{CANARY}", f"/v1/senders/{CANARY}",
    f"/v1/pools/main/senders/{CANARY}", "/v1/pools/%00/senders/%00", "/v1/senders/%00",
    f"/v1/endpoints/{CANARY}", "/v1/endpoints/%00", f"/v1/endpoints/{CANARY}/notices",
    f"/v1/endpoints/{NOBODY}/notices?cursor={CANARY}", f"/v1/endpoints/{NOBODY}/notices?state=%00",
    f"/v1/endpoints/{NOBODY}/notices?cursor=ntc_{'9' * 30}",
    f"/v1/use-cases/{CANARY}", "/v1/use-cases/%00", f"/v1/bindings?kind={CANARY}", "/v1/bindings?ref=%00", f"/v1/bindings?cursor={CANARY}",
    f"/v1/bindings?limit={10**30}",
    "/v1/dnc/%00?scrubbed_at=2026-03-01T12:00:00Z", "/v1/dnc/US", "/v1/dnc/US?scrubbed_at=9",
    "/v1/dnc/US?scrubbed_at=0001-01-01T00:00:00%2B14:00", f"/v1/dnc/US?scrubbed_at={CANARY}",
    f"/v1/messages/{CANARY}/explain", "/v1/messages/%00/explain", f"/v1/erasures/{CANARY}",
    f"/v1/contacts/{CANARY}", "/v1/contacts/%00", f"/v1/contacts/{'x' * 10_000}/conversations",
    f"/v1/contacts?cursor={CANARY}", "/v1/contacts?q=%00", "/v1/contacts?tag=%00&assignee=%ED%A0%80",
    f"/v1/conversations/{CANARY}", "/v1/conversations/%00", f"/v1/conversations/{'x' * 10_000}",
    f"/v1/conversations/00000000-0000-0000-0000-000000000000?cursor={CANARY}",
    f"/v1/inbound?cursor={CANARY}", f"/v1/inbound?limit={10**30}", f"/v1/inbound?keyword={CANARY}",
    f"/v1/suppressions?cursor={CANARY}", "/v1/suppressions?cursor=%00", "/v1/suppressions?limit=-1",
    f"/v1/suppressions?cursor={'A' * 5000}", "/v1/suppressions?cursor=bnVsbA",
    "/v1/suppressions?cursor=W10", "/v1/suppressions?cursor=eyJhIjoxfQ",
    "/v1/suppressions?cursor=WyJzbXMiLCJ4IiwieCIsIngiXQ", f"/problems/{CANARY}",
    "/v1/messages?created_from=0001-01-01T00:00:00%2B14:00",
)  # fmt: skip
