"""Are the answers and webhooks those of the providers' published descriptions?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, OAS31Validator

from messaging.sandbox import TELNYX_ACCOUNT, VONAGE_ACCOUNT, VONAGE_SMS_ACCOUNT
from tests.sandbox import refusals
from tests.sandbox.carrier import ROOT, SENDER, Receiver, Sandbox, Start, number
from tests.sandbox.speaking import M, telnyx, vonage, vonage_sms

TO = number("0123")
PICTURE = ["https://example.com/a.png"]


@dataclass(frozen=True)
class Description:
    """A provider's OpenAPI document, which need not be here."""

    name: str
    validator: Any

    @property
    def exists(self) -> bool:
        return (ROOT / "../shared/specs" / self.name).exists()

    @cached_property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((ROOT / "../shared/specs" / self.name).read_text())
        return found

    def named(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.document["components"]["schemas"][name]
        return found

    def valid(self, schema: dict[str, Any], value: Any) -> None:
        components = self.document["components"]
        self.validator({**schema, "components": components}).validate(value)


def body(holder: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = holder["content"]["application/json"]["schema"]
    return found


TELNYX = Description("telnyx_messages.json", OAS31Validator)
VONAGE = Description("vonage_messages.json", OAS30Validator)
VONAGE_SMS = Description("vonage_sms.json", OAS30Validator)


def needs(description: Description) -> pytest.MarkDecorator:
    reason = f"../shared/specs/{description.name} is not here"
    return pytest.mark.skipif(not description.exists, reason=reason)


def write(carrier: Sandbox, receiver: Receiver, account: str, **more: Any) -> None:
    said = {"account": account, "from": TO, "to": SENDER, "url": receiver.url, "body": "Hi"}
    carrier.http.post("/sandbox/inbound", json={**said, **more}).raise_for_status()


@needs(TELNYX)
def test_telnyx_messages(carrier: Sandbox) -> None:
    paths = TELNYX.document["paths"]
    errors = TELNYX.document["components"]["responses"]["messaging_GenericErrorResponse"]

    def shown(operation: dict[str, Any], reply: httpx.Response) -> None:
        found = operation["responses"].get(str(reply.status_code), errors)
        assert found is not errors or 400 <= reply.status_code < 500
        TELNYX.valid(body(found), reply.json())

    asked = {"to": TO, "from": SENDER, "text": "hello", "webhook_url": "https://example.com/r"}
    TELNYX.valid(TELNYX.named("CreateMessageRequest"), asked)
    key = {"Authorization": f"Bearer {TELNYX_ACCOUNT.token}"}
    accepted = telnyx(carrier, TO)
    for reply in (
        accepted,
        telnyx(carrier, TO, media_urls=PICTURE),
        telnyx(carrier, number("0199")),
        telnyx(carrier, number("0191")),
        carrier.http.post("/v2/messages", json=asked),
        *(
            carrier.http.post("/v2/messages", json={**asked, **change}, headers=key)
            for change, _ in refusals.TELNYX
        ),
    ):
        shown(paths["/messages"]["post"], reply)
    for sid in (accepted.json()["data"]["id"], M):
        found = carrier.http.get(f"/v2/messages/{sid}", headers=key)
        shown(paths["/messages/{id}"]["get"], found)
    # Everything the description names is there, and nothing else.
    named = TELNYX.named("OutboundMessagePayload")["properties"]
    assert set(accepted.json()["data"]) == set(named)


@needs(TELNYX)
def test_telnyx_webhooks(carrier: Sandbox, receiver: Receiver) -> None:
    for suffix in ("0123", "0194"):
        telnyx(carrier, number(suffix), receiver.url)
    for one in receiver.wait(4):
        TELNYX.valid(TELNYX.named("OutboundMessageEvent"), one.json)
    write(carrier, receiver, TELNYX_ACCOUNT.sid)
    write(carrier, receiver, TELNYX_ACCOUNT.sid, media=PICTURE)
    for one in receiver.wait(6)[4:]:
        TELNYX.valid(TELNYX.named("InboundMessageEvent"), one.json)


@needs(VONAGE)
def test_vonage_messages(carrier: Sandbox) -> None:
    send = VONAGE.document["paths"]["/v1/messages"]["post"]
    picture = {**refusals.VONAGE_TEXT, **refusals.VONAGE_IMAGE}
    for asked in (refusals.VONAGE_TEXT, picture):
        VONAGE.valid(body(send["requestBody"]), asked)
    auth = (VONAGE_ACCOUNT.sid, VONAGE_ACCOUNT.token)
    replies = [
        vonage(carrier, TO),
        vonage(carrier, TO, **refusals.VONAGE_IMAGE),
        vonage(carrier, number("0191")),
        vonage(carrier, number("0192")),
        carrier.http.post("/v1/messages", json=refusals.VONAGE_TEXT),
    ]
    assert [reply.status_code for reply in replies] == [202, 202, 429, 500, 401]
    for change, _ in refusals.VONAGE:
        asked = {**refusals.VONAGE_TEXT, **change}
        replies.append(carrier.http.post("/v1/messages", json=asked, auth=auth))
        assert replies[-1].status_code == 422
    for reply in replies:
        schema = body(send["responses"][str(reply.status_code)])
        # Several of its forms of a problem are the same, so that more than one fits.
        schema = {"anyOf": schema["oneOf"]} if "oneOf" in schema else schema
        VONAGE.valid(schema, reply.json())


@needs(VONAGE)
def test_vonage_webhooks(start: Start, receiver: Receiver) -> None:
    carrier = start("--receipt-delay", "1ms")
    hooks = {
        name: body(operation["post"]["requestBody"])
        for name, at in VONAGE.document["x-webhooks"].items()
        for operation in at.values()
    }
    vonage(carrier, TO, receiver.url, client_ref="x")
    vonage(carrier, TO, receiver.url, **refusals.VONAGE_IMAGE)
    for suffix in ("0194", "0199"):
        vonage(carrier, number(suffix), receiver.url)
    for one in receiver.wait(8):
        VONAGE.valid(hooks["message-status"], one.json)
    write(carrier, receiver, VONAGE_ACCOUNT.sid)
    write(carrier, receiver, VONAGE_ACCOUNT.sid, media=PICTURE)
    for one in receiver.wait(10)[8:]:
        VONAGE.valid(hooks["inbound-message"], one.json)


@needs(VONAGE_SMS)
def test_vonage_sms(carrier: Sandbox) -> None:
    long = vonage_sms(carrier, TO, text="x" * 200)
    VONAGE_SMS.valid(VONAGE_SMS.named("SMS"), long.json())
    entry = vonage_sms(carrier, TO, **{"client-ref": "x"}).json()["messages"][0]
    # Everything the description names is there, and nothing else.
    named = VONAGE_SMS.named("Message")["properties"]
    assert set(entry) == set(named) - {"account-ref"}
    refused = vonage_sms(carrier, number("0191")).json()
    VONAGE_SMS.valid(VONAGE_SMS.named("Error"), refused)
    assert set(refused["messages"][0]) == set(VONAGE_SMS.named("ErrorMessage")["properties"])


@needs(VONAGE_SMS)
def test_vonage_sms_webhooks(carrier: Sandbox, receiver: Receiver) -> None:
    for suffix in ("0123", "0194"):
        vonage_sms(carrier, number(suffix), receiver.url)
    receipt = VONAGE_SMS.named("DeliveryReceipt")
    for one in receiver.wait(4):
        VONAGE_SMS.valid(receipt, one.json)
        assert set(one.json) == set(receipt["properties"]) - {"client-ref"}
    write(carrier, receiver, VONAGE_SMS_ACCOUNT.sid, body="x" * 200)
    inbound = VONAGE_SMS.named("InboundMessage")
    for one in receiver.wait(6)[4:]:
        VONAGE_SMS.valid(inbound, one.json)
        assert set(one.json) == set(inbound["properties"]) - {"data", "udh"} | {"sig"}
