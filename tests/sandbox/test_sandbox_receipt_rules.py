from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.sandbox.courier import sequence
from messaging.sandbox.dialect import RetryPolicy
from messaging.sandbox.twilio_receipts import AS_TWILIO, retry_policy, sign

CALL = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
PAGE = "mycompany.com{}/myapp.php?foo=1&bar=2"


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        ("https://" + PAGE.format(""), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://" + PAGE.format("") + "#rc=2&rp=all", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://" + PAGE.format(":443"), "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://" + PAGE.format(":80"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("http://" + PAGE.format(":1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    ],
)
def test_signatures_are_those_twilio_published(url: str, signature: str) -> None:
    assert sign("12345", url, CALL) == signature


def test_repeated_values_are_signed_once_each_in_order() -> None:
    fields = [("Sid", "CA123"), ("SidAccount", "AC123")]
    fields += [("Digits", value) for value in ("5678", "1234", "1234")]
    url = "https://" + PAGE.format("")
    assert sign("12345", url, fields) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


@settings(derandomize=True)
@given(st.dictionaries(st.text("abcXYZ09", min_size=1), st.text(max_size=20), max_size=6))
def test_the_official_validator_accepts_every_signature(fields: dict[str, str]) -> None:
    url = "http://127.0.0.1:4010/receipts?m=1&e=2"
    try:
        signature = sign("token", url, fields.items())
    except UnicodeEncodeError:  # a lone surrogate cannot be sent
        return
    assert RequestValidator("token").validate(url, fields, signature)


EVERYTHING = frozenset({"ct", "rt", "4xx", "5xx"})


@pytest.mark.parametrize(
    ("callback", "expected"),
    [
        ("http://h/r", AS_TWILIO),
        ("http://h/r#rc=3&rp=all", RetryPolicy(3, EVERYTHING)),
        ("http://h/r#rp=5xx,rt&rc=5", RetryPolicy(5, frozenset({"5xx", "rt"}))),
        ("http://h/r#rc=0", RetryPolicy(0, frozenset({"ct"}))),
        ("http://h/r#rc=9", AS_TWILIO),
        ("http://h/r#elsewhere", AS_TWILIO),
        ("http://h/r?rc=3&rp=all", AS_TWILIO),
    ],
)
def test_the_fragment_sets_the_repeats(callback: str, expected: RetryPolicy) -> None:
    assert retry_policy(callback, AS_TWILIO) == expected


TWO = ("sent", "delivered")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, TWO),
        ({"silent": True}, ()),
        ({"reverse": True}, ("delivered", "sent")),
        ({"duplicate": True}, ("sent", "sent", "delivered", "delivered")),
        ({"failed": True}, ("sent", "undelivered")),
        (
            {"duplicate": True, "reverse": True, "failed": True},
            ("undelivered", "undelivered", "sent", "sent"),
        ),
    ],
)
def test_the_order_of_receipts(change: dict[str, bool], expected: tuple[str, ...]) -> None:
    calm = dict.fromkeys(("silent", "failed", "reverse", "duplicate"), False)
    assert sequence(TWO, **{**calm, **change}) == expected
