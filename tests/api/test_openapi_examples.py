"""The examples of the API's document are sent, in an order that makes sense, and answered as it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from messaging import billing, expansion
from messaging.runtime import Runtime
from messaging.store import paused_templates
from tests.api.conftest import Caller
from tests.api.documented import bodies, operations, wrong

PROVIDERS_ONLY = {"receive_status", "receive_message", "ask_status", "ask_message"}
"""Believed if a provider has signed it: tests/api/test_webhooks*.py."""


@dataclass(frozen=True)
class Step:
    """One operation, and what its address names: something made before, or a name as it is."""

    operation: str
    made: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


def step(operation: str, named: dict[str, str] | None = None, **made: str) -> Step:
    return Step(operation, made, named or {})


def pool(operation: str, name: str, **made: str) -> Step:
    return step(operation, {"name": name}, **made)


JOURNEY = (
    step("livez"),
    step("readyz"),
    step("explain_problem", {"code": "opted_out"}),
    step("list_rules"),
    step("list_accounts"),
    pool("put_brand", "main"),
    step("list_brands"),
    pool("put_tendlc_campaign", "main"),
    step("list_tendlc_campaigns"),
    step("make_pool"),
    pool("change_pool", "alerts"),
    step("add_sender"),
    step("import_senders"),
    step("list_senders"),
    step("change_sender", sender_id="add_sender.number"),
    step("get_sender", sender_id="add_sender.number"),
    pool("join_pool", "alerts", sender_id="add_sender.number"),
    step("list_pools"),
    step("bind"),
    step("list_bindings"),
    step("make_use_case"),
    step("change_use_case", use_case_id="make_use_case.alerts"),
    step("list_use_cases"),
    step("get_policy"),
    step("change_policy"),
    step("list_policies"),
    step("preview_message"),
    step("add_endpoint"),
    step("list_endpoints"),
    step("change_endpoint", endpoint_id="add_endpoint.all"),
    step("get_endpoint", endpoint_id="add_endpoint.all"),
    step("rotate_secret", endpoint_id="add_endpoint.all"),
    step("send_example", endpoint_id="add_endpoint.all"),
    step("record_consent"),
    step("import_consents"),
    step("check_consent"),
    step("consent_history"),
    step("check_number"),
    step("import_lines"),
    Step("replace_dnc_list", {}, {"registry": "US"}, {"scrubbed_at": "2026-03-01T12:00:00Z"}),
    step("list_dnc_registries"),
    step("send_messages"),
    step("list_messages"),
    step("search_messages"),
    step("get_lanes"),
    step("cancel_message", message_id="send_messages.later"),
    step("submit_message", message_id="send_messages.draft"),
    step("get_message", message_id="send_messages.now"),
    step("get_events", message_id="send_messages.now"),
    step("explain_message", message_id="send_messages.now"),
    step("keep_contacts"),
    step("import_contacts"),
    step("list_contacts"),
    step("search_contacts"),
    step("change_contact", {"contact": "lead_abc123"}),
    step("get_contact", {"contact": "lead_abc123"}),
    step("list_contact_conversations", {"contact": "lead_abc123"}),
    step("export_contacts"),
    step("get_conversation", conversation_id="conversation"),
    step("list_inbound"),
    step("create_campaign"),
    step("list_campaigns"),
    step("get_campaign", campaign_id="create_campaign.recipients"),
    step("add_recipients", campaign_id="create_campaign.recipients"),
    step("list_recipients", campaign_id="create_campaign.recipients"),
    step("plan_unmade"),
    step("plan_campaign", campaign_id="create_campaign.recipients"),
    step("follow_campaign", campaign_id="create_campaign.recipients"),
    step("start_campaign", campaign_id="create_campaign.recipients"),
    step("pause_campaign", campaign_id="create_campaign.recipients"),
    step("resume_campaign", campaign_id="create_campaign.recipients"),
    step("cancel_campaign", campaign_id="create_campaign.recipients"),
    step("retry_campaign", campaign_id="finished"),
    step("campaign_statistics", {"campaign": "reminder"}),
    step("get_billing"),
    step("put_cap"),
    step("list_prices"),
    step("list_notices", endpoint_id="add_endpoint.all"),
    step("replay_notices", endpoint_id="add_endpoint.all"),
    step("suppress"),
    step("import_suppressions"),
    step("list_suppressions"),
    step("check_suppression"),
    step("suppression_history"),
    step("export_suppressions"),
    step("lift_suppression"),
    step("list_paused_templates"),
    step("resume_template", {"template": "spring sale"}),
    step("create_key"),
    step("list_keys"),
    step("get_key", key_id="create_key.test"),
    step("revoke_key", key_id="create_key.test"),
    step("request_erasure"),
    step("get_erasure", erasure_id="request_erasure.recipient"),
    step("list_audit"),
    step("remove_endpoint", endpoint_id="add_endpoint.some"),
    step("delete_contact", {"contact": "lead_1"}),
    step("remove_use_case", use_case_id="make_use_case.alerts"),
    step("unbind"),
    pool("leave_pool", "alerts", sender_id="add_sender.number"),
    pool("delete_pool", "alerts"),
    step("retire_sender", sender_id="add_sender.warming"),
)
"""Every operation once, with each of its examples; what is taken away goes last."""
NATIVE = {operation.id: operation for operation in operations() if operation.of == ""}
PUBLIC, HERE = "https://example.com/", "http://127.0.0.1:9/"
"""Endpoints are looked up when they are added, and nobody can be asked for names here."""


def test_the_journey_leaves_nothing_out() -> None:
    assert {step.operation for step in JOURNEY} == NATIVE.keys() - PROVIDERS_ONLY


@pytest.fixture
def made(rt: Runtime, caller: Caller, http: httpx.Client) -> dict[str, str]:
    """The ids of what was made, by operation and example; what no operation makes is here already."""
    billing.enable(rt, caller.tenant, "USD")
    billing.top_up(rt, caller.tenant, Decimal(100))
    with rt.engine.begin() as db:
        reason = "undelivered 41.0 % of 300 on 3 senders"
        paused_templates.pause(db, [(caller.tenant.id, "spring sale", reason)])
    http.post("/v1/contacts", json={"ref": "known", "phones": ["+12025550123"]})
    said = {"leadId": "known", "message": "Good morning"}
    talk = http.post("/leadsail/api/v1/sms/send", json=said).json()["data"]["interactionId"]
    return {"conversation": talk, "finished": finished(rt, http)}


def finished(rt: Runtime, http: httpx.Client) -> str:
    """A campaign that is over: its one message was called off."""
    somebody = {"to": "+12025550149"}
    asked = {"name": "over", "body": "Hi", "category": "NOTIFICATION", "recipients": [somebody]}
    answer = http.post("/v1/campaigns", json=asked)
    assert answer.is_success, answer.text
    id_ = answer.json()["id"]
    http.post(f"/v1/campaigns/{id_}/start")
    while not (message := recipient(http, id_)["message_id"]):
        expansion.run(rt)
    http.post(f"/v1/messages/{message}/cancel")
    while http.get(f"/v1/campaigns/{id_}").json()["state"] != "finished":
        expansion.run(rt)
    return str(id_)


def recipient(http: httpx.Client, campaign_id: str) -> Any:
    return http.get(f"/v1/campaigns/{campaign_id}/recipients").json()["data"][0]


def test_every_example_is_taken_and_answered_as_documented(
    http: httpx.Client, rt: Runtime, made: dict[str, str]
) -> None:
    faults = []
    for one in JOURNEY:
        operation = NATIVE[one.operation]
        for name, kind, body in bodies(operation):
            answer = http.request(
                operation.method, address(one, made), params=one.query, **sent(kind, body)
            )
            where = f"{one.operation}.{name}"
            if not answer.is_success:
                faults.append(f"{where}: {answer.status_code} {answer.text[:500]}")
            faults += [f"{where}: {fault}" for fault in wrong(operation, answer)]
            keep(made, where, answer)
            if one.operation == "start_campaign":
                expansion.run(rt)
    assert not faults, "\n".join(faults)


def sent(kind: str, body: Any) -> dict[str, Any]:
    if kind == "application/json":
        return {"json": json.loads(json.dumps(body).replace(PUBLIC, HERE))}
    return {"content": body, "headers": {"Content-Type": kind}} if kind else {}


def address(one: Step, made: dict[str, str]) -> str:
    names = one.named | {name: made.get(of, "missing") for name, of in one.made.items()}
    path = NATIVE[one.operation].path
    return path.format(**{name: quote(value, safe="") for name, value in names.items()})


def keep(made: dict[str, str], where: str, answer: httpx.Response) -> None:
    if answer.headers.get("content-type") == "application/json":
        found = answer.json()
        if "id" in found:
            made[where] = str(found["id"])
