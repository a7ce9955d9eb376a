"""SMTP on a connection that is used again, and many at once: one submit is at most one delivery."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from messaging.domain.failures import Accepted, Failure, Kind
from messaging.providers.transport import Transport
from tests.providers.mailing import OUT, SMTP, Start, deliver, outcome, to
from tests.providers.relays import drop, hang
from tests.providers.wire import OK, post, reset, say, send, status

PROLOGUE = (
    b"MAIL FROM:<news@example.com> SIZE=300",
    b"RCPT TO:<ana@example.org>",
    b"DATA",
)


def test_a_connection_is_used_again_and_every_mail_arrives_once(
    relay: Start, transport: Transport
) -> None:
    server = relay()
    for number in range(20):
        got = outcome(deliver(transport, to(server.url), replace(OUT, body=f"number {number}")))
        assert isinstance(got, Accepted)
    assert server.connections == 1
    assert len(set(server.mails)) == len(server.mails) == 20


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_kept_connection_that_dies_repeats_nothing(
    relay: Start, transport: Transport, verb: str
) -> None:
    server = relay({verb: drop}, first_only=True)
    kind = Kind.AMBIGUOUS if verb == "DOT" else Kind.NOT_SENT
    for round_ in range(1, 21):
        assert isinstance(outcome(deliver(transport, to(server.url))), Accepted)
        got = outcome(deliver(transport, to(server.url)))
        assert isinstance(got, Failure)
        assert (got.kind, got.code) == (kind, "reset")
        assert server.connections == round_
        assert len(server.mails) == round_ * (2 if verb == "DOT" else 1)


def test_an_answer_that_comes_too_late_is_not_taken_for_that_to_the_next(relay: Start) -> None:
    late = threading.Event()

    def answer_late(connection: Any) -> None:
        assert late.wait(10)
        with suppress(OSError):
            connection.sendall(b"250 2.0.0 Ok\r\n")

    transport = Transport(timeout=timedelta(milliseconds=400))
    server = relay({"DOT": answer_late})
    for _ in range(3):
        got = deliver(transport, to(server.url))
        assert isinstance(got, Failure)
        assert (got.kind, got.code) == (Kind.AMBIGUOUS, "timeout")
    assert server.connections == 3
    late.set()
    transport.close()


def test_a_refused_recipient_leaves_nothing_to_the_next(relay: Start, transport: Transport) -> None:
    server = relay({"RCPT": b"550 5.1.1 no\r\n"}, first_only=True)
    for _ in range(5):
        assert isinstance(outcome(deliver(transport, to(server.url))), Accepted)
        assert isinstance(outcome(deliver(transport, to(server.url))), Failure)
    assert len(server.mails) == 5


@pytest.mark.parametrize("end", [drop, reset])
def test_wherever_a_relay_stops_reading_a_mail_it_has_is_never_called_unsent(
    relay: Start, transport: Transport, end: Callable[[socket.socket], None]
) -> None:
    whole = sum(map(len, (b"EHLO example.com", *PROLOGUE))) + 2 * (len(PROLOGUE) + 1)
    mail = len(SMTP.request(to("smtp://127.0.0.1"), OUT).content) + 5
    said = Counter[Kind | None]()
    for most in [*range(0, whole, 9), *range(whole - 3, whole + mail + 12, 5)]:
        server = relay(stops_after=(most, end))
        got = outcome(deliver(transport, to(server.url)))
        kind = got.kind if isinstance(got, Failure) else None
        assert not (kind is Kind.NOT_SENT and server.mails), most
        assert len(server.mails) <= 1
        assert server.connections == 1
        said[kind] += 1
        server.stop()
    assert said.keys() >= {Kind.NOT_SENT, Kind.AMBIGUOUS, None}


def test_many_at_once_arrive_once_each_or_are_said_not_to(relay: Start) -> None:
    server = relay({"DOT": drop}, first_only=True)
    transport = Transport(max_connections=10)
    waiting = [f"{n:03}" for n in range(200)]
    outs = {n: replace(OUT, body=n, reference=f"{n}.1") for n in waiting}
    results: dict[object, httpx.Response | Failure] = {}
    deadline = time.monotonic() + 30
    while len(results) < len(outs) and time.monotonic() < deadline:
        while waiting and transport.in_flight < 20:
            name = waiting.pop()
            transport.submit(name, SMTP.request(to(server.url), outs[name]))
        results.update(transport.poll(1))
    transport.close()
    assert len(results) == 200
    arrived = Counter(mail.split(b"\r\n")[-2].decode() for mail in server.mails)
    assert set(arrived.values()) == {1}
    said = {name: outcome(result) for name, result in results.items()}
    unsent = {
        n for n, got in said.items() if isinstance(got, Failure) and got.kind is Kind.NOT_SENT
    }
    assert unsent == said.keys() - arrived.keys()
    assert {got.kind for got in said.values() if isinstance(got, Failure)} >= {Kind.AMBIGUOUS}


def test_mail_and_http_share_a_window(relay: Start, transport: Transport, serve: Any) -> None:
    from tests.providers.wire import OK, post, say, status

    web, server = serve(say(OK)), relay()
    for _ in range(3):
        assert isinstance(outcome(deliver(transport, to(server.url))), Accepted)
        assert status(send(transport, post(web.url))) == 201
        assert isinstance(outcome(transport.call(SMTP.request(to(server.url), OUT))), Accepted)
        assert status(transport.call(post(web.url))) == 201
    assert len(server.mails) == len(web.arrivals) == 6


def test_a_relay_that_hangs_after_the_dot_holds_nobody_up(relay: Start, serve: Any) -> None:
    """libcurl's own multi interface would: it waits for that answer where it stands."""
    web, server, healthy = serve(say(OK)), relay({"DOT": hang}), relay()
    transport = Transport(timeout=timedelta(seconds=20))
    transport.submit("stuck", SMTP.request(to(server.url), OUT))
    deadline = time.monotonic() + 10
    while not server.mails and time.monotonic() < deadline:
        assert transport.poll(0.05) == []
    began = time.monotonic()
    for _ in range(20):
        assert status(send(transport, post(web.url))) == 201
        assert isinstance(outcome(deliver(transport, to(healthy.url))), Accepted)
    assert time.monotonic() - began < 10
    assert transport.in_flight == 1
    transport.close()
    assert transport.in_flight == 0


def test_what_waits_for_a_thread_too_long_is_not_begun(relay: Start) -> None:
    transport = Transport(timeout=timedelta(milliseconds=500), max_connections=2)
    server = relay({"DOT": hang})
    for number in range(6):
        transport.submit(number, SMTP.request(to(server.url), OUT))
    results: dict[object, httpx.Response | Failure] = {}
    deadline = time.monotonic() + 10
    while transport.in_flight and time.monotonic() < deadline:
        results.update(transport.poll(1))
    transport.close()
    kinds = [got.kind for result in results.values() if isinstance(got := outcome(result), Failure)]
    said = Counter(kinds)
    assert said.keys() == {Kind.AMBIGUOUS, Kind.NOT_SENT}
    assert said[Kind.AMBIGUOUS] + said[Kind.NOT_SENT] == 6
    assert 2 <= len(server.mails) <= said[Kind.AMBIGUOUS] <= 4


@pytest.mark.parametrize(
    ("end", "address"),
    [
        ("to", "ana@example.org>\r\nRCPT TO:<evil@example.com"),
        ("to", "ana@example.org\nevil@example.com"),
        ("to", ""),
        ("sender", "a@example.com> SIZE=1"),
        ("sender", "a@example.com\r\nRSET"),
    ],
)
def test_no_address_can_hold_a_command(
    relay: Start, transport: Transport, end: str, address: str
) -> None:
    server = relay()
    out = replace(OUT, to=address) if end == "to" else replace(OUT, sender=address)
    with pytest.raises(ValueError, match="plain addresses"):
        transport.submit(1, SMTP.request(to(server.url), out))
    assert transport.in_flight == 0
    request = SMTP.request(to(server.url), OUT)
    request.extensions["rcpt" if end == "to" else "mail_from"] = address
    with pytest.raises(ValueError, match="plain addresses"):
        transport.submit(1, request)
    assert server.connections == 0


def test_a_login_that_cannot_be_sent_is_refused_before_anything_is(
    relay: Start, transport: Transport
) -> None:
    server = relay()
    for login in ({"username": "a\0b"}, {"username": "a", "secret": "\0"}, {"username": "\ud800"}):
        with pytest.raises(ValueError, match=r"NUL|surrogates"):
            transport.submit(1, SMTP.request(to(server.url, **login), OUT))
    assert (transport.in_flight, server.connections) == (0, 0)
