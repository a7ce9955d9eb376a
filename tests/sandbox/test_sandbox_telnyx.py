"""The carrier as Telnyx: spoken to by Telnyx' own client, checked against its published description."""

from __future__ import annotations

import json
import sys
import time
import types
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import telnyx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from messaging.sandbox import TELNYX_ACCOUNT, TELNYX_PUBLIC_KEY
from messaging.sandbox.telnyx import key_pair
from messaging.sandbox.telnyx_wire import Problem, read_create
from tests.sandbox.carrier import SENDER, Posted, Receiver, Sandbox, number
from tests.sandbox.refusals import TELNYX as TELNYX_REFUSED
from tests.sandbox.speaking import M
from tests.sandbox.speaking import telnyx as send

TO = number("0123")
KEY = {"Authorization": f"Bearer {TELNYX_ACCOUNT.token}"}


@pytest.fixture
def client(carrier: Sandbox) -> Iterator[telnyx.Telnyx]:
    with telnyx.Telnyx(
        api_key=TELNYX_ACCOUNT.token, base_url=f"{carrier.url}/v2", max_retries=0
    ) as found:
        yield found


@pytest.fixture
def nacl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telnyx' verifier asks PyNaCl for one function, which `cryptography` has as well."""

    class VerifyKey:
        def __init__(self, key: bytes) -> None:
            self._key = Ed25519PublicKey.from_public_bytes(key)

        def verify(self, message: bytes, signature: bytes) -> None:
            try:
                self._key.verify(signature, message)
            except InvalidSignature as error:
                raise BadSignatureError from error

    class BadSignatureError(Exception):
        pass

    root, signing, exceptions = (
        types.ModuleType(name) for name in ("nacl", "nacl.signing", "nacl.exceptions")
    )
    signing.VerifyKey = VerifyKey  # type: ignore[attr-defined]
    exceptions.BadSignatureError = BadSignatureError  # type: ignore[attr-defined]
    for module in (root, signing, exceptions):
        monkeypatch.setitem(sys.modules, module.__name__, module)


def until_final(client: telnyx.Telnyx, sid: str) -> Any:
    deadline = time.monotonic() + 5
    while True:
        found: Any = client.messages.retrieve(sid).data
        if found.to[0].status not in ("queued", "sent"):
            return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_clients_send_and_fetch(client: telnyx.Telnyx) -> None:
    sent = client.messages.send(to=TO, from_=SENDER, text="héllo & bye 👋").data
    assert sent is not None
    assert sent.to is not None
    assert (sent.to[0].status, sent.to[0].phone_number) == ("queued", TO)
    assert (sent.encoding, sent.parts, sent.type) == ("UCS-2", 1, "SMS")
    assert sent.id
    found = until_final(client, sent.id)
    assert (found.id, found.text, found.to[0].status) == (sent.id, sent.text, "delivered")
    age = datetime.now(UTC) - found.received_at  # noqa: TID251 - compared with a foreign clock
    assert timedelta(seconds=-1) < age < timedelta(seconds=10)
    assert found.received_at <= found.sent_at <= found.completed_at


def test_media_makes_it_an_mms(client: telnyx.Telnyx, carrier: Sandbox) -> None:
    media = ["https://example.com/a.png", "https://example.com/b.png"]
    sent = client.messages.send(to=TO, from_=SENDER, media_urls=media, subject="Two").data
    assert sent is not None
    assert (sent.type, sent.subject, sent.parts) == ("MMS", "Two", 1)
    assert [each.url for each in sent.media or []] == media
    (row,) = carrier.get("/sandbox/ledger")
    assert (row["kind"], row["media"]) == ("mms", 2)


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"to": "nonsense"}, telnyx.BadRequestError, "40310"),
        ({"from_": "nobody at all"}, telnyx.BadRequestError, "40305"),
        ({"text": ""}, telnyx.BadRequestError, "40316"),
        ({"to": number("0199")}, telnyx.BadRequestError, "40300"),
        ({"to": ""}, telnyx.UnprocessableEntityError, "10004"),
        ({"to": number("0191")}, telnyx.RateLimitError, "10011"),
        ({"to": number("0192")}, telnyx.InternalServerError, "10007"),
    ],
)
def test_a_refusal_raises_the_clients_own_exception(
    client: telnyx.Telnyx,
    carrier: Sandbox,
    change: dict[str, Any],
    error: type[telnyx.APIStatusError],
    code: str,
) -> None:
    with pytest.raises(error) as caught:
        client.messages.send(**{"to": TO, "from_": SENDER, "text": "hello", **change})
    body: Any = caught.value.body
    assert [each["code"] for each in body["errors"]] == [code]
    assert carrier.get("/sandbox/summary")["accepted"] == 0


def test_wrong_credentials_and_unknown_messages_are_refused(carrier: Sandbox) -> None:
    with telnyx.Telnyx(api_key="KEY", base_url=f"{carrier.url}/v2", max_retries=0) as stranger:
        with pytest.raises(telnyx.AuthenticationError):
            stranger.messages.send(to=TO, from_=SENDER, text="hello")
        with pytest.raises(telnyx.AuthenticationError):
            stranger.messages.retrieve("x")
    for path in ("/v2/messages", f"/v2/messages/{M}", "/v2/messages/x/y"):
        assert carrier.http.get(path, headers=KEY).json()["errors"][0]["code"] == "10005"
    sid = send(carrier, TO).json()["data"]["id"]
    assert carrier.http.delete(f"/v2/messages/{sid}", headers=KEY).status_code == 400


def test_the_clients_detail_records(client: telnyx.Telnyx, carrier: Sandbox) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)  # noqa: TID251 - a foreign clock's
    sids = [send(carrier, TO).json()["data"]["id"] for _ in range(3)]
    other = send(carrier, number("0124")).json()["data"]["id"]
    until_final(client, other)

    def found(**filters: Any) -> list[str]:
        wanted: Any = {"record_type": "messaging", **filters}
        page = client.detail_records.list(filter=wanted, page_size=2)
        records: list[Any] = list(page)
        assert {record.record_type for record in records} <= {"message_detail_record"}
        assert {record.status for record in records} <= {"delivered"}
        return [record.uuid for record in records]

    assert found() == [other, *reversed(sids)]
    assert found(cld=TO) == sids[::-1]
    assert found(cld=TO, cli="+12025550199") == []
    assert found(created_at={"gte": before.isoformat()}) == [other, *reversed(sids)]
    assert found(created_at={"lt": before.isoformat()}) == []
    with pytest.raises(telnyx.BadRequestError):
        found(colour="red")


def test_a_message_has_no_record_before_it_is_sent(carrier: Sandbox) -> None:
    query = {"filter[record_type]": "messaging", "filter[cld]": TO}
    send(carrier, TO)
    first = carrier.http.get("/v2/detail_records", params=query, headers=KEY).json()
    assert first["data"] == []
    assert first["meta"] == {
        "page_number": 1,
        "page_size": 20,
        "total_pages": 0,
        "total_results": 0,
    }
    assert carrier.http.get("/v2/detail_records", headers=KEY).status_code == 400


def verify(posted: Posted, key: str = TELNYX_PUBLIC_KEY) -> None:
    verify_webhook_signature(posted.body, posted.headers, key)


@pytest.mark.usefixtures("nacl")
def test_receipts_are_signed_and_known_again(carrier: Sandbox, receiver: Receiver) -> None:
    receiver.answers.extend([500, 500])
    sid = send(carrier, TO, f"{receiver.url}?m={M}&e=2").json()["data"]["id"]
    posted = receiver.wait(4)
    for one in posted:
        verify(one)
        with pytest.raises(WebhookVerificationError):
            verify(one, b64encode(b"k" * 32).decode())
        one.body += b" "
        with pytest.raises(WebhookVerificationError):
            verify(one)
    events = [one.json for one in posted]
    assert [event["meta"]["attempt"] for event in events] == [1, 2, 3, 1]
    assert {event["meta"]["delivered_to"] for event in events} == {f"{receiver.url}?m={M}&e=2"}
    kinds = [event["data"]["event_type"] for event in events]
    assert kinds == ["message.sent"] * 3 + ["message.finalized"]
    assert len({event["data"]["id"] for event in events}) == 2
    assert {event["data"]["payload"]["id"] for event in events} == {sid}
    assert events[0]["data"]["occurred_at"] < events[3]["data"]["occurred_at"]
    (row,) = carrier.get("/sandbox/ledger")
    assert (row["m"], row["e"]) == (M, 2)


@pytest.mark.usefixtures("nacl")
def test_what_somebody_writes_is_posted(carrier: Sandbox, receiver: Receiver) -> None:
    said = {"provider": "telnyx", "from": TO, "to": SENDER, "url": receiver.url}
    answer = carrier.http.post("/sandbox/inbound", json={**said, "body": " Stop all "}).json()
    assert answer["opt_out_type"] == "STOP"
    again = {**said, "body": "Stop all", "sid": answer["sid"], "handled": False}
    carrier.http.post("/sandbox/inbound", json=again)
    picture = {**said, "body": "", "media": ["https://example.com/a.png"]}
    carrier.http.post("/sandbox/inbound", json=picture)
    first, second, third = receiver.posted
    verify(first)
    payload = first.json["data"]["payload"]
    assert first.json["data"]["event_type"] == "message.received"
    assert first.json["data"]["id"] == second.json["data"]["id"]
    assert (payload["from"]["phone_number"], payload["to"][0]["phone_number"]) == (TO, SENDER)
    assert (payload["text"], payload["autoresponse_type"]) == (" Stop all ", "STOP")
    assert "autoresponse_type" not in second.json["data"]["payload"]
    media = third.json["data"]["payload"]["media"]
    assert [each["url"] for each in media] == ["https://example.com/a.png"]


def test_the_key_pair_depends_on_the_secret_alone() -> None:
    public = key_pair(TELNYX_ACCOUNT.signing).public_key().public_bytes_raw()
    assert b64decode(TELNYX_PUBLIC_KEY) == public
    assert key_pair("other").public_key().public_bytes_raw() != public


@pytest.mark.parametrize(("change", "code"), TELNYX_REFUSED)
def test_each_bad_parameter_has_its_code(change: dict[str, Any], code: str) -> None:
    message = {"to": TO, "from": SENDER, "text": "hello", **change}
    found = read_create(json.dumps(message).encode(), frozenset())
    assert isinstance(found, Problem)
    assert found.code == code
    assert 400 <= found.status < 500


@pytest.mark.parametrize(("body", "code"), [(b"", "10023"), (b"[]", "10015"), (b"{", "10023")])
def test_what_is_no_object_is_refused(body: bytes, code: str) -> None:
    found = read_create(body, frozenset())
    assert isinstance(found, Problem)
    assert found.code == code
