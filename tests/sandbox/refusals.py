"""What each provider refuses: one bad parameter beside good ones, and the code it is refused with."""

from __future__ import annotations

from typing import Any

TELNYX: list[tuple[dict[str, Any], str]] = [
    ({"to": None}, "10004"),
    ({"to": 7}, "10015"),
    ({"to": "12025550123"}, "40310"),
    ({"from": None}, "40305"),
    ({"from": "Posthorn"}, "40306"),
    ({"text": None}, "40316"),
    ({"text": "x" * 1531}, "40302"),
    ({"text": "ы", "encoding": "gsm7"}, "40009"),
    ({"type": "SMS", "media_urls": ["https://example.com/a.png"]}, "40304"),
    ({"type": "RCS"}, "40319"),
    ({"media_urls": ["https://example.com/a.png"] * 11}, "40317"),
    ({"media_urls": [7]}, "10015"),
    ({"webhook_url": "nowhere"}, "10003"),
    ({"webhook_failover_url": "https://example.com/" + "x" * 2000}, "10003"),
    ({"send_at": "2026-11-20T16:00:00Z"}, "10015"),
]

VONAGE_TEXT: dict[str, Any] = {
    "channel": "sms",
    "message_type": "text",
    "to": "12025550123",
    "from": "12025550100",
    "text": "hello",
}
VONAGE_IMAGE: dict[str, Any] = {
    "channel": "mms",
    "message_type": "image",
    "image": {"url": "https://example.com/a.png"},
}

VONAGE: list[tuple[dict[str, Any], str]] = [
    ({"channel": "whatsapp"}, "1100"),
    ({"channel": ["sms"]}, "1100"),
    ({"message_type": "image"}, "1140"),
    ({"message_type": None}, "1140"),
    ({"to": "+12025550123"}, "110"),
    ({"to": "123"}, "110"),
    ({"to": 12025550123}, "110"),
    ({"from": ""}, "1120"),
    ({"from": "+12025550100"}, "1120"),
    ({"text": ""}, "1150"),
    ({"text": 7}, "1150"),
    ({"ttl": "600"}, "1150"),
    ({"ttl": 0}, "1150"),
    ({"webhook_url": "nowhere"}, "1150"),
    ({"webhook_version": "v0.1"}, "1150"),
    ({"failover": [VONAGE_TEXT]}, "1150"),
    ({"client_ref": 7}, "1060"),
    ({**VONAGE_IMAGE, "ttl": 299}, "1150"),
    ({**VONAGE_IMAGE, "image": {"url": "nowhere"}}, "1150"),
    ({**VONAGE_IMAGE, "image": None}, "1150"),
    ({**VONAGE_IMAGE, "message_type": "content", "content": []}, "1150"),
]

VONAGE_SMS: list[tuple[dict[str, str], str]] = [
    ({"to": ""}, "2"),
    ({"from": ""}, "2"),
    ({"to": "+12025550123"}, "3"),
    ({"type": "binary"}, "3"),
    ({"message-class": "4"}, "3"),
    ({"ttl": "19999"}, "3"),
    ({"ttl": "604800001"}, "3"),
    ({"ttl": "soon"}, "3"),
    ({"ttl": "9" * 5000}, "3"),
    ({"callback": "https://example.com/" + "x" * 100}, "23"),
    ({"api_secret": "wrong"}, "4"),
    ({"api_key": "stranger"}, "4"),
    ({"api_key": ""}, "4"),
    ({"sig": "0" * 32}, "32"),
]

MAILBOX = {"email": "ana@example.com"}
NOBODY: dict[str, Any] = {"to": []}
SENDGRID: list[tuple[dict[str, Any], str, str]] = [
    ({"from": {}}, "The from object must be provided", "from.email"),
    ({"from": {"email": "news"}}, "Does not contain a valid address.", "from.email"),
    ({"from": []}, "Invalid type. Expected: object, given: array.", "from"),
    ({"personalizations": []}, "The personalizations field is required", "personalizations"),
    ({"personalizations": ["x"]}, "Invalid type. Expected: object", "personalizations.0"),
    ({"personalizations": [NOBODY]}, "The to array is required", "personalizations.0.to"),
    (
        {"personalizations": [{"to": [{"email": "a b@example.com"}]}]},
        "Does not contain a valid address.",
        "personalizations.0.to.0.email",
    ),
    (
        {"personalizations": [{"to": [MAILBOX, MAILBOX]}]},
        "The sandbox takes one recipient a request.",
        "personalizations",
    ),
    (
        {"personalizations": [{"to": [MAILBOX], "custom_args": {"a": 1}}]},
        "Invalid type. Expected: string, given: number.",
        "personalizations.0.custom_args.a",
    ),
    ({"custom_args": {"a": "x" * 10_000}}, "The custom_args may not exceed", "custom_args"),
    ({"subject": ""}, "The subject is required.", "subject"),
    ({"subject": 7}, "Invalid type. Expected: string, given: number.", "subject"),
    ({"content": []}, "Unless a valid template_id is provided", "content"),
    ({"content": [{"type": "text/plain", "value": ""}]}, "The content value", "content.0.value"),
    ({"content": [{"type": "x", "value": "y"}]}, "The content type must", "content.0.type"),
    ({"headers": {"Subject": "x"}}, "The header Subject is reserved.", "headers"),
    ({"text": "x"}, "Additional property text is not allowed", "text"),
]
"""The change, how the sentence begins, and the field it names."""

_PICTURE = {"type": "image", "payload": {"url": "https://example.com/a.png"}}
INSTAGRAM: list[tuple[dict[str, Any], int | None, str]] = [
    ({"recipient": None}, None, "The parameter recipient is required"),
    ({"recipient": {}}, None, "The parameter recipient is required"),
    ({"recipient": {"id": "ana"}}, 2018001, "No matching user found"),
    ({"recipient": {"id": 17841400000000123}}, 2018001, "No matching user found"),
    ({"message": None}, None, "The parameter message is required"),
    ({"message": {}}, None, "Message cannot be empty"),
    ({"message": {"text": ""}}, None, "Message cannot be empty"),
    ({"message": {"text": 7}}, None, "Param message[text] must be a string."),
    ({"message": {"text": "é" * 501}}, None, "Length of param message[text] must be"),
    ({"message": {"text": "x", "attachment": _PICTURE}}, None, "Param message must have either"),
    ({"message": {"attachment": None}}, None, "Param message[attachment][type] must be one of"),
    (
        {"message": {"attachment": {**_PICTURE, "type": "gif"}}},
        None,
        "Param message[attachment][type] must be one of",
    ),
    (
        {"message": {"attachment": {**_PICTURE, "payload": {"url": "nowhere"}}}},
        None,
        "Param message[attachment][payload][url]",
    ),
    ({"messaging_type": "PROMOTION"}, None, "Param messaging_type must be one of"),
    ({"messaging_type": "MESSAGE_TAG", "tag": "SALE"}, None, "Param tag must be one of"),
]
"""The change, the subcode and how the message begins."""
