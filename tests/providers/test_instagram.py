"""Instagram: the request, and its reply."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel, Parts
from messaging.providers import get
from messaging.providers.base import unable
from messaging.providers.instagram_errors import DEAD, SYNC
from tests.providers.conformance import BODY, account, outbound
from tests.providers.dialects.instagram import IG_ID, PERSON
from tests.providers.error_rows import beside, rows_of

INSTAGRAM = get("instagram")
OPTIONS = {"ig_id": IG_ID, "verify_token": "a-word-of-ours"}
ACCOUNT = account("instagram", options=OPTIONS)
OUT = outbound(to=PERSON, sender=IG_ID, channel=Channel.INSTAGRAM_DM)
PICTURE = Parts(media=("https://cdn.example.com/a.png",))


def test_the_request_is_what_the_api_wants() -> None:
    request = INSTAGRAM.request(ACCOUNT, OUT)
    assert str(request.url) == f"http://127.0.0.1:4010/v25.0/{IG_ID}/messages"
    assert request.headers["authorization"] == f"Bearer {ACCOUNT.secret}"
    assert json.loads(request.content) == {"recipient": {"id": PERSON}, "message": {"text": BODY}}
    picture = INSTAGRAM.request(ACCOUNT, replace(OUT, body="", parts=PICTURE))
    assert json.loads(picture.content)["message"] == {
        "attachment": {"type": "image", "payload": {"url": "https://cdn.example.com/a.png"}}
    }
    other = account("instagram", options={"version": "../v1?", "ig_id": "x/y"})
    assert INSTAGRAM.request(other, OUT).url.raw_path == b"/..%2Fv1%3F/x%2Fy/messages"
    assert INSTAGRAM.request(account("instagram"), OUT).url.path == "/v25.0/me/messages"


@pytest.mark.parametrize(
    ("text", "parts", "code"),
    [
        ("x" * 1000, None, None),
        ("x" * 1001, None, "too_long"),
        ("é" * 500, None, None),
        ("é" * 501, None, "too_long"),
        ("👋" * 251, None, "too_long"),
        ("", PICTURE, None),
        ("x", PICTURE, "text_with_media"),
    ],
)
def test_what_instagram_cannot_say(text: str, parts: Parts | None, code: str | None) -> None:
    refused = unable(INSTAGRAM, replace(OUT, body=text, parts=parts))
    assert (refused.code if refused else None) == code
    if refused is not None:
        assert (refused.kind, refused.failover) == (Kind.CONFIG, Failover.OTHER_PROVIDER)


def reply(status: int, code: object = None, subcode: object = None) -> Accepted | Failure:
    error = {"message": f"{PERSON}: {BODY}", "type": "IGApiException", "code": code}
    content = {"error": {**error, "error_subcode": subcode, "fbtrace_id": "AbC"}}
    return INSTAGRAM.outcome(httpx.Response(status, json=content))


# status, code, subcode, our code, kind, where the message ends, who else may be tried
REFUSALS = [
    (403, 10, 2534022, "10/2534022", "permanent_recipient", "blocked_compliance", "none"),
    (400, 10, 2018278, "10/2018278", "permanent_recipient", "blocked_compliance", "none"),
    (403, 10, 5, "10", "permanent_config", "failed", "none"),
    (403, 200, None, "200", "permanent_config", "failed", "none"),
    (400, 190, 463, "190", "permanent_config", "failed", "none"),
    (200, 190, None, "190", "permanent_config", "failed", "none"),
    (400, 100, 2018001, "100/2018001", "permanent_recipient", "undeliverable", "none"),
    (400, 100, None, "100", "permanent_config", "failed", "none"),
    (400, 551, None, "551", "permanent_recipient", "undeliverable", "none"),
    (400, 4, None, "4", "rate_limited", "failed", "none"),
    (400, 613, None, "613", "rate_limited", "failed", "none"),
    (429, None, None, "4", "rate_limited", "failed", "none"),
    (429, 32, None, "32", "rate_limited", "failed", "none"),
    (500, 1, 1357046, "1/1357046", "ambiguous", "failed", "none"),
    (200, 1, 1357046, "1/1357046", "ambiguous", "failed", "none"),
    (400, 1, 99, "1", "ambiguous", "failed", "none"),
    (400, 2, None, "2", "ambiguous", "failed", "none"),
    (500, None, None, "http_500", "ambiguous", "failed", "none"),
    (503, 77777, None, "77777", "ambiguous", "failed", "none"),
    (200, 77777, None, "77777", "ambiguous", "failed", "none"),
    (400, 77777, None, "77777", "permanent_config", "failed", "none"),
    (400, True, None, "http_400", "permanent_config", "failed", "none"),
    (400, PERSON, None, "http_400", "permanent_config", "failed", "none"),
    (400, 36001, None, "media", "permanent_config", "failed", "none"),
    (400, 368, None, "368", "permanent_sender", "failed", "other_sender"),
    (400, 1200, None, "1200", "transient_retry", "failed", "none"),
]


@pytest.mark.parametrize(
    ("http", "code", "subcode", "ours", "kind", "status", "failover"), REFUSALS
)
def test_an_error_is_read(
    http: int, code: object, subcode: object, ours: str, kind: str, status: str, failover: str
) -> None:
    got = reply(http, code, subcode)
    assert isinstance(got, Failure)
    assert (got.code, got.kind, got.status) == (ours, Kind(kind), Status(status))
    assert got.failover is Failover(failover)
    assert PERSON not in repr(got)


def test_a_limit_says_how_long() -> None:
    got = INSTAGRAM.outcome(httpx.Response(429, headers={"retry-after": "7"}))
    assert isinstance(got, Failure)
    assert got.retry_after == timedelta(seconds=7)


IN_THE_TABLE = {
    "190": ["190"],
    "10 / 2534022": ["10/2534022"],
    "10 / 2018278": ["10/2018278"],
    "10 (other), 200, 230": ["10", "200", "230"],
    "100 / 2018001": ["100/2018001"],
    "100 (other)": ["100"],
    "551": ["551"],
    "4, 17, 32, 613, HTTP 429": ["4", "17", "32", "613"],
    "1200": ["1200"],
    "1 / 1357046": ["1/1357046"],
    "1 / 99, 2, HTTP 5xx": ["1", "2"],
    "368": ["368"],
    "36000-family": ["media"],
}


@beside
def test_every_row_of_the_table_is_read_like_that() -> None:
    rows = {row["code"]: row for row in rows_of("instagram")}
    assert rows.keys() == IN_THE_TABLE.keys()
    assert {code for codes in IN_THE_TABLE.values() for code in codes} == SYNC.keys()
    for name, codes in IN_THE_TABLE.items():
        row = rows[name]
        for code in codes:
            got = SYNC[code]
            read = (got.kind, got.status, got.failover)
            assert read == (row["cls"], row["lifecycle"], row["failover"]), code
            assert (code in DEAD) is (row["suppress"] == "number_invalid")
