"""Twilio's signature: the official vectors, our own, and the official SDK as oracle."""

from __future__ import annotations

from hashlib import sha256
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.providers import signatures

FORM = "application/x-www-form-urlencoded"
TOKEN = "12345"
PARAMS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
PATH = "/myapp.php?foo=1&bar=2"
BARE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
WITH_443 = "kvajT1Ptam85bY51eRf/AJRuM3w="
HTTP_80 = "0ZXoZLH/DfblKGATFgpif+LLRf4="
HTTP_1234 = "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="
JSON_HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
JSON_BODY = b'{"property": "value", "boolean": true}'
JSON_SIGNATURE = "a9nBmqA0ju/hNViExpshrM61xv4="


def verify(url: str, params: list[tuple[str, str]], signature: str) -> bool:
    return signatures.twilio(TOKEN, url, FORM, urlencode(params).encode(), signature)


@pytest.mark.parametrize(
    ("url", "signature", "valid"),
    [
        ("https://mycompany.com" + PATH, BARE, True),
        ("https://mycompany.com:443" + PATH, BARE, True),
        ("https://mycompany.com:1234" + PATH, BARE, True),
        ("https://mycompany.com" + PATH, WITH_443, True),
        ("https://mycompany.com:443" + PATH, WITH_443, True),
        ("http://mycompany.com" + PATH, HTTP_80, True),
        ("http://mycompany.com:80" + PATH, HTTP_80, True),
        ("http://mycompany.com:1234" + PATH, HTTP_1234, True),
        ("https://mycompany.com" + PATH + "#rc=5&rp=all", BARE, True),
        ("http://mycompany.com" + PATH, HTTP_1234, False),
        ("http://mycompany.com" + PATH, BARE, False),
        ("https://mycompany.com:8443" + PATH, WITH_443, False),
        ("https://mycompany.com/myapp.php?bar=2&foo=1", BARE, False),
        ("https://mycompany.com" + PATH, BARE.lower(), False),
        ("https://mycompany.com" + PATH, "", False),
    ],
)
def test_the_official_form_vectors_and_their_ports(url: str, signature: str, valid: bool) -> None:
    assert verify(url, PARAMS, signature) is valid


def test_a_repeated_parameter_counts_once_per_distinct_value() -> None:
    params = [("Sid", "CA123"), ("SidAccount", "AC123")]
    params += [("Digits", value) for value in ("5678", "1234", "1234")]
    signature = "IK+Dwps556ElfBT0I3Rgjkr1wJU="
    assert verify("https://mycompany.com" + PATH, params, signature)
    assert verify("https://mycompany.com" + PATH, sorted(set(params)), signature)
    assert not verify("https://mycompany.com" + PATH, params[:-2], signature)


def test_the_official_json_vector() -> None:
    url = f"https://mycompany.com{PATH}&bodySHA256={JSON_HASH}"
    for content_type in ("application/json", "application/json; charset=utf-8", ""):
        assert signatures.twilio(TOKEN, url, content_type, JSON_BODY, JSON_SIGNATURE)
        assert not signatures.twilio(TOKEN, url, content_type, JSON_BODY + b" ", JSON_SIGNATURE)
    assert not signatures.twilio("54321", url, "application/json", JSON_BODY, JSON_SIGNATURE)


def test_our_vector_with_an_encoded_query_and_utf8() -> None:
    params = [("Body", "Olá & bye = 👋"), ("From", "+15558675310")]
    url = "https://hooks.example.com/in?tag=a%20b%2Bc&x=%7B1%7D"
    assert verify(url, params, "yqfx/ncT4ipOcE6H4uQhbLCkWWo=")
    assert not verify(url.replace("%20", "+"), params, "yqfx/ncT4ipOcE6H4uQhbLCkWWo=")


def test_a_body_that_nothing_signs_is_refused() -> None:
    url = "https://hooks.example.com/in"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    assert signatures.twilio(TOKEN, url, "", b"", signature)
    assert signatures.twilio(TOKEN, url, FORM, b"", signature)
    assert not signatures.twilio(TOKEN, url, "application/json", b"{}", signature)
    assert not signatures.twilio(TOKEN, url + "?bodySHA256=", "text/plain", b"{}", signature)


def test_an_empty_token_verifies_nothing() -> None:
    url = "https://hooks.example.com/in"
    assert not signatures.twilio("", url, "", b"", RequestValidator("").compute_signature(url, {}))


# --- the official SDK as oracle

HOSTS = st.sampled_from(["a.example.com", "hooks.example.com", "127.0.0.1", "x"])
PORTS = st.sampled_from(["", ":443", ":80", ":8443", ":1"])
TAILS = st.sampled_from(["", "/", "/in", "/in?a=1", "/in?a=%20%2B&b=", "/é?x=%C3%A9", "/a;b?c=d=e"])
URLS = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https"]), HOSTS, PORTS, TAILS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FIELDS = st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=6)


@given(signed=URLS, requested=URLS, params=FIELDS, token=TEXTS.filter(bool), tamper=st.booleans())
def test_the_sdk_and_we_agree_on_forms(
    signed: str, requested: str, params: dict[str, str], token: str, tamper: bool
) -> None:
    sdk = RequestValidator(token)
    for url in (signed, requested):
        signature = sdk.compute_signature(signed, params)
        received = {**params, "More": "x"} if tamper else params
        body = urlencode(received).encode()
        expected = sdk.validate(url, received, signature)
        assert signatures.twilio(token, url, FORM, body, signature) is expected


@given(url=URLS, body=st.text(min_size=1, max_size=50), tamper=st.booleans())
def test_the_sdk_and_we_agree_on_other_bodies(url: str, body: str, tamper: bool) -> None:
    sdk, raw = RequestValidator(TOKEN), body.encode()
    url += ("&" if "?" in url else "?") + "bodySHA256=" + sha256(raw).hexdigest()
    signature = sdk.compute_signature(url, {})
    sent = body + "x" if tamper else body
    verified = signatures.twilio(TOKEN, url, "application/json", sent.encode(), signature)
    assert verified is sdk.validate(url, sent, signature) is not tamper


@given(url=st.text(), body=st.binary(), kind=st.sampled_from([FORM, "", "x"]), mark=st.text())
def test_garbage_is_refused_and_never_raises(url: str, body: bytes, kind: str, mark: str) -> None:
    assert signatures.twilio(TOKEN, url, kind, body, mark) is False


@pytest.mark.parametrize(
    ("signed", "requested"),
    [
        ("https://u:p@a.example.com/x", "https://u:p@a.example.com:443/x"),
        ("https://[::1]/x", "https://[::1]:443/x"),
        ("https://[::1]:443/x", "https://[::1]/x"),
        ("https://a.example.com:443", "https://a.example.com"),
        ("HTTPS://A.example.com:443/x", "HTTPS://A.example.com/x"),
    ],
)
def test_ports_are_found_where_the_sdk_fails(signed: str, requested: str) -> None:
    signature = RequestValidator(TOKEN).compute_signature(signed, {})
    assert signatures.twilio(TOKEN, requested, FORM, b"", signature)
