"""The carrier as Vonage's legacy SMS API: spoken to by Vonage's own client, checked against its description."""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from vonage import Auth, Vonage  # type: ignore[import-untyped]
from vonage_sms import SmsMessage  # type: ignore[import-untyped]
from vonage_sms.errors import SmsError  # type: ignore[import-untyped]

from messaging.sandbox import VONAGE_SMS_ACCOUNT
from messaging.sandbox.vonage_sms_wire import METHODS, sign
from tests.sandbox.carrier import SENDER, Posted, Receiver, Sandbox, number
from tests.sandbox.refusals import VONAGE_SMS as SMS_REFUSED
from tests.sandbox.speaking import REFERENCE, M, vonage_sms
from tests.sandbox.vonage_client import client_of, close

TO, FROM = "12025550123", "12025550100"
KEY, SECRET = VONAGE_SMS_ACCOUNT.sid, VONAGE_SMS_ACCOUNT.signing


@pytest.fixture
def client(carrier: Sandbox) -> Iterator[Vonage]:
    found = client_of(carrier, api_key=KEY, api_secret=VONAGE_SMS_ACCOUNT.token)
    yield found
    close(found)


@pytest.fixture
def adjusted(carrier: Sandbox) -> Iterator[Any]:
    """Changes settings of the account, for one test."""

    def change(**settings: str) -> None:
        found = {"account": KEY, **settings}
        carrier.http.post("/sandbox/accounts", json=found).raise_for_status()

    yield change
    change(format="", signature_method="", webhook_url="")


def test_the_clients_send(client: Vonage, carrier: Sandbox) -> None:
    text = "héllo & bye 👋"
    sent = client.sms.send(
        SmsMessage(to=TO, from_=FROM, text=text, type="unicode", client_ref=REFERENCE)
    )
    assert (sent.message_count, sent.messages[0].status) == ("1", "0")
    assert sent.messages[0].client_ref == REFERENCE
    (row,) = carrier.get("/sandbox/ledger")
    assert (row["sid"], row["to"], row["from"]) == (
        sent.messages[0].message_id,
        number("0123"),
        SENDER,
    )
    assert (row["m"], row["e"], row["flash"]) == (M, 1, False)
    assert row["body_sha256"] == sha256(text.encode()).hexdigest()


def test_a_flash_message_is_known_as_one(client: Vonage, carrier: Sandbox) -> None:
    client.sms.send(SmsMessage(to=TO, from_=FROM, text="hello", message_class=0))
    client.sms.send(SmsMessage(to=TO, from_=FROM, text="hello", message_class=1))
    assert [row["flash"] for row in carrier.get("/sandbox/ledger")] == [True, False]


def test_a_text_of_another_alphabet_is_lost_without_unicode(carrier: Sandbox) -> None:
    vonage_sms(carrier, number("0123"), text="ы €")
    vonage_sms(carrier, number("0123"), text="ы €", type="unicode")
    hashes = [row["body_sha256"] for row in carrier.get("/sandbox/ledger")]
    assert hashes == [sha256(text.encode()).hexdigest() for text in ("? €", "ы €")]


def test_a_long_text_has_an_entry_and_receipts_a_part(
    client: Vonage, carrier: Sandbox, receiver: Receiver
) -> None:
    sent = client.sms.send(
        SmsMessage(to=TO, from_=FROM, text="x" * 307, callback=receiver.url, client_ref="seven")
    )
    ids = [part.message_id for part in sent.messages]
    assert (sent.message_count, len(set(ids))) == ("3", 3)
    posted = [one.json for one in receiver.wait(6)]
    assert [(one["messageId"], one["status"]) for one in posted] == [
        (sid, status) for status in ("accepted", "delivered") for sid in ids
    ]
    assert {one["client-ref"] for one in posted} == {"seven"}
    (row,) = carrier.get("/sandbox/ledger")
    assert row["sid"] == ids[0]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"to": "12025550191"}, "1"),
        ({"to": "12025550192"}, "5"),
        ({"to": "123"}, "3"),
        ({"from_": "nobody at all"}, "15"),
        ({"text": ""}, "2"),
        ({"text": "x" * 3201}, "12"),
        ({"client_ref": "x" * 41}, "3"),
        ({"callback": "nowhere"}, "23"),
    ],
)
def test_a_refusal_raises_the_clients_own_exception(
    client: Vonage, carrier: Sandbox, change: dict[str, Any], status: str
) -> None:
    with pytest.raises(SmsError, match=f"error code {status}:"):
        client.sms.send(SmsMessage(**{"to": TO, "from_": FROM, "text": "hello", **change}))
    assert carrier.get("/sandbox/summary")["accepted"] == 0


def refusal(carrier: Sandbox, change: dict[str, str]) -> httpx.Response:
    good = {"api_key": KEY, "api_secret": VONAGE_SMS_ACCOUNT.token, "to": TO, "from": FROM}
    return carrier.http.post("/sms/json", data={**good, "text": "hello", **change})


@pytest.mark.parametrize(("change", "status"), SMS_REFUSED)
def test_each_bad_parameter_has_its_status(
    carrier: Sandbox, change: dict[str, str], status: str
) -> None:
    reply = refusal(carrier, change)
    assert reply.status_code == 200
    assert reply.json()["message-count"] == "1"
    (entry,) = reply.json()["messages"]
    assert (entry["status"], set(entry)) == (status, {"status", "error-text"})


def test_the_text_of_a_throttled_message_says_how_long_to_wait(carrier: Sandbox) -> None:
    (entry,) = vonage_sms(carrier, number("0191")).json()["messages"]
    assert entry["error-text"] == "Throughput Rate Exceeded - please wait [ 1000 ] and retry"


def test_nothing_else_is_here(carrier: Sandbox) -> None:
    assert carrier.http.get("/sms/json").status_code == 404
    reply = carrier.http.post("/sms/json", data={"to": TO})
    assert reply.json()["messages"][0]["status"] == "2"
    wrong = carrier.http.post("/sms/json", data={"to": TO}, auth=(KEY, "wrong"))
    assert wrong.json()["messages"][0]["status"] == "4"


@pytest.mark.parametrize("method", METHODS)
def test_a_signed_request_needs_no_secret(carrier: Sandbox, adjusted: Any, method: str) -> None:
    adjusted(signature_method=method)

    def send(secret: str, age: int) -> str:
        form = {"api_key": KEY, "to": TO, "from": FROM, "text": "a=b & c"}
        form["timestamp"] = str(int(time.time()) - age)
        form["sig"] = sign(method, secret, form)
        reply = carrier.http.post("/sms/json", data=form)
        found: str = reply.json()["messages"][0]["status"]
        return found

    assert (send(SECRET, 0), send("wrong", 0), send(SECRET, 600)) == ("0", "14", "14")


def parameters(posted: Posted) -> dict[str, str]:
    if posted.method == "GET":
        return dict(parse_qsl(urlsplit(posted.path).query, keep_blank_values=True))
    found: dict[str, str] = posted.form or posted.json
    return found


@pytest.mark.parametrize("form", ["json", "form", "get"])
@pytest.mark.parametrize("method", ["md5hash", "md5", "sha1", "sha256", "sha512"])
def test_receipts_are_signed_whatever_their_form(
    carrier: Sandbox, receiver: Receiver, adjusted: Any, form: str, method: str
) -> None:
    adjusted(format=form, signature_method=method)
    reply = vonage_sms(carrier, number("0194"), f"{receiver.url}?a=1", **{"client-ref": "a&b=c"})
    posted = receiver.wait(2)
    for one in posted:
        assert one.method == ("GET" if form == "get" else "POST")
        said = parameters(one)
        said.pop("a", None)
        assert said["sig"] == sign(method, SECRET, said)
        assert said["sig"] != sign(method, "wrong", said)
        if method != "md5hash":
            # Vonage's own verifier knows the keyed methods only.
            auth = Auth(api_key=KEY, signature_secret=SECRET, signature_method=method)
            assert auth.check_signature(dict(said))
            assert not auth.check_signature({**said, "err-code": "7"})
        assert abs(time.time() - int(said["timestamp"])) < 30
    sent, failed = (parameters(one) for one in posted)
    assert sent["nonce"] != failed["nonce"]
    assert sent["messageId"] == reply.json()["messages"][0]["message-id"]
    assert (sent["msisdn"], sent["to"], sent["api-key"]) == ("12025550194", FROM, KEY)
    assert (sent["status"], sent["err-code"]) == ("accepted", "0")
    assert (failed["status"], failed["err-code"], failed["client-ref"]) == ("failed", "2", "a&b=c")


# Published in the tests of Vonage's client for Ruby.
INBOUND = {
    "message-timestamp": "2013-11-21 15:27:30",
    "messageId": "020000001B0FE827",
    "msisdn": "14843472194",
    "text": "Test again",
    "timestamp": "1385047698",
    "to": "13239877404",
    "type": "text",
}


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("md5hash", "d2e7b1dc968737c5998ad624e02f90b7"),
        ("sha1", "27D0D05C2876C7CB1720DBCDBA4D492E1E55C09A"),
        ("sha256", "DDB8397C2B90AAC7F3882D306475C9A5058C92322EEF43C92B298B6E0FC0D330"),
    ],
)
def test_signatures_are_those_vonage_published(method: str, signature: str) -> None:
    assert sign(method, "my_secret_key_for_testing", INBOUND) == signature


def test_receipts_go_to_the_accounts_address_unless_told(
    carrier: Sandbox, receiver: Receiver, adjusted: Any
) -> None:
    adjusted(webhook_url=f"{receiver.url}?default")
    vonage_sms(carrier, number("0123"))
    vonage_sms(carrier, number("0123"), receiver.url)
    paths = sorted(one.path for one in receiver.wait(4))
    assert paths == ["/receipts"] * 2 + ["/receipts?default"] * 2


def write(carrier: Sandbox, receiver: Receiver, body: str, **more: Any) -> Any:
    said = {"account": KEY, "from": number("0123"), "to": SENDER, "url": receiver.url}
    reply = carrier.http.post("/sandbox/inbound", json={**said, "body": body, **more})
    return reply.raise_for_status().json()


def test_what_somebody_writes_is_posted(carrier: Sandbox, receiver: Receiver) -> None:
    answer = write(carrier, receiver, "Stop it")
    said = receiver.posted[0].json
    assert (answer["sid"], answer["opt_out_type"]) == (said["messageId"], None)
    assert (said["msisdn"], said["to"], said["text"]) == (TO, FROM, "Stop it")
    assert (said["keyword"], said["type"], "concat" in said) == ("STOP", "text", False)
    assert said["sig"] == sign("md5hash", SECRET, said)


def test_a_long_text_comes_in_pieces(carrier: Sandbox, receiver: Receiver) -> None:
    body = "€" * 40 + "x" * 200 + "stop"
    first = write(carrier, receiver, body)
    write(carrier, receiver, body, sid=first["sid"], reversed=True)
    posted = [one.json for one in receiver.posted]
    assert [one["concat-part"] for one in posted] == ["1", "2", "2", "1"]
    assert {(one["concat"], one["concat-total"]) for one in posted} == {("true", "2")}
    assert len({one["concat-ref"] for one in posted}) == 1
    assert posted[0]["text"] + posted[1]["text"] == body
    # Posted again, a piece is the same piece.
    assert [one["messageId"] for one in posted[:2]] == [one["messageId"] for one in posted[:1:-1]]


def test_the_reports_show_every_part(carrier: Sandbox) -> None:
    reply = vonage_sms(carrier, number("0123"), text="x" * 161, **{"client-ref": REFERENCE})
    ids = [part["message-id"] for part in reply.json()["messages"]]
    asked = {"account_id": KEY, "product": "SMS", "direction": "outbound"}
    auth = (KEY, VONAGE_SMS_ACCOUNT.token)

    def records(**fields: str) -> list[dict[str, Any]]:
        reply = carrier.http.get("/v2/reports/records", params={**asked, **fields}, auth=auth)
        found: list[dict[str, Any]] = reply.raise_for_status().json()["records"]
        return found

    now = time.time()
    dates = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + n)) for n in (-60, 60)]
    found = records(date_start=dates[0], date_end=dates[1])
    assert [each["message_id"] for each in found] == ids
    assert {each["client_ref"] for each in found} == {REFERENCE}
    deadline = time.monotonic() + 5
    while (record := records(id=ids[1])[0])["status"] != "delivered":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (record["error_code"], record["error_code_description"]) == ("0", "Delivered")
