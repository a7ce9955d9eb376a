"""Does the carrier speak SendGrid as SendGrid does, to its own client and verifier?"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from python_http_client.exceptions import (  # type: ignore[import-untyped]
    BadRequestsError,
    TooManyRequestsError,
)
from sendgrid import SendGridAPIClient  # type: ignore[import-untyped]
from sendgrid.helpers.eventwebhook import EventWebhook  # type: ignore[import-untyped]
from sendgrid.helpers.mail import CustomArg, Header, Mail  # type: ignore[import-untyped]

from messaging.sandbox import SENDGRID_ACCOUNT, SENDGRID_PUBLIC_KEY
from messaging.sandbox.connection import Reply
from messaging.sandbox.create import Create
from messaging.sandbox.sendgrid_wire import read_create
from tests.sandbox import refusals
from tests.sandbox.carrier import ROOT, Posted, Receiver, Sandbox, Start, accepted
from tests.sandbox.speaking import REFERENCE, M, mail, mailbox, sendgrid, webhooks

SPEC = ROOT / "../shared/specs/sendgrid_mail_send.json"
KEY = {"Authorization": f"Bearer {SENDGRID_ACCOUNT.token}"}
TO = mailbox("0123")
ARGUMENTS = {"posthorn_attempt": REFERENCE, "table": "7"}


@pytest.fixture
def client(carrier: Sandbox) -> Iterator[SendGridAPIClient]:
    yield SendGridAPIClient(SENDGRID_ACCOUNT.token, host=carrier.url)
    webhooks(carrier, SENDGRID_ACCOUNT.sid, "")


def by_client(client: SendGridAPIClient, to: str = TO, **arguments: str) -> Any:
    asked = Mail("news@example.com", to, "Your table", "It is ready.", "<p>It is ready.</p>")
    asked.header = Header("List-Unsubscribe", "<https://example.com/u>")
    asked.custom_arg = [CustomArg(name, value) for name, value in arguments.items()]
    return client.send(asked)


def is_signed(posted: Posted, key: str = SENDGRID_PUBLIC_KEY) -> bool:
    signature = posted.headers["x-twilio-email-event-webhook-signature"]
    at = posted.headers["x-twilio-email-event-webhook-timestamp"]
    assert abs(int(at) - posted.at) < 5
    found: bool = EventWebhook(key).verify_signature(posted.body.decode(), signature, at)
    return found


def told(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """The events, once there are so many, however many came at a time."""
    deadline = time.monotonic() + 10
    while len(events := [e for posted in receiver.posted for e in posted.json]) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return events


def test_the_official_client_sends(carrier: Sandbox, client: SendGridAPIClient) -> None:
    reply = by_client(client, **ARGUMENTS)
    assert (reply.status_code, reply.body) == (202, b"")
    sid = reply.headers["X-Message-Id"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", sid)
    (row,) = carrier.get("/sandbox/ledger")
    assert (row["sid"], row["to"], row["from"]) == (sid, TO, "news@example.com")
    assert (row["m"], row["e"], row["kind"]) == (M, 1, "email")


def test_the_official_client_hears_of_faults(carrier: Sandbox, client: SendGridAPIClient) -> None:
    with pytest.raises(TooManyRequestsError) as limited:
        by_client(client, mailbox("0191"))
    headers = limited.value.headers
    now = parsedate_to_datetime(headers["Date"]).timestamp()
    assert int(headers["X-RateLimit-Reset"]) == now + 1
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("600", "0")
    with pytest.raises(BadRequestsError) as refused:
        by_client(client, "nobody@-")
    assert json.loads(refused.value.body) == {
        "errors": [
            {
                "message": "Does not contain a valid address.",
                "field": "personalizations.0.to.0.email",
                "help": "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"
                "#message.personalizations.to",
            }
        ]
    }
    assert accepted(carrier) == 0


def test_events_are_signed_and_name_the_attempt(
    carrier: Sandbox, client: SendGridAPIClient, receiver: Receiver
) -> None:
    shown = {row["account"]: row for row in carrier.get("/sandbox/accounts")}
    assert shown[SENDGRID_ACCOUNT.sid]["webhook_key"] == SENDGRID_PUBLIC_KEY
    webhooks(carrier, SENDGRID_ACCOUNT.sid, receiver.url)
    sid = by_client(client, **ARGUMENTS).headers["X-Message-Id"]
    for posted, what in zip(receiver.wait(2), ("processed", "delivered"), strict=True):
        assert is_signed(posted)
        assert posted.body.endswith(b"]\r\n")
        (event,) = posted.json
        assert event.pop("sg_message_id").startswith(f"{sid}.recvd-")
        assert len(event.pop("sg_event_id")) == 24
        assert abs(event.pop("timestamp") - time.time()) < 5
        more: dict[str, Any] = {"send_at": 0}
        if what == "delivered":
            more = {"response": "250 2.0.0 OK", "ip": "192.0.2.25", "tls": 1}
        assert event == {
            **ARGUMENTS,
            "email": TO,
            "smtp-id": f"<{sid}@geopod-ismtpd-1>",
            "event": what,
            **more,
        }
    altered = Posted(posted.path, posted.headers, {}, posted.at, posted.body[:-2])
    assert not is_signed(altered)


def test_a_bounce_and_a_drop_say_why(carrier: Sandbox, receiver: Receiver) -> None:
    sendgrid(carrier, mailbox("0194"), receiver.url)
    sendgrid(carrier, mailbox("0199"), receiver.url)
    events = {event["event"]: event for event in told(receiver, 3)}
    assert set(events) == {"processed", "bounce", "dropped"}
    bounce, dropped = events["bounce"], events["dropped"]
    assert (bounce["type"], bounce["status"]) == ("blocked", "4.2.2")
    assert dropped["reason"] == "Unsubscribed Address"
    assert (events["processed"]["email"], dropped["email"]) == (mailbox("0194"), mailbox("0199"))


def test_events_of_many_mails_come_together(start: Start, receiver: Receiver) -> None:
    sandbox = start("--receipt-delay", "100ms", "--receipt-jitter", "0")
    sandbox.http.close()
    sandbox.http = httpx.Client(base_url=sandbox.url, timeout=10, trust_env=False)
    webhooks(sandbox, SENDGRID_ACCOUNT.sid, receiver.url)
    with ThreadPoolExecutor(8) as pool:
        tries = [
            pool.submit(sandbox.http.post, "/v3/mail/send", json=mail(TO), headers=KEY)
            for _ in range(40)
        ]
        sids = {each.result().headers["x-message-id"] for each in tries}
    events = told(receiver, 80)
    assert len(receiver.posted) < 80
    assert all(map(is_signed, receiver.posted))
    assert len({event["sg_event_id"] for event in events}) == 80
    assert {event["sg_message_id"].partition(".")[0] for event in events} == sids


def test_what_is_repeated_is_the_same_event(carrier: Sandbox, receiver: Receiver) -> None:
    receiver.answers.append(500)
    sendgrid(carrier, mailbox("0196"), receiver.url)
    events = [event for posted in receiver.wait(5) for event in posted.json]
    assert [event["event"] for event in events] == ["delivered"] * 3 + ["processed"] * 2
    assert len({event["sg_event_id"] for event in events}) == 2


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "message"),
    [
        ("POST", "/v3/mail/send", {}, 401, "The provided authorization grant is invalid"),
        ("GET", "/v3/mail/send", {}, 401, "The provided authorization grant is invalid"),
        ("GET", "/v3/mail/send", KEY, 405, "method not allowed"),
        ("GET", "/v3/messages", KEY, 404, "not found"),
    ],
)
def test_what_is_not_there(
    carrier: Sandbox, method: str, path: str, headers: dict[str, str], status: int, message: str
) -> None:
    reply = carrier.http.request(method, path, headers=headers, json=mail(TO))
    (error,) = reply.json()["errors"]
    assert (reply.status_code, error["field"], error["help"]) == (status, None, None)
    assert error["message"].startswith(message)


def test_thirty_megabytes_are_taken_and_more_are_not(carrier: Sandbox) -> None:
    large: dict[str, Any] = {"content": [{"type": "text/plain", "value": "x" * 4_000_000}]}
    assert sendgrid(carrier, TO, **large).status_code == 202
    large["content"][0]["value"] = "x" * (30 << 20)
    reply = sendgrid(carrier, TO, **large)
    assert (reply.status_code, reply.headers["content-type"]) == (413, "text/html")
    assert "413 Request Entity Too Large" in reply.text


def test_a_dry_run_sends_nothing(carrier: Sandbox) -> None:
    reply = sendgrid(carrier, TO, mail_settings={"sandbox_mode": {"enable": True}})
    assert (reply.status_code, reply.content) == (200, b"")
    assert "x-message-id" not in reply.headers
    assert accepted(carrier) == 0


def test_inbound_mail_is_a_signed_form(carrier: Sandbox, receiver: Receiver) -> None:
    said: dict[str, Any] = {
        "provider": "sendgrid",
        "from": "ana@example.org",
        "to": "news@example.com",
        "body": "Yes, ¡gracias!\n--\nAna",
        "media": ["https://example.com/a.png"],
        "url": receiver.url,
    }
    answer = carrier.http.post("/sandbox/inbound", json=said).json()
    assert answer == {"sid": answer["sid"], "opt_out_type": None, "answered": 204}
    (posted,) = receiver.wait(1)
    assert is_signed(posted)
    kind = posted.headers["content-type"]
    form = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + posted.body)
    fields: dict[str, Any] = {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
        for part in form.walk()
        if not part.is_multipart()
    }
    assert fields["text"] == said["body"].encode()
    assert fields["from"] == b"ana@example.org"
    assert json.loads(fields["envelope"]) == {"to": ["news@example.com"], "from": "ana@example.org"}
    assert json.loads(fields["charsets"])["text"] == "UTF-8"
    assert f"Message-ID: <{answer['sid']}>".encode() in fields["headers"]
    assert (fields["attachments"], fields["attachment1"]) == (b"1", b"https://example.com/a.png")
    again = carrier.http.post("/sandbox/inbound", json={**said, "sid": answer["sid"]}).json()
    assert again["sid"] == answer["sid"]


@pytest.mark.parametrize(("change", "message", "field"), refusals.SENDGRID)
def test_what_is_wrong_is_said_in_its_words(
    change: dict[str, Any], message: str, field: str
) -> None:
    found = read_create(json.dumps(mail(TO, **change)).encode(), frozenset())
    assert isinstance(found, Reply)
    (error,) = json.loads(found.body)["errors"]
    assert (found.status, error["field"]) == (400, field)
    assert error["message"].startswith(message)


@pytest.mark.parametrize("kinds", ["html plain", "plain plain", "csv plain"])
def test_text_stands_before_html_and_either_once(kinds: str) -> None:
    content = [{"type": f"text/{kind}", "value": "x"} for kind in kinds.split()]
    found = read_create(json.dumps(mail(TO, content=content)).encode(), frozenset())
    assert isinstance(found, Reply)
    assert found.status == 400


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = read_create(b"{}", frozenset())
    assert isinstance(found, Reply)
    fields = [error["field"] for error in json.loads(found.body)["errors"]]
    assert fields[:3] == ["from.email", "personalizations", "content"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_what_is_no_object_is_a_bad_request(body: bytes) -> None:
    found = read_create(body, frozenset())
    assert found == Reply(400, b'{"errors":[{"message":"Bad Request","field":null,"help":null}]}')


def test_a_sender_must_be_verified_where_senders_are_listed() -> None:
    body = json.dumps(mail(TO)).encode()
    assert isinstance(read_create(body, frozenset({"news@example.com"})), Create)
    found = read_create(body, frozenset({"other@example.com"}))
    assert isinstance(found, Reply)
    (error,) = json.loads(found.body)["errors"]
    assert (found.status, error["field"]) == (403, "from")


@pytest.mark.skipif(not SPEC.exists(), reason="../shared/specs/sendgrid_mail_send.json is not here")
def test_requests_and_refusals_are_those_of_the_published_description(carrier: Sandbox) -> None:
    spec = json.loads(SPEC.read_text())

    def valid(schema: dict[str, Any], value: Any) -> None:
        Draft202012Validator({**schema, "components": spec["components"]}).validate(value)

    people = [{"to": [{"email": TO}], "custom_args": ARGUMENTS}]
    asked = spec["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]
    valid(asked["schema"], mail(TO, headers={"X-A": "b"}, personalizations=people))
    error = spec["components"]["schemas"]["ErrorResponse"]
    told = error["properties"]["errors"]["items"]["properties"]
    # It is a link, and `null` if there is none, as a field is.
    told["help"] = told["field"] = {"type": ["string", "null"]}
    described = spec["paths"]["/v3/mail/send"]["post"]["responses"]
    replies = [
        sendgrid(carrier, TO),
        sendgrid(carrier, "nobody"),
        sendgrid(carrier, mailbox("0192")),
        carrier.http.post("/v3/mail/send", json=mail(TO)),
        carrier.http.put("/v3/mail/send", json=mail(TO), headers=KEY),
    ]
    assert [reply.status_code for reply in replies] == [202, 400, 500, 401, 405]
    for reply in replies:
        assert str(reply.status_code) in described
        if reply.content:
            valid(error, reply.json())
