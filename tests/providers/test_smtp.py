"""SMTP: what a delivery is made of, and what a relay's last word means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel, Parts
from messaging.providers import get
from messaging.providers.base import unable
from messaging.providers.smtp_errors import DEAD
from tests.providers.conformance import REFERENCE, account, outbound
from tests.providers.error_rows import beside, rows_of

SMTP = get("smtp")
OUT = outbound("Olá", to="ana@exämple.org", sender="news@example.com", channel=Channel.EMAIL)


def test_a_request_holds_the_mail_and_how_to_deliver_it() -> None:
    ours = account("smtp", base_url="smtp://relay.example.net", username="posthorn")
    request = SMTP.request(ours, OUT)
    assert str(request.url) == "smtp://relay.example.net:587/example.com"
    assert request.extensions == {
        "mail_from": "news@example.com",
        "rcpt": "ana@xn--exmple-cua.org",
        "username": "posthorn",
        "password": ours.secret,
        "tls": "starttls",
        "message_id": f"{REFERENCE}@example.com",
    }
    assert f"\r\nMessage-ID: <{REFERENCE}@example.com>\r\n".encode() in request.content
    assert ours.secret.encode() not in request.content
    assert ours.secret not in repr(request)


@pytest.mark.parametrize(
    ("base_url", "wish", "url", "tls"),
    [
        ("smtp://relay.example.net:2525", "", "smtp://relay.example.net:2525/example.com", "starttls"),
        ("smtp://relay.example.net", "implicit", "smtps://relay.example.net:465/example.com", "implicit"),
        ("smtps://relay.example.net", "", "smtps://relay.example.net:465/example.com", "implicit"),
        ("smtps://relay.example.net/", "none", "smtps://relay.example.net:465/example.com", "implicit"),
        ("smtp://relay.example.net", "none", "smtp://relay.example.net:587/example.com", "starttls"),
        ("smtp://relay.example.net", "whatever", "smtp://relay.example.net:587/example.com", "starttls"),
        ("smtp://8.8.8.8", "none", "smtp://8.8.8.8:587/example.com", "starttls"),
        ("smtp://127.0.0.1:1025", "none", "smtp://127.0.0.1:1025/example.com", "none"),
        ("smtp://10.1.2.3", "none", "smtp://10.1.2.3:587/example.com", "none"),
        ("smtp://[::1]:1025", "none", "smtp://[::1]:1025/example.com", "none"),
        ("smtp://localhost:1025", "none", "smtp://localhost:1025/example.com", "none"),
        ("smtp://mailpit:1025", "none", "smtp://mailpit:1025/example.com", "none"),
    ],
)  # fmt: skip
def test_only_a_relay_nearby_is_talked_to_in_the_clear(
    base_url: str, wish: str, url: str, tls: str
) -> None:
    request = SMTP.request(account("smtp", base_url=base_url, options={"tls": wish}), OUT)
    assert (str(request.url), request.extensions["tls"]) == (url, tls)


def reply(stage: str, line: str, message_id: str = "") -> httpx.Response:
    headers = {"x-smtp-stage": stage, "x-message-id": message_id}
    return httpx.Response(int(line[:3]), headers=headers, content=line.encode())


@pytest.mark.parametrize(
    ("line", "message_id", "name", "status"),
    [
        ("250 2.0.0 Ok: queued as 4XyZ12", "a.1@example.com", "a.1@example.com", "250 queued as 4XyZ12"),
        ("250 OK", "a.1@example.com", "a.1@example.com", "250"),
        ("250 Message queued as <abc-1@x>", "", "abc-1", "250 queued as abc-1"),
        ("252 whatever", "a.1@example.com", "a.1@example.com", "252"),
    ],
)  # fmt: skip
def test_a_mail_taken_is_called_by_our_name(
    line: str, message_id: str, name: str, status: str
) -> None:
    assert SMTP.outcome(reply("final", line, message_id)) == Accepted(name, status)


# stage, line, kind, where the message ends, who else may be tried
REFUSALS = [
    ("connect", "421 4.3.2 busy", "transient_retry", "failed", "other_provider"),
    ("connect", "554 go away", "transient_retry", "failed", "other_provider"),
    ("hello", "550 no", "transient_retry", "failed", "other_provider"),
    ("tls", "454 4.7.0 not now", "transient_retry", "failed", "other_provider"),
    ("auth", "535 5.7.8 wrong", "permanent_config", "failed", "other_provider"),
    ("auth", "534 5.7.9 weak", "permanent_config", "failed", "other_provider"),
    ("auth", "454 4.7.0 not now", "transient_retry", "failed", "other_provider"),
    ("mail", "530 5.7.0 log in", "permanent_config", "failed", "other_provider"),
    ("rcpt", "530 5.7.0 log in", "permanent_config", "failed", "other_provider"),
    ("mail", "538 encrypt", "permanent_config", "failed", "other_provider"),
    ("mail", "550 5.7.1 not yours", "permanent_sender", "failed", "other_sender"),
    ("mail", "553 no", "permanent_sender", "failed", "other_sender"),
    ("mail", "552 5.3.4 too big", "permanent_config", "failed", "none"),
    ("mail", "451 4.3.0 later", "transient_retry", "failed", "other_provider"),
    ("mail", "421 bye", "transient_retry", "failed", "other_provider"),
    ("mail", "421 4.7.0 too many", "rate_limited", "failed", "other_provider"),
    ("rcpt", "550 5.1.1 unknown", "permanent_recipient", "undeliverable", "none"),
    ("rcpt", "550 5.1.2 no such host", "permanent_recipient", "undeliverable", "none"),
    ("rcpt", "550-5.1.3 syntax", "permanent_recipient", "undeliverable", "none"),
    ("rcpt", "550 5.1.6 moved", "permanent_recipient", "undeliverable", "none"),
    ("rcpt", "551 not here", "permanent_recipient", "undeliverable", "none"),
    ("rcpt", "553 bad mailbox", "permanent_recipient", "undeliverable", "none"),
    ("rcpt", "550 no", "permanent_recipient", "undeliverable", "none"),
    ("rcpt", "550 5.2.1 disabled", "permanent_recipient", "undeliverable", "none"),
    ("rcpt", "550 5.7.1 blocked", "permanent_sender", "undeliverable", "other_sender"),
    ("rcpt", "553 5.7.1 not the owner", "permanent_sender", "undeliverable", "other_sender"),
    ("rcpt", "554 5.7.1 relaying denied", "permanent_sender", "undeliverable", "other_sender"),
    ("rcpt", "550 5.1.8 sender's domain", "permanent_sender", "failed", "other_sender"),
    ("rcpt", "552 5.2.2 full", "transient_retry", "undeliverable", "none"),
    ("rcpt", "452 4.2.2 full", "transient_retry", "undeliverable", "none"),
    ("rcpt", "450 4.2.0 greylisted", "transient_retry", "undeliverable", "none"),
    ("rcpt", "451 later", "transient_retry", "undeliverable", "none"),
    ("rcpt", "450 4.7.1 try again", "transient_retry", "undeliverable", "none"),
    ("rcpt", "452 4.5.3 too many", "rate_limited", "failed", "other_provider"),
    ("data", "451 4.3.0 later", "transient_retry", "failed", "other_provider"),
    ("final", "451 4.3.0 later", "transient_retry", "failed", "other_provider"),
    ("final", "452 no space", "transient_retry", "failed", "other_provider"),
    ("final", "552 5.3.4 too big", "permanent_config", "failed", "none"),
    ("final", "552 too big", "permanent_config", "failed", "none"),
    ("final", "554 no", "permanent_sender", "undeliverable", "none"),
    ("final", "550 5.7.1 spam", "permanent_sender", "undeliverable", "none"),
    ("final", "550 5.1.1 unknown", "permanent_recipient", "undeliverable", "none"),
    ("data", "554 5.5.1 nobody", "permanent_sender", "undeliverable", "none"),
    ("final", "500 what", "permanent_config", "failed", "other_provider"),
    ("rcpt", "503 5.5.1 order", "permanent_config", "failed", "other_provider"),
    ("final", "354 go on", "ambiguous", "failed", "none"),
    ("", "550 5.1.1 unknown", "ambiguous", "failed", "none"),
]


@pytest.mark.parametrize(("stage", "line", "kind", "status", "failover"), REFUSALS)
def test_a_refusal_is_of_whom_its_stage_says(
    stage: str, line: str, kind: str, status: str, failover: str
) -> None:
    got = SMTP.outcome(reply(stage, line))
    assert isinstance(got, Failure)
    assert (got.kind, got.status, got.failover) == (Kind(kind), Status(status), Failover(failover))
    later = stage == "rcpt" and line[0] == "4" and got.kind is Kind.TRANSIENT
    assert got.retry_after == (timedelta(minutes=5) if later else None)


@pytest.mark.parametrize(
    ("stage", "line", "code"),
    [
        ("rcpt", "550 5.1.1 ana@example.org unknown", "rcpt_5.1.1"),
        ("rcpt", "550 4.1.1 of another class", "rcpt_550"),
        ("rcpt", "550 5.1.1.9 is none", "rcpt_550"),
        ("rcpt", "550 said 5.1.1", "rcpt_550"),
        ("final", "554", "final_554"),
        ("mail", "550 5.1.1 of the sender", "mail_5.1.1"),
    ],
)
def test_a_code_is_the_stage_and_the_servers_number(stage: str, line: str, code: str) -> None:
    got = SMTP.outcome(reply(stage, line))
    assert isinstance(got, Failure)
    assert got.code == code
    assert (code in SMTP.dead_numbers) is (code == "rcpt_5.1.1")
    assert "example.org" not in repr(got)


IN_THE_TABLE = {
    "connect refused, DNS, TLS, 4xx/5xx banner": [("connect", "421 busy"), ("connect", "554 no")],
    "535, 530, 534, 538": [("auth", "535 x"), ("mail", "530 x"), ("auth", "534 x"), ("auth", "538 x")],
    "MAIL FROM 5xx": [("mail", "550 no"), ("mail", "553 5.1.8 no")],
    "MAIL FROM 4xx, 421": [("mail", "450 no"), ("mail", "421 no")],
    "RCPT 550 5.1.1/5.1.2/5.1.3/5.1.6, 551, 553": [
        *(("rcpt", f"550 5.1.{n} no") for n in (1, 2, 3, 6)),
        ("rcpt", "551 no"),
        ("rcpt", "553 no"),
    ],
    "RCPT 550 5.7.x": [("rcpt", "550 5.7.1 no"), ("rcpt", "550 5.7.26 no")],
    "RCPT 552 5.2.2 / 452 4.2.2": [("rcpt", "552 5.2.2 full"), ("rcpt", "452 4.2.2 full")],
    "RCPT 450 / 451 / 4.x.x": [("rcpt", "450 x"), ("rcpt", "451 x"), ("rcpt", "450 4.1.8 x")],
    "452 4.5.3, 421 4.7.0": [("rcpt", "452 4.5.3 x"), ("mail", "421 4.7.0 x")],
    "DATA or final dot 4xx": [("data", "451 x"), ("final", "450 4.7.1 x")],
    "final dot 552 5.3.4": [("final", "552 5.3.4 x")],
    "final dot 554 / 550 5.7.1": [("final", "554 x"), ("final", "550 5.7.1 x")],
}  # fmt: skip
_ON_THE_WIRE = {
    "connection lost or timeout after final dot sent",
    "connection lost before final dot",
}


@beside
def test_every_row_of_the_table_is_read_like_that() -> None:
    rows = {row["code"]: row for row in rows_of("smtp")}
    assert rows.keys() == IN_THE_TABLE.keys() | _ON_THE_WIRE  # those are in test_smtp_wire.py
    for code, examples in IN_THE_TABLE.items():
        for stage, line in examples:
            got, row = SMTP.outcome(reply(stage, line)), rows[code]
            assert isinstance(got, Failure)
            read = (got.kind, got.status, got.failover)
            assert read == (row["cls"], row["lifecycle"], row["failover"]), (stage, line)
            assert (got.code in DEAD) is (row["suppress"] == "number_invalid")


def test_what_smtp_is() -> None:
    assert set(SMTP.abilities) == {Channel.EMAIL}
    assert not SMTP.has_receipts
    assert (SMTP.lookup, SMTP.fetch, SMTP.challenge) == (None, None, None)
    assert unable(SMTP, OUT) is None
    refused = unable(SMTP, replace(OUT, parts=Parts(subject="a\r\nBcc: x@example.com")))
    assert refused is not None
    assert refused.code == "unsafe_header"
    assert all(code.partition("_")[0] in {"rcpt", "data", "final"} for code in DEAD)
