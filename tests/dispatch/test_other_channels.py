"""What is no text message goes out as what it is, or says why it cannot."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import httpx
import pytest

from messaging import intake
from messaging.domain.message import Capability, Channel
from messaging.domain.request import SendRequest
from messaging.submission import Refused, Submission, Taken
from tests.world import RECIPIENT, World

PICTURES = ["https://example.com/a.png", "https://example.com/b.png"]
MMS = {"to": RECIPIENT, "channel": "mms", "body": "Look", "media": PICTURES}
MAIL = {"to": "ana@example.com", "channel": "email", "body": "Hi", "subject": "Hello"}


def submit(world: World, **fields: Any) -> UUID | str:
    asked = SendRequest.model_validate(fields)
    (entry,) = intake.submit(world.rt, Submission(world.tenant, [asked], None, b"", "test")).entries
    if isinstance(entry, Taken):
        return entry.id
    assert isinstance(entry, Refused)
    return str(entry.reason)


@pytest.fixture
def able(world: World) -> None:
    both = frozenset({Capability.SMS, Capability.MMS})
    world.add_sender("+12025550198", capabilities=both)


@pytest.mark.usefixtures("able")
def test_pictures_leave_from_a_number_that_can_send_them(world: World) -> None:
    message_id = submit(world, **MMS)
    assert isinstance(message_id, UUID)
    world.send()
    (request,) = world.carrier.requests
    form = parse_qs(request.content.decode())
    assert form["MediaUrl"] == PICTURES
    assert (form["Body"], form["From"]) == (["Look"], ["+12025550198"])
    row = world.row(message_id)
    assert (row["status"], row["segments"], row["encoding"]) == ("sent", 1, None)


@pytest.mark.usefixtures("able")
def test_pictures_need_no_words(world: World) -> None:
    assert isinstance(submit(world, **MMS | {"body": ""}), UUID)
    world.send()
    form = parse_qs(world.carrier.requests[0].content.decode())
    assert (form["MediaUrl"], "Body" in form) == (PICTURES, False)


def test_without_a_number_for_pictures_there_is_no_sender(world: World) -> None:
    assert submit(world, **MMS) == "no_sender_in_pool"
    assert submit(world, **MAIL) == "no_sender_in_pool"


def test_what_an_accounts_provider_does_not_serve_ends_with_the_reason(world: World) -> None:
    mail = {"channel": Channel.EMAIL, "capabilities": frozenset({Capability.EMAIL})}
    world.add_sender("news@example.com", **mail)  # at an account of Twilio's
    message_id = submit(world, **MAIL)
    assert isinstance(message_id, UUID)
    world.send()
    assert world.carrier.requests == []
    assert world.status(message_id) == "failed"
    assert world.row(message_id)["provider_code"] == "channel_unsupported"


def test_neither_the_regions_nor_the_pace_of_numbers_hold_for_an_e_mail(world: World) -> None:
    relay = world.add_account(
        provider="smtp", base_url="smtp://127.0.0.1:9", username="", secret=""
    )
    able = frozenset({Capability.EMAIL})
    world.add_sender(
        "news@example.com", channel=Channel.EMAIL, capabilities=able, account_id=relay.id
    )
    world.change("sender_pools", world.pool_id, regions=["US"])
    destinations = {"regions": ["US"], "international_per_hour": 0, "prefix_per_hour": 0}
    policy = {"destinations": destinations, "lookup": {"account": "nobody"}}
    world.change("tenants", world.tenant.id, policy=policy)
    message_id = submit(world, **MAIL, category="NOTIFICATION")
    assert isinstance(message_id, UUID)
    told = {"x-smtp-stage": "final", "x-message-id": "a@example.com"}
    world.carrier.answer = lambda _: httpx.Response(250, headers=told)
    world.send()
    assert world.status(message_id) == "sent"
    mail = world.carrier.requests[0].content.decode()
    assert "Subject: Hello" in mail
    assert f"/unsubscribe/{message_id.hex}" in mail.replace("\r\n ", "")
