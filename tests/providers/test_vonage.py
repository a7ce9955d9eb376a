"""Vonage's Messages API: what a send puts on the wire, what its reply means, and its receipts."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jsonschema import Draft202012Validator

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel, Parts
from messaging.providers import get
from messaging.providers.base import DeliveryReport, Outbound, Webhook
from messaging.providers.vonage_errors import SYNC
from tests.providers.conformance import (
    BODY,
    CALLBACK,
    FROM,
    NOON,
    REFERENCE,
    SECRET,
    TO,
    account,
    outbound,
)
from tests.providers.dialects.vonage import ID, inbound, receipt

VONAGE = get("vonage")
ACCOUNT = account("vonage", username="abcd1234")
SPEC = next(Path(__file__).parents[3].glob("*/specs/vonage_messages.json"), None)
PNG, MP4, VCF = (f"https://cdn.example.com/a.{kind}?x=1.b" for kind in ("PNG", "mp4", "vcf"))


def sent(out: Outbound) -> dict[str, Any]:
    fields = orjson.loads(VONAGE.request(ACCOUNT, out).content)
    assert isinstance(fields, dict)
    return fields


def mms(*media: str, body: str = BODY) -> Outbound:
    return outbound(body, channel=Channel.MMS, parts=Parts(media=media))


def test_the_request_is_what_the_api_wants() -> None:
    request = VONAGE.request(ACCOUNT, outbound(validity=timedelta(hours=1)))
    assert str(request.url) == "http://127.0.0.1:4010/v1/messages"
    basic = b64encode(f"abcd1234:{SECRET}".encode()).decode()
    assert request.headers["authorization"] == f"Basic {basic}"
    assert orjson.loads(request.content) == {
        "channel": "sms",
        "message_type": "text",
        "to": TO[1:],
        "from": FROM[1:],
        "text": BODY,
        "ttl": 3600,
        "client_ref": REFERENCE,
        "webhook_url": CALLBACK,
        "webhook_version": "v1",
    }
    assert len(REFERENCE) <= 40
    assert sent(outbound(sender="ACME"))["from"] == "ACME"


@pytest.mark.parametrize(
    ("channel", "validity", "seconds"),
    [
        (Channel.SMS, timedelta(milliseconds=5), 20),
        (Channel.SMS, timedelta(days=30), 604_800),
        (Channel.MMS, timedelta(seconds=60), 300),
        (Channel.MMS, timedelta(days=30), 259_200),
    ],
)
def test_the_time_to_live_is_kept_in_range(
    channel: Channel, validity: timedelta, seconds: int
) -> None:
    assert sent(outbound(validity=validity, channel=channel))["ttl"] == seconds
    assert "ttl" not in sent(outbound(channel=channel))


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ((), {"message_type": "text", "text": BODY}),
        ((PNG,), {"message_type": "image", "image": {"url": PNG, "caption": BODY}}),
        ((MP4,), {"message_type": "video", "video": {"url": MP4, "caption": BODY}}),
        ((VCF,), {"message_type": "vcard", "vcard": {"url": VCF, "caption": BODY}}),
        (
            ("https://cdn.example.com/a",),
            {"message_type": "file", "file": {"url": "https://cdn.example.com/a", "caption": BODY}},
        ),
        (
            (PNG, MP4),
            {
                "message_type": "content",
                "content": [
                    {"type": "image", "url": PNG, "caption": BODY},
                    {"type": "video", "url": MP4},
                ],
            },
        ),
    ],
)
def test_files_are_named_by_their_endings(media: tuple[str, ...], expected: dict[str, Any]) -> None:
    fields = sent(mms(*media))
    assert fields["channel"] == "mms"
    assert expected.items() <= fields.items()
    assert "caption" not in str(sent(mms(PNG, body="")))


@pytest.mark.skipif(SPEC is None, reason="Vonage's API description is not beside the repository")
@pytest.mark.parametrize(
    "out",
    [outbound(), outbound(validity=timedelta(hours=1)), mms(), mms(PNG), mms(MP4), mms(PNG, VCF)],
)
def test_the_body_fits_vonages_own_description(out: Outbound) -> None:
    assert SPEC is not None
    spec = json.loads(SPEC.read_text())
    operation = spec["paths"]["/v1/messages"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": spec["components"]}).validate(sent(out))


# --- tokens of an application


@cache
def private_key() -> tuple[str, rsa.RSAPublicKey]:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode(), key.public_key()


def bearer(at: datetime | None, **options: str) -> str:
    pem, _ = private_key()
    ours = account("vonage", options={"application_id": "app-1", "private_key": pem, **options})
    request = VONAGE.request(ours, replace(outbound(), at=at))
    return str(request.headers["authorization"])


def test_an_application_signs_a_token_that_is_used_for_some_minutes() -> None:
    _, public = private_key()
    token = bearer(NOON).removeprefix("Bearer ")
    claims = jwt.decode(token, public, algorithms=["RS256"], options={"verify_exp": False})
    now = int(NOON.timestamp())
    assert (claims["application_id"], claims["iat"], claims["exp"]) == ("app-1", now, now + 900)
    assert claims["jti"]
    assert bearer(NOON + timedelta(seconds=299)) == f"Bearer {token}"
    assert bearer(NOON + timedelta(seconds=300)) != f"Bearer {token}"
    assert bearer(NOON, application_id="app-2") != f"Bearer {token}"


def test_without_a_key_or_a_time_the_secret_must_do() -> None:
    assert bearer(None).startswith("Basic ")
    assert bearer(NOON, private_key="").startswith("Basic ")
    assert bearer(NOON, private_key="no key").startswith("Basic ")
    assert bearer(NOON, application_id="").startswith("Basic ")


# --- the reply


def problem(fragment: str, title: str = "No", **more: Any) -> dict[str, Any]:
    address = f"https://developer.vonage.com/api-errors/messages#{fragment}"
    return {"type": address, "title": title, "detail": f"{TO}?", "instance": "bf0", **more}


def bad(*names: str) -> dict[str, Any]:
    return problem("1150", invalid_parameters=[{"name": name, "reason": "no"} for name in names])


@pytest.mark.parametrize(
    ("status", "content", "key"),
    [
        (401, problem("unauthorized"), "http_401"),
        (402, problem("low-balance"), "http_402"),
        (422, problem("1060"), "#1060"),
        (422, problem("1100"), "#1100"),
        (422, problem("1110"), "#1110"),
        (422, problem("1120"), "#1120"),
        (422, problem("110", "Invalid recipient"), "#recipient"),
        (422, problem("1140"), "#1140"),
        (422, problem("1150"), "#1150"),
        (422, bad("image.url"), "#1150"),
        (422, bad("image.url", "to"), "#recipient"),
        (422, bad("from"), "#1120"),
        (422, problem("invalid-json"), "#invalid-json"),
        (429, problem("1000"), "http_429"),
        (500, problem("1000"), "http_500"),
    ],
)
def test_every_refusal(status: int, content: dict[str, Any], key: str) -> None:
    assert VONAGE.outcome(httpx.Response(status, json=content)) == SYNC[key]


@pytest.mark.parametrize(
    ("status", "content", "kind", "code"),
    [
        (422, problem("1240"), Kind.CONFIG, "http_422"),  # a receipt's number says nothing here
        (422, problem("9999"), Kind.CONFIG, "http_422"),
        (422, {"type": 5, "title": []}, Kind.CONFIG, "http_422"),
        (503, problem("1120"), Kind.AMBIGUOUS, "http_503"),
        (408, {}, Kind.AMBIGUOUS, "http_408"),
        (202, {"message_uuid": "a b"}, Kind.AMBIGUOUS, "unreadable"),
    ],
)
def test_what_is_not_known_is_read_by_its_status(
    status: int, content: dict[str, Any], kind: Kind, code: str
) -> None:
    result = VONAGE.outcome(httpx.Response(status, json=content))
    assert isinstance(result, Failure)
    assert (result.kind, result.code, result.failover) == (kind, code, Failover.NONE)


def test_a_good_reply_and_a_wait() -> None:
    assert VONAGE.outcome(httpx.Response(202, json={"message_uuid": ID})) == Accepted(
        ID, "submitted"
    )
    limited = VONAGE.outcome(httpx.Response(429, headers={"retry-after": "3"}))
    assert isinstance(limited, Failure)
    assert limited.retry_after == timedelta(seconds=3)


# --- receipts, and what people answer


def told(status: str, title: object, **more: Any) -> DeliveryReport | None:
    error = {"title": title, "detail": f"no {TO}", **more}
    return VONAGE.report(Webhook(CALLBACK, {}, receipt(status, error=error)))


def test_a_receipt_repeats_our_reference() -> None:
    assert VONAGE.report(Webhook(CALLBACK, {}, receipt("delivered"))) == DeliveryReport(
        ID,
        Event.DELIVERED,
        "delivered",
        reference=REFERENCE,
        at=datetime(2026, 3, 2, 12, 0, 7, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("status", "title", "event"),
    [
        ("rejected", "1240", Event.OPTED_OUT),
        ("undeliverable", "1240", Event.OPTED_OUT),
        ("rejected", "1070", Event.BLOCKED_BILLING),
        ("rejected", "1060", Event.FAILED),
        ("undeliverable", "1170", Event.UNDELIVERED),
        ("submitted", "1220", Event.ACCEPTED),  # Vonage goes on trying
        ("delivered", "1240", Event.DELIVERED),
    ],
)
def test_the_status_decides_and_the_code_refines(status: str, title: str, event: Event) -> None:
    for read in (
        told(status, title),
        told(status, int(title)),
        told(status, "No", type=f"x#{title}"),
    ):
        assert read is not None
        assert (read.event, read.code) == (event, title)
        assert TO[1:] not in repr(read)


def test_pictures_that_people_send() -> None:
    more: dict[str, Any] = {
        "channel": "mms",
        "text": None,
        "image": {"url": "https://x/1", "caption": "look"},
    }
    files = [{"type": "image", "url": "https://x/1"}, {"type": "audio", "url": "https://x/2"}]
    (read,) = VONAGE.inbound(Webhook(CALLBACK, {}, inbound(**more, content=files)))
    assert (read.body, read.media) == ("look", ("https://x/1", "https://x/2"))
    assert VONAGE.inbound(Webhook(CALLBACK, {}, inbound(channel="whatsapp"))) == []
    (short,) = VONAGE.inbound(Webhook(CALLBACK, {}, inbound(to="12345")))
    assert short.to == "12345"
