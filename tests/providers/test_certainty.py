"""A failed exchange is called unsent only where nothing can have reached the provider."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from messaging.domain.failures import Kind
from messaging.providers.exchange import MAX_RESPONSE
from messaging.providers.transport import Transport
from tests.providers.wire import OK, Serve, answer, failure, post, say_and_close, send


def test_refused_means_not_sent(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(send(transport, post(f"http://127.0.0.1:{port}"))) == (Kind.NOT_SENT, "connect")


def test_an_unknown_name_means_not_sent(transport: Transport) -> None:
    # libcurl refuses .onion without asking any name server (RFC 7686).
    assert failure(send(transport, post("http://provider.onion"))) == (Kind.NOT_SENT, "dns")


def test_another_scheme_means_not_sent(transport: Transport) -> None:
    assert failure(send(transport, post("ftp://127.0.0.1"))) == (Kind.NOT_SENT, "url")


def test_a_connection_that_is_never_made_means_not_sent() -> None:
    transport = Transport(connect_timeout=timedelta(milliseconds=200), timeout=timedelta(seconds=9))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    queued = []
    for _ in range(4):  # fill the accept queue; the kernel drops whoever comes next
        waiting = socket.socket()
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
        queued.append(waiting)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        assert failure(send(transport, post(url))) == (Kind.NOT_SENT, "connect_timeout")
    finally:
        transport.close()
        for waiting in (*queued, listener):
            waiting.close()


def test_a_handshake_that_hangs_means_not_sent() -> None:
    transport = Transport(connect_timeout=timedelta(milliseconds=200), timeout=timedelta(seconds=9))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        assert failure(send(transport, post(url))) == (Kind.NOT_SENT, "connect_timeout")
    transport.close()


def test_silence_after_the_request_is_ambiguous(serve: Serve) -> None:
    transport = Transport(timeout=timedelta(milliseconds=300))
    server = serve(lambda _server, _connection, _arrival: True)
    assert failure(send(transport, post(server.url))) == (Kind.AMBIGUOUS, "timeout")
    assert failure(transport.call(post(server.url))) == (Kind.AMBIGUOUS, "timeout")
    assert len(server.arrivals) == 2
    transport.close()


AMBIGUOUS = {
    "closed unanswered": (b"", "reset"),
    "half a status line": (b"HTTP/1.", "reset"),
    "not http": (b"hello there\r\n\r\n", "protocol"),
    "half a body": (OK[:-3], "truncated"),
    "no end": (answer(b"x" * (MAX_RESPONSE + 1)), "too_large"),
    "endless without a length": (
        b"HTTP/1.1 201 Created\r\n\r\n" + b"x" * (MAX_RESPONSE + 70_000),
        "too_large",
    ),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_a_broken_answer_is_ambiguous(serve: Serve, transport: Transport, case: str) -> None:
    data, word = AMBIGUOUS[case]
    server = serve(say_and_close(data))
    kind, code = failure(send(transport, post(server.url)))
    assert kind is Kind.AMBIGUOUS
    assert code == word
    assert len(server.arrivals) == 1
