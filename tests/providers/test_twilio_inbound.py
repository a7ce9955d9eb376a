"""Inbound messages as Twilio posts them."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from messaging.providers.base import InboundMessage, Webhook
from messaging.providers.twilio_inbound import inbound

FIELDS = {
    "ToCountry": "US",
    "SmsMessageSid": "SM" + "a" * 32,
    "NumMedia": "0",
    "FromCity": "",
    "SmsSid": "SM" + "a" * 32,
    "SmsStatus": "received",
    "Body": "Stop, please",
    "To": "+12025550100",
    "MessagingServiceSid": "MG" + "b" * 32,
    "NumSegments": "1",
    "MessageSid": "SM" + "a" * 32,
    "AccountSid": "AC" + "0" * 32,
    "From": "+12025550123",
    "ApiVersion": "2010-04-01",
}


def read(**changes: str | None) -> InboundMessage | None:
    fields = {k: v for k, v in (FIELDS | changes).items() if v is not None}
    found = inbound(Webhook("https://posthorn.example/", {}, urlencode(fields).encode()))
    return found[0] if found else None


def test_a_message_is_read_whole() -> None:
    assert read() == InboundMessage(
        "SM" + "a" * 32, "+12025550123", "+12025550100", "Stop, please", None, None
    )


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"OptOutType": "STOP"}, "provider_keyword", "STOP"),
        ({"OptOutType": "start"}, "provider_keyword", "START"),
        ({"OptOutType": "SOMETHING"}, "provider_keyword", None),
        ({"Body": None}, "body", ""),
        ({"Body": ""}, "body", ""),
        ({"Body": "a\0b é 🛑"}, "body", "ab é 🛑"),
        ({"From": "262966"}, "from_", "262966"),
        ({"From": "whatsapp:+12025550123"}, "from_", "whatsapp:+12025550123"),
        ({"MessageSid": None, "SmsMessageSid": None}, "provider_message_id", "SM" + "a" * 32),
        ({"SmsStatus": None}, "body", "Stop, please"),
        ({"SmsStatus": "receiving"}, "body", "Stop, please"),
    ],
)
def test_what_may_differ(changes: dict[str, str | None], field: str, value: str | None) -> None:
    found = read(**changes)
    assert found is not None
    assert getattr(found, field) == value


@pytest.mark.parametrize(
    "changes",
    [
        {"From": None},
        {"To": ""},
        {"From": "+1" * 50},
        {"From": "+1202\n5550123"},
        {"SmsStatus": "delivered"},
        {"MessageStatus": "sent"},
        {"MessageSid": None, "SmsSid": None, "SmsMessageSid": None},
        {"MessageSid": "SM/../../x"},
    ],
)
def test_what_is_no_message(changes: dict[str, str | None]) -> None:
    assert read(**changes) is None
