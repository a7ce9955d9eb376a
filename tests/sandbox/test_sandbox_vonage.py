"""The carrier as Vonage's Messages API: spoken to by Vonage's own client, checked against its description."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from vonage import Vonage  # type: ignore[import-untyped]
from vonage_http_client.errors import (  # type: ignore[import-untyped]
    AuthenticationError,
    HttpRequestError,
    RateLimitedError,
    ServerError,
)
from vonage_jwt import verify_signature  # type: ignore[import-untyped]
from vonage_messages import MmsImage, MmsResource, Sms  # type: ignore[import-untyped]

from messaging.sandbox import VONAGE_ACCOUNT
from messaging.sandbox.vonage_problems import Problem
from messaging.sandbox.vonage_wire import read_create
from tests.sandbox.carrier import SENDER, Posted, Receiver, Sandbox, number
from tests.sandbox.refusals import VONAGE as VONAGE_REFUSED
from tests.sandbox.refusals import VONAGE_IMAGE, VONAGE_TEXT
from tests.sandbox.speaking import REFERENCE, M, vonage
from tests.sandbox.vonage_client import client_of, close, private_pem, public_pem

TO, FROM = "12025550123", "12025550100"
AUTH = (VONAGE_ACCOUNT.sid, VONAGE_ACCOUNT.token)
RECORDS = "/v2/reports/records"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def client(carrier: Sandbox) -> Iterator[Vonage]:
    found = client_of(carrier, api_key=AUTH[0], api_secret=AUTH[1])
    yield found
    close(found)


@pytest.fixture
def application(carrier: Sandbox, key: rsa.RSAPrivateKey) -> Iterator[Vonage]:
    found = client_of(
        carrier, application_id=VONAGE_ACCOUNT.application, private_key=private_pem(key)
    )
    yield found
    close(found)


def sms(**change: Any) -> Sms:
    return Sms(**{"to": TO, "from_": FROM, "text": "héllo & bye 👋", **change})


def test_the_clients_send(client: Vonage, carrier: Sandbox) -> None:
    sent = client.messages.send(sms(client_ref=REFERENCE, ttl=600))
    (row,) = carrier.get("/sandbox/ledger")
    assert (row["sid"], row["to"], row["from"]) == (sent.message_uuid, number("0123"), SENDER)
    assert (row["m"], row["e"]) == (M, 1)
    assert row["body_sha256"] == sha256("héllo & bye 👋".encode()).hexdigest()


def test_media_makes_it_an_mms(client: Vonage, carrier: Sandbox) -> None:
    image = MmsResource(url="https://example.com/a.png", caption="Look")
    client.messages.send(MmsImage(to=TO, from_=FROM, image=image))
    (row,) = carrier.get("/sandbox/ledger")
    assert (row["kind"], row["media"]) == ("mms", 1)


@pytest.mark.parametrize(
    ("change", "error", "fragment"),
    [
        ({"to": "12025550191"}, RateLimitedError, "1000"),
        ({"to": "12025550192"}, ServerError, "1000"),
        ({"from_": "nobody at all"}, HttpRequestError, "1120"),
        ({"text": "x" * 1001}, HttpRequestError, "1150"),
        ({"client_ref": "x" * 41}, HttpRequestError, "1060"),
    ],
)
def test_a_refusal_raises_the_clients_own_exception(
    client: Vonage,
    carrier: Sandbox,
    change: dict[str, Any],
    error: type[Exception],
    fragment: str,
) -> None:
    with pytest.raises(error) as caught:
        client.messages.send(sms(**change))
    response = caught.value.response  # type: ignore[attr-defined]
    assert response.json()["type"].endswith(f"#{fragment}")
    assert response.headers["content-type"] == "application/problem+json"
    assert carrier.get("/sandbox/summary")["accepted"] == 0


def test_a_token_of_the_application_is_good(
    application: Vonage, carrier: Sandbox, key: rsa.RSAPrivateKey, receiver: Receiver
) -> None:
    application.messages.send(sms(webhook_url=receiver.url))
    assert carrier.get("/sandbox/ledger")[0]["account"] == VONAGE_ACCOUNT.sid
    assert {claims(one)["application_id"] for one in receiver.wait(2)} == {
        VONAGE_ACCOUNT.application
    }

    def known(public: str) -> None:
        change = {"account": VONAGE_ACCOUNT.sid, "public_key": public}
        carrier.http.post("/sandbox/accounts", json=change).raise_for_status()

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    try:
        known(public_pem(other))
        with pytest.raises(AuthenticationError):
            application.messages.send(sms())
        known(public_pem(key))
        application.messages.send(sms())
    finally:
        known("")


@pytest.mark.parametrize(
    "change",
    [
        {"application_id": "0192f0c1-0000-4000-8000-000000000009"},
        {"exp": 1},
        {"iat": 1},
        {"jti": ""},
        {"application_id": 7},
    ],
)
def test_a_token_that_is_not_good_is_refused(
    carrier: Sandbox, key: rsa.RSAPrivateKey, change: dict[str, Any]
) -> None:
    now = int(time.time())
    good = {"application_id": VONAGE_ACCOUNT.application, "iat": now, "exp": now + 60, "jti": "a"}
    for said, algorithm in ((good | change, "RS256"), (good, "HS256")):
        secret: Any = key if algorithm == "RS256" else "x" * 32
        token = jwt.encode(said, secret, algorithm=algorithm)
        headers = {"Authorization": f"Bearer {token}"}
        reply = carrier.http.post("/v1/messages", json={}, headers=headers)
        assert reply.status_code == 401


def test_wrong_credentials_are_refused(carrier: Sandbox) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}):
        reply = carrier.http.post("/v1/messages", json={}, headers=headers)
        assert reply.status_code == 401
        assert {"type", "title", "detail", "details", "instance"} == set(reply.json())
    assert carrier.http.get(f"/v1/messages/{M}", auth=AUTH).status_code == 404


def claims(posted: Posted) -> dict[str, Any]:
    """What the token of a webhook says, after Vonage's own verifier has accepted it."""
    token = posted.headers["authorization"].removeprefix("Bearer ")
    assert verify_signature(token, VONAGE_ACCOUNT.signing)
    assert not verify_signature(token, "x" * 40)
    found: dict[str, Any] = jwt.decode(token, VONAGE_ACCOUNT.signing, ["HS256"])
    assert found["payload_hash"] == sha256(posted.body).hexdigest()
    return found


def test_status_webhooks_are_signed(carrier: Sandbox, receiver: Receiver) -> None:
    receiver.answers.append(500)
    reply = vonage(carrier, number("0194"), receiver.url, client_ref="order-7")
    posted = receiver.wait(3)
    said = [claims(one) for one in posted]
    assert {(one["iss"], one["api_key"]) for one in said} == {("Vonage", VONAGE_ACCOUNT.sid)}
    assert len({one["jti"] for one in said}) == 3
    assert abs(time.time() - said[0]["iat"]) < 30
    first, _, last = [one.json for one in posted]
    assert first["message_uuid"] == last["message_uuid"] == reply.json()["message_uuid"]
    assert (first["to"], first["from"], first["client_ref"]) == ("12025550194", FROM, "order-7")
    assert (first["channel"], first["sms"]) == ("sms", {"count_total": "1"})
    assert "error" not in first
    assert last["error"]["title"] == "1180"
    assert carrier.get("/sandbox/ledger")[0]["m"] == "order-7"


def test_what_somebody_writes_is_posted(carrier: Sandbox, receiver: Receiver) -> None:
    said = {"account": VONAGE_ACCOUNT.sid, "from": number("0123"), "to": SENDER}
    said["url"] = receiver.url
    answer = carrier.http.post("/sandbox/inbound", json={**said, "body": "Stop it"}).json()
    media = {"body": "", "media": ["https://example.com/a.png", "https://example.com/b.png"]}
    carrier.http.post("/sandbox/inbound", json={**said, **media})
    text, picture = receiver.posted
    assert claims(text)["application_id"] == VONAGE_ACCOUNT.application
    assert (answer["opt_out_type"], answer["sid"]) == (None, text.json["message_uuid"])
    assert (text.json["from"], text.json["to"], text.json["text"]) == (TO, FROM, "Stop it")
    assert text.json["sms"] == {"num_messages": "1", "keyword": "STOP"}
    assert picture.json["image"]["url"] == "https://example.com/a.png"
    assert len(picture.json["content"]) == 2


def records(carrier: Sandbox, **fields: str) -> httpx.Response:
    asked = {"account_id": AUTH[0], "product": "MESSAGES", "direction": "outbound", **fields}
    return carrier.http.get(RECORDS, params=asked, auth=AUTH)


def test_the_reports_show_what_was_sent(carrier: Sandbox) -> None:
    sids = [
        vonage(carrier, number("0123"), client_ref=f"ref-{n}").json()["message_uuid"]
        for n in range(2)
    ]
    found = records(carrier, id=f"{sids[0]},{M}").json()
    assert (found["request_status"], found["items_count"]) == ("SUCCESS", 1)
    assert found["ids_not_found"] == M
    (record,) = found["records"]
    assert (record["message_id"], record["client_ref"]) == (sids[0], "ref-0")
    assert (record["to"], record["from"], record["provider"]) == (TO, FROM, "sms")
    assert "message_body" not in record
    today = {"date_start": at(-3600), "date_end": at(60)}
    found = records(carrier, **today, include_message="true").json()
    assert [each["message_id"] for each in found["records"]] == sids[::-1]
    assert {each["message_body"] for each in found["records"]} == {"hello"}
    assert records(carrier, date_start=at(-7200), date_end=at(-3600)).json()["records"] == []
    assert records(carrier, **today, direction="inbound").json()["records"] == []
    assert records(carrier, **today, product="SMS").json()["records"] == []
    deadline = time.monotonic() + 5
    while (record := records(carrier, id=sids[1]).json()["records"][0])["status"] != "delivered":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert record["date_finalized"] >= record["date_received"]


def at(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"id": M, "date_start": "2026-11-20T00:00:00Z"}, 422),
        ({"date_start": "2026-11-20T00:00:00Z"}, 422),
        ({"date_start": "2026-11-20T00:00:00Z", "date_end": "2026-11-21T00:00:01Z"}, 422),
        ({"date_start": "yesterday", "date_end": "2026-11-21T00:00:01Z"}, 422),
        ({"id": M, "product": "VOICE-CALL"}, 422),
        ({"id": M, "direction": "sideways"}, 422),
        ({"id": M, "account_id": "other123"}, 403),
    ],
)
def test_a_bad_query_of_reports_is_refused(
    carrier: Sandbox, fields: dict[str, str], status: int
) -> None:
    assert records(carrier, **fields).status_code == status
    assert carrier.http.get(RECORDS, params=fields).status_code == 401


@pytest.mark.parametrize(("change", "fragment"), VONAGE_REFUSED)
def test_each_bad_parameter_has_its_problem(change: dict[str, Any], fragment: str) -> None:
    found = read_create(json.dumps({**VONAGE_TEXT, **change}).encode(), frozenset(), "")
    assert isinstance(found, Problem)
    assert (found.type.rpartition("#")[2], found.status) == (fragment, 422)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    found = read_create(body, frozenset(), "")
    assert isinstance(found, Problem)
    assert found.type.endswith("#invalid-json")


@pytest.mark.parametrize(
    ("change", "media"),
    [
        (VONAGE_IMAGE, 1),
        (
            {
                **VONAGE_IMAGE,
                "message_type": "content",
                "content": [VONAGE_IMAGE["image"], VONAGE_IMAGE["image"]],
            },
            2,
        ),
        ({"channel": "mms"}, 0),
        ({"from": "Posthorn"}, 0),
        ({"from": "12345"}, 0),
    ],
)
def test_good_messages_pass(change: dict[str, Any], media: int) -> None:
    found = read_create(json.dumps({**VONAGE_TEXT, **change}).encode(), frozenset(), "")
    assert not isinstance(found, Problem)
    assert found.media == media
