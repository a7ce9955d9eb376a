"""Does the carrier take mail as a relay does, with the faults of the others?"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from messaging.sandbox import SMTP_ACCOUNT
from messaging.sandbox.smtp_mail import read_create
from tests.sandbox.carrier import Receiver, Sandbox, Start, accepted, launch
from tests.sandbox.speaking import REFERENCE, M, mailbox

FROM = "news@example.com"
TO = mailbox("0123")
CONTENT = f"X-Posthorn-Attempt: {REFERENCE}\r\nSubject: Hi\r\n\r\nhello\r\n.a dot\r\n".encode()


@dataclass
class Relay:
    sandbox: Sandbox
    host: str
    port: int
    certificate: str

    def connect(self, seconds: float = 10, *, login: bool = True) -> smtplib.SMTP:
        client = smtplib.SMTP(self.host, self.port, timeout=seconds)
        client.ehlo()
        if login:
            client.login(SMTP_ACCOUNT.sid, SMTP_ACCOUNT.token)
        return client

    def send(self, to: str, content: bytes = CONTENT, seconds: float = 10) -> tuple[int, bytes]:
        """The answer to the final dot."""
        with self.connect(seconds) as client:
            assert client.mail(FROM)[0] == 250
            assert client.rcpt(to)[0] == 250
            return client.data(content)


def listening(sandbox: Sandbox) -> Relay:
    assert sandbox.process.stdout is not None
    line = sandbox.process.stdout.readline()
    found = sandbox.get("/sandbox/smtp")
    assert line == f"sandbox takes mail on {found['url']}\n"
    url = urlsplit(found["url"])
    return Relay(sandbox, url.hostname or "", url.port or 0, found["certificate"])


@pytest.fixture(scope="module")
def shared_relay() -> Iterator[Relay]:
    sandbox = launch("--smtp-port", "0")
    yield listening(sandbox)
    sandbox.stop()


@pytest.fixture
def relay(shared_relay: Relay) -> Relay:
    """The module's relay with an empty ledger."""
    shared_relay.sandbox.http.delete("/sandbox/ledger").raise_for_status()
    return shared_relay


def test_a_mail_is_taken_and_kept_as_it_came(relay: Relay) -> None:
    code, line = relay.send(TO)
    (row,) = relay.sandbox.get("/sandbox/ledger")
    assert (code, line) == (250, f"2.0.0 Ok: queued as {row['sid']}".encode())
    assert (row["provider"], row["account"], row["kind"]) == ("smtp", SMTP_ACCOUNT.sid, "email")
    assert (row["to"], row["from"], row["m"], row["e"]) == (TO, FROM, M, 1)
    assert row["body_sha256"] == sha256(CONTENT).hexdigest()
    mail = relay.sandbox.http.get("/sandbox/mail", params={"sid": row["sid"]})
    assert (mail.headers["content-type"], mail.content) == ("message/rfc822", CONTENT)
    assert relay.sandbox.http.get("/sandbox/mail?sid=none").status_code == 404


def test_bytes_that_are_no_ascii_stay_as_they_are(relay: Relay) -> None:
    content = b"Subject: x\r\n\r\n\xc3\xa9\xff\r\n"
    relay.send(TO, content)
    (row,) = relay.sandbox.get("/sandbox/ledger")
    assert relay.sandbox.http.get("/sandbox/mail", params={"sid": row["sid"]}).content == content


@pytest.mark.parametrize("method", ["auth_plain", "auth_login"])
@pytest.mark.parametrize("encrypted", [True, False])
def test_users_log_in_encrypted_or_not(relay: Relay, method: str, encrypted: bool) -> None:
    with relay.connect(login=False) as client:
        assert client.has_extn("starttls")
        if encrypted:
            trust = ssl.create_default_context(cadata=relay.certificate)
            assert client.starttls(context=trust)[0] == 220
            client.ehlo()
        client.user, client.password = SMTP_ACCOUNT.sid, SMTP_ACCOUNT.token
        mechanism = method.removeprefix("auth_").upper()
        assert client.auth(mechanism, getattr(client, method))[0] == 235
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = FROM, TO, "Your table"
        message.set_content("It is ready.")
        assert client.send_message(message) == {}
    assert accepted(relay.sandbox) == 1


def test_strangers_are_refused(relay: Relay) -> None:
    with relay.connect(login=False) as client:
        assert client.mail(FROM) == (530, b"5.7.0 Authentication required")
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login(SMTP_ACCOUNT.sid, "wrong")
        assert refused.value.smtp_code == 535
    with relay.connect(login=False) as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("stranger", "")


def test_one_recipient_in_a_transaction(relay: Relay) -> None:
    with relay.connect() as client:
        refused = client.sendmail(FROM, [TO, mailbox("0124")], CONTENT)
        assert refused == {
            mailbox("0124"): (452, b"4.5.3 Too many recipients: one in a transaction")
        }
        assert client.sendmail(FROM, [mailbox("0124")], CONTENT) == {}
    assert [row["to"] for row in relay.sandbox.get("/sandbox/ledger")] == [TO, mailbox("0124")]


def test_senders_must_be_owned_where_they_are_listed(start: Start) -> None:
    with listening(start("--smtp-port", "0", "--numbers", "other@example.com")).connect() as client:
        assert client.mail(FROM)[0] == 553
        assert client.mail("other@example.com")[0] == 250


@pytest.mark.parametrize(
    ("digits", "answers"),
    [
        ("0191", [(452, b"4.7.1"), (452, b"4.7.1"), (250, b"2.0.0")]),
        ("0192", [(451, b"4.3.0"), (250, b"2.0.0")]),
        ("0194", [(250, b"2.0.0")]),
        ("0195", [(250, b"2.0.0")]),
        ("0196", [(250, b"2.0.0")]),
        ("0197", [(250, b"2.0.0")]),
        ("0199", [(550, b"5.7.1")]),
    ],
)
def test_the_last_four_digits_choose_the_fault(
    relay: Relay, digits: str, answers: list[tuple[int, bytes]]
) -> None:
    replies = [relay.send(mailbox(digits)) for _ in answers]
    assert [(code, line.split()[0]) for code, line in replies] == answers
    assert accepted(relay.sandbox) == [code for code, _ in answers].count(250)


def test_0190_answers_late_but_accepts_at_once(relay: Relay) -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        relay.send(mailbox("0190"), seconds=0.3)
    assert accepted(relay.sandbox) == 1


def test_0193_accepts_and_hangs_up_without_a_word(relay: Relay) -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected):
        relay.send(mailbox("0193"))
    assert accepted(relay.sandbox) == 1


@pytest.mark.parametrize(
    ("fault", "code", "count"),
    [("rate_429", 452, 0), ("rate_500", 451, 0), ("rate_500_accepted", 451, 1)],
)
def test_rates_strike_at_mail_too(relay: Relay, fault: str, code: int, count: int) -> None:
    faults = {"account": SMTP_ACCOUNT.sid, fault: 1}
    relay.sandbox.http.post("/sandbox/faults", json=faults).raise_for_status()
    try:
        assert relay.send(TO)[0] == code
        assert accepted(relay.sandbox) == count
        assert relay.sandbox.get("/sandbox/summary")["faults"] == {fault: 1}
    finally:
        reset = {"account": SMTP_ACCOUNT.sid, "reset": True}
        relay.sandbox.http.post("/sandbox/faults", json=reset).raise_for_status()


def test_mail_has_no_receipts_and_nobody_writes_to_it(relay: Relay, receiver: Receiver) -> None:
    change = {"account": SMTP_ACCOUNT.sid, "webhook_url": receiver.url}
    relay.sandbox.http.post("/sandbox/accounts", json=change).raise_for_status()
    relay.send(TO)
    assert relay.sandbox.get("/sandbox/summary")["receipts"]["pending"] == 0
    said = {"provider": "smtp", "from": TO, "to": FROM, "body": "Hi", "url": receiver.url}
    assert relay.sandbox.http.post("/sandbox/inbound", json=said).status_code == 400
    shown = {row["account"]: row for row in relay.sandbox.get("/sandbox/accounts")}
    assert shown[SMTP_ACCOUNT.sid]["webhook_key"] is None


def test_without_a_port_it_listens_nowhere(carrier: Sandbox) -> None:
    assert carrier.get("/sandbox/smtp") == {"url": None, "certificate": None}


def test_a_port_that_is_taken_ends_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        sandbox = launch("--smtp-port", port)
        assert sandbox.process.wait(timeout=10) == 1
        sandbox.stop()


def test_0198_hangs_and_is_not_accepted_when_all_ends(start: Start) -> None:
    relay = listening(start("--smtp-port", "0"))
    with relay.connect() as client:
        client.mail(FROM)
        client.rcpt(mailbox("0198"))
        client.putcmd("data")
        assert client.getreply()[0] == 354
        client.send(b"\r\n.\r\n")
        relay.send(TO)
        assert accepted(relay.sandbox) == 1
        assert relay.sandbox.stop() < 3
        assert relay.sandbox.process.returncode == 0
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.getreply()


@pytest.mark.parametrize(
    ("headers", "m", "e"),
    [
        (f"X-Posthorn-Attempt: {REFERENCE}\r\nMessage-ID: <x@y>\r\n", M, "1"),
        (f"Message-ID: <{REFERENCE}@example.com>\r\n", M, "1"),
        ("Message-ID: <other@example.com>\r\n", "other", None),
        ("", None, None),
    ],
)
def test_what_names_the_attempt(headers: str, m: Any, e: Any) -> None:
    found = read_create(FROM, TO, f"{headers}Subject: x\r\n\r\nMessage-ID: <no@no>".encode())
    assert (found.m, found.e, found.trigger) == (m, e, "0123")
