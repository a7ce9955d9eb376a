"""Telnyx and Vonage: the vectors their libraries are tested with, and ours where they publish none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import orjson
import pytest

from messaging.providers import get, vonage_signature
from messaging.providers.base import Webhook
from tests.providers.conformance import CALLBACK, NOON, account
from tests.providers.dialects import vonage as dialect
from tests.providers.dialects.vonage_sms import KEYS as SMS_KEYS

TELNYX, VONAGE, VONAGE_SMS = get("telnyx"), get("vonage"), get("vonage_sms")

# Seed 000102..1f; accepted by the code of Telnyx' own library.
PUBLIC_KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
SIGNED_AT = datetime.fromtimestamp(1705354334, UTC)
SIGNATURE = (
    "myuq0yvFxsYkaoekXwHj0HBa+TbqO3J73IKIKaEJBYeJjI4uwPzzBHYDIeemphnD3bKnvjsR6ASk9azzGhQMCA=="
)
EVENT = orjson.dumps(
    {
        "data": {
            "event_type": "message.finalized",
            "id": "4ee8c3a6-4995-4309-a3c6-38e3db9ea4be",
            "occurred_at": "2024-01-15T21:32:14.148+00:00",
            "payload": {
                "id": "ac012cbf-5e09-46af-a69a-7c0e2d90993c",
                "to": [{"phone_number": "+13125550002", "status": "delivered"}],
            },
            "record_type": "event",
        }
    }
)


def telnyx(body: bytes = EVENT, seconds: int = 0, **headers: str) -> bool:
    signed = {
        "telnyx-timestamp": "1705354334",
        "telnyx-signature-ed25519": SIGNATURE,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    hook = Webhook(CALLBACK, signed, body, SIGNED_AT + timedelta(seconds=seconds))
    return TELNYX.verify(account("telnyx", webhook_secrets=(PUBLIC_KEY,)), hook)


def test_telnyx_signs_the_bytes_that_came() -> None:
    assert telnyx()
    assert not telnyx(EVENT.replace(b'":', b'": ').replace(b',"', b', "'))


@pytest.mark.parametrize(
    ("seconds", "valid"),
    [(0, True), (300, True), (301, False), (-300, True), (-301, False), (86400, False)],
)
def test_telnyx_is_believed_for_five_minutes(seconds: int, valid: bool) -> None:
    assert telnyx(seconds=seconds) is valid


@pytest.mark.parametrize(
    "stamp", ["", " 1705354334", "+1705354334", "1705354334.0", "1_705354334", "1e9", "٣", "9" * 99]
)
def test_a_time_is_plain_digits(stamp: str) -> None:
    assert not telnyx(telnyx_timestamp=stamp)


@pytest.mark.parametrize(
    "mark", ["", "=", "AAAA", SIGNATURE[:-2], SIGNATURE + "\n", " " + SIGNATURE]
)
def test_a_signature_has_one_spelling(mark: str) -> None:
    assert not telnyx(telnyx_signature_ed25519=mark)


def test_the_api_key_of_an_account_is_no_public_key() -> None:
    hook = Webhook(CALLBACK, {"telnyx-timestamp": "1705354334"}, EVENT, SIGNED_AT)
    assert not TELNYX.verify(account("telnyx"), hook)


# --- Vonage's Messages API

TOKEN_SECRET = "ZYtdTtGV3BCFN7tWmOWr1md66XsquMggr4W2cTtXtcPgfnI0Xw"
TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE1ODc0OTQ5NjIsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMx"
    "MC1iZmRmLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6ImQ2YzBlNzRiNTg1N2RmMjBl"
    "M2I3ZTUxYjMwYzBjMmE0MGVjNzNhNzc4NzliNmYwNzRkZGM3YTIzMTdkZDAzMWIiLCJhcGlfa2V5IjoiYTFiMmMzZCIs"
    "ImFwcGxpY2F0aW9uX2lkIjoiYWFhYWFhYWEtYmJiYi1jY2NjLWRkZGQtMDEyMzQ1Njc4OWFiIn0.JQRKi1d0SQitmjPI"
    "NfTWMpt3XZkGsLbD7EjCdXoNSbk"
)


def test_the_official_token_is_read() -> None:
    assert vonage_signature.claims(TOKEN, TOKEN_SECRET) == {
        "iat": 1587494962,
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "iss": "Vonage",
        "payload_hash": "d6c0e74b5857df20e3b7e51b30c0c2a40ec73a77879b6f074ddc7a2317dd031b",
        "api_key": "a1b2c3d",
        "application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    }
    assert vonage_signature.claims(TOKEN, TOKEN_SECRET[:-1]) is None
    assert vonage_signature.claims(TOKEN, "") is None


def test_a_genuine_token_vouches_for_its_own_body_alone() -> None:
    at = datetime.fromtimestamp(1587494962, UTC)
    hook = Webhook(CALLBACK, {"authorization": f"Bearer {TOKEN}"}, b"{}", at)
    assert not VONAGE.verify(account("vonage", webhook_secrets=(TOKEN_SECRET,)), hook)


BODY = dialect.receipt("delivered")
OURS = account("vonage", webhook_secrets=dialect.KEYS[:1])


@pytest.mark.parametrize(
    "changes",
    [
        {"payload_hash": None},
        {"payload_hash": ""},
        {"payload_hash": 5},
        {"iat": None},
        {"iat": True},
        {"iat": str(int(NOON.timestamp()))},
        {"iat": NOON.timestamp() + 0.5},
        {"iat": -1},
    ],
)
def test_a_token_without_hash_or_time_vouches_for_nothing(changes: dict[str, object]) -> None:
    assert VONAGE.verify(OURS, dialect.sign(0, CALLBACK, BODY, NOON))
    assert not VONAGE.verify(OURS, dialect.sign(0, CALLBACK, BODY, NOON, **changes))


def test_a_token_cannot_choose_how_it_is_checked() -> None:
    good = dialect.sign(0, CALLBACK, BODY, NOON)
    _, claims, signature = good.headers["authorization"].removeprefix("Bearer ").split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}
    for token in (
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
        f".{claims}.{signature}",
        "..",
        "a.b",
    ):
        forged = replace(good, headers={"authorization": f"Bearer {token}"})
        assert not VONAGE.verify(OURS, forged)
    token = good.headers["authorization"].removeprefix("Bearer ")
    for scheme in ("", "Basic ", "bearer ", "Bearer  "):
        assert not VONAGE.verify(OURS, replace(good, headers={"authorization": scheme + token}))


# --- Vonage's SMS API

SMS_SECRET = "my_secret_key_for_testing"
INBOUND = {
    "message-timestamp": "2013-11-21 15:27:30",
    "messageId": "020000001B0FE827",
    "msisdn": "14843472194",
    "text": "Test again",
    "timestamp": "1385047698",
    "to": "13239877404",
    "type": "text",
}
MARKS = {
    "md5hash": "d2e7b1dc968737c5998ad624e02f90b7",
    "sha1": "27D0D05C2876C7CB1720DBCDBA4D492E1E55C09A",
    "sha256": "DDB8397C2B90AAC7F3882D306475C9A5058C92322EEF43C92B298B6E0FC0D330",
}


def sms(method: str | None, mark: str, seconds: int = 0) -> bool:
    options = {} if method is None else {"signature_method": method}
    ours = account("vonage_sms", options=options, webhook_secrets=(SMS_SECRET,))
    body = urlencode({**INBOUND, "sig": mark}).encode()
    at = datetime.fromtimestamp(1385047698 + seconds, UTC)
    return VONAGE_SMS.verify(ours, Webhook(CALLBACK, {}, body, at))


@pytest.mark.parametrize("method", MARKS)
def test_the_official_marks_of_each_method(method: str) -> None:
    mark = MARKS[method]
    assert sms(method, mark.lower())
    assert sms(method, mark.upper())
    assert not sms(method, mark[:-1])
    assert not sms(method, "")
    assert not sms(method, mark, seconds=301)
    assert [sms(other, mark) for other in MARKS if other != method] == [False, False]


def test_the_plain_hash_is_the_default_and_an_unknown_method_verifies_nothing() -> None:
    assert sms(None, MARKS["md5hash"])
    assert not sms("crc32", MARKS["md5hash"])
    assert not sms("md5", MARKS["md5hash"])


@pytest.mark.parametrize(
    ("method", "params", "mark"),
    [
        (
            "sha256",
            {"param1": "value1", "param2": "value2", "timestamp": "1234567890"},
            "280c4320703dbc98bfa22db676655ed2acfbfe8792b062ff7622e67f1183c287",
        ),
        (
            "md5",
            {"param1": "value&1", "param2": "value=2", "timestamp": "1234567890"},
            "2bbf0abafb2c55e5af6231513896a2ac",
        ),
    ],
)
def test_the_marks_of_vonages_python_library(
    method: str, params: dict[str, str], mark: str
) -> None:
    assert vonage_signature.sign(params, "signature_secret", method) == mark


@pytest.mark.parametrize("shape", ["form", "json", "json with numbers", "query"])
def test_a_receipt_may_come_as_form_json_or_query(shape: str) -> None:
    said = {**INBOUND, "a&b": "x=y&z", "text": "Olá = 👋"}
    said["sig"] = vonage_signature.sign(said, SMS_KEYS[0], "md5hash")
    body = urlencode(said).encode() if shape in {"form", "query"} else orjson.dumps(said)
    if shape == "json with numbers":
        body = orjson.dumps({**said, "timestamp": 1385047698})
    hook = Webhook(CALLBACK, {}, body, datetime.fromtimestamp(1385047698, UTC))
    ours = account("vonage_sms", webhook_secrets=SMS_KEYS[:1])
    assert VONAGE_SMS.verify(ours, hook)
    (message,) = VONAGE_SMS.inbound(hook)
    assert message.body == "Olá = 👋"
    assert not VONAGE_SMS.verify(account("vonage_sms"), hook)
