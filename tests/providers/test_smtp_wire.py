"""SMTP on the wire: one submit is at most one delivery, and a failure says what is certain."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.providers.transport import Transport
from tests.providers.mailing import OUT, SMTP, Start, deliver, outcome, to
from tests.providers.relays import Reply, after, drop, hang


def test_a_mail_arrives_whole_and_its_answer_names_it(relay: Start, transport: Transport) -> None:
    server = relay()
    got = outcome(deliver(transport, to(server.url)))
    assert isinstance(got, Accepted)
    assert got.provider_message_id == "00000000000000000000000000000003.3@example.com"
    assert got.provider_status == "250 queued as 4XyZ12"
    assert server.mails == [SMTP.request(to(server.url), OUT).content]
    assert server.commands[0] == b"EHLO example.com"
    assert server.commands[1].startswith(b"MAIL FROM:<news@example.com>")
    assert server.commands[2:4] == [b"RCPT TO:<ana@example.org>", b"DATA"]


REFUSED: dict[str, tuple[dict[str, Reply], Kind, str, Failover]] = {
    "421 banner": ({"CONNECT": b"421 4.3.2 busy\r\n"}, Kind.TRANSIENT, "connect_4.3.2", Failover.OTHER_PROVIDER),
    "554 banner": ({"CONNECT": b"554 no mail for you\r\n"}, Kind.TRANSIENT, "connect_554", Failover.OTHER_PROVIDER),
    "550 at MAIL": ({"MAIL": b"550 5.7.1 not yours\r\n"}, Kind.SENDER, "mail_5.7.1", Failover.OTHER_SENDER),
    "451 at MAIL": ({"MAIL": b"451 4.3.0 later\r\n"}, Kind.TRANSIENT, "mail_4.3.0", Failover.OTHER_PROVIDER),
    "530 at MAIL": ({"MAIL": b"530 5.7.0 log in\r\n"}, Kind.CONFIG, "mail_5.7.0", Failover.OTHER_PROVIDER),
    "550 at RCPT": ({"RCPT": b"550-5.1.1 no\r\n550 5.1.1 ana@example.org unknown\r\n"}, Kind.RECIPIENT, "rcpt_5.1.1", Failover.NONE),
    "450 at RCPT": ({"RCPT": b"450 4.2.0 greylisted\r\n"}, Kind.TRANSIENT, "rcpt_4.2.0", Failover.NONE),
    "554 at DATA": ({"DATA": b"554 5.5.1 no valid recipients\r\n"}, Kind.SENDER, "data_5.5.1", Failover.NONE),
    "554 after the dot": ({"DOT": b"554 5.7.1 spam\r\n"}, Kind.SENDER, "final_5.7.1", Failover.NONE),
    "451 after the dot": ({"DOT": b"451 4.3.0 later\r\n"}, Kind.TRANSIENT, "final_4.3.0", Failover.OTHER_PROVIDER),
    "421 after the dot": ({"DOT": after(b"421 4.3.2 bye\r\n", drop)}, Kind.TRANSIENT, "final_4.3.2", Failover.OTHER_PROVIDER),
    "drop before a banner": ({"CONNECT": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at EHLO": ({"EHLO": drop, "HELO": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at MAIL": ({"MAIL": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at RCPT": ({"RCPT": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at DATA": ({"DATA": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "half a refusal": ({"RCPT": after(b"550-5.1.1 no\r\n", drop)}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at 354": ({"DATA": after(b"354 go on\r\n", drop)}, Kind.AMBIGUOUS, "reset", Failover.NONE),
    "drop after the dot": ({"DOT": drop}, Kind.AMBIGUOUS, "reset", Failover.NONE),
    "half an acceptance": ({"DOT": after(b"250-2.0.0 Ok\r\n", drop)}, Kind.AMBIGUOUS, "reset", Failover.NONE),
    "not SMTP after the dot": ({"DOT": after(b"hello there\r\n", drop)}, Kind.AMBIGUOUS, "reset", Failover.NONE),
    "an unfinished code": ({"DOT": b"354 go on\r\n"}, Kind.AMBIGUOUS, "final_354", Failover.NONE),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_failure_says_what_is_certain(relay: Start, transport: Transport, case: str) -> None:
    script, kind, code, failover = REFUSED[case]
    server = relay(script)
    got = outcome(deliver(transport, to(server.url)))
    assert isinstance(got, Failure)
    assert (got.kind, got.code, got.failover) == (kind, code, failover)
    assert got.retry_after == (timedelta(minutes=5) if case == "450 at RCPT" else None)
    assert len(server.mails) == ("dot" in case or "acceptance" in case or "unfinished" in case)
    assert server.connections == 1
    assert outcome(transport.call(SMTP.request(to(server.url), OUT))) == got


HANGS = {
    "banner": ("CONNECT", Kind.NOT_SENT),
    "RCPT": ("RCPT", Kind.NOT_SENT),
    "DATA": ("DATA", Kind.NOT_SENT),
    "final dot": ("DOT", Kind.AMBIGUOUS),
}


@pytest.mark.parametrize("case", HANGS)
def test_silence_is_in_doubt_only_after_the_dot(relay: Start, case: str) -> None:
    verb, kind = HANGS[case]
    transport = Transport(timeout=timedelta(milliseconds=400))
    server = relay({verb: hang})
    got = deliver(transport, to(server.url))
    assert isinstance(got, Failure)
    assert (got.kind, got.code) == (kind, "timeout")
    transport.close()
    assert len(server.mails) == (kind is Kind.AMBIGUOUS)


def test_a_large_mail_that_breaks_off_in_the_middle_was_not_sent(
    relay: Start, transport: Transport
) -> None:
    def bite(connection: Any) -> None:
        connection.sendall(b"354 go on\r\n")
        connection.recv(1000)
        drop(connection)

    server = relay({"DATA": bite})
    got = deliver(transport, to(server.url), replace(OUT, body="x" * 30_000_000))
    assert isinstance(got, Failure)
    assert (got.kind, got.failover) == (Kind.NOT_SENT, Failover.OTHER_PROVIDER)
    assert server.mails == []


def test_a_relay_that_is_not_there_has_nothing(relay: Start, transport: Transport) -> None:
    server = relay()
    server.stop()
    got = deliver(transport, to(server.url))
    assert isinstance(got, Failure)
    assert (got.kind, got.code) == (Kind.NOT_SENT, "connect")
    gone = deliver(transport, to("smtp://relay.onion"))
    assert isinstance(gone, Failure)
    assert (gone.kind, gone.code) == (Kind.NOT_SENT, "dns")
