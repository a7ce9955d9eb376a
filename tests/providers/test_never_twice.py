"""One submit is at most one request on the wire, whenever and however a connection dies."""

from __future__ import annotations

import socket
import time

import httpx
import pycurl
import pytest

from messaging.domain.failures import Failure, Kind
from messaging.providers.transport import Transport
from tests.providers.wire import (
    ENDINGS,
    FORM,
    OK,
    Arrival,
    Serve,
    WireServer,
    die_on_second,
    failure,
    post,
    send,
    status,
)


@pytest.mark.parametrize("ending", ENDINGS)
def test_libcurl_left_alone_would_repeat(serve: Serve, ending: str) -> None:
    """The trap is real: without it the next test would prove nothing."""
    server = serve(die_on_second(ENDINGS[ending]))
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, server.url)
    curl.setopt(pycurl.POSTFIELDS, FORM)
    curl.setopt(pycurl.WRITEFUNCTION, len)
    curl.setopt(pycurl.PROXY, "")
    curl.perform()
    curl.perform()
    curl.close()
    assert len(server.arrivals) == 3


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kept_connection_that_dies_is_not_retried(
    serve: Serve, transport: Transport, ending: str
) -> None:
    server = serve(die_on_second(ENDINGS[ending]))
    for round_ in range(1, 101):
        assert status(send(transport, post(server.url))) == 201
        assert failure(send(transport, post(server.url))) == (Kind.AMBIGUOUS, "reset")
        assert len(server.arrivals) == 2 * round_
        assert server.connections == round_


def test_many_dying_connections_at_once_repeat_nothing(serve: Serve, transport: Transport) -> None:
    server = serve(die_on_second(socket.socket.close))
    bodies = [b"Body=%d" % number for number in range(400)]
    results: dict[object, httpx.Response | Failure] = {}
    waiting = list(bodies)
    deadline = time.monotonic() + 30
    while len(results) < len(bodies) and time.monotonic() < deadline:
        while waiting and transport.in_flight < 20:
            body = waiting.pop()
            transport.submit(body, post(server.url, body))
        results.update(transport.poll(1))
    assert sorted(arrival.body for arrival in server.arrivals) == sorted(bodies)
    answered = [body for body, result in results.items() if isinstance(result, httpx.Response)]
    assert len(results) == len(bodies)
    assert len(answered) == server.connections
    assert {failure(r) for r in results.values() if isinstance(r, Failure)} == {
        (Kind.AMBIGUOUS, "reset")
    }


def test_a_single_call_is_not_repeated_either(serve: Serve, transport: Transport) -> None:
    server = serve(die_on_second(socket.socket.close))
    assert status(transport.call(post(server.url))) == 201
    assert failure(transport.call(post(server.url))) == (Kind.AMBIGUOUS, "reset")
    assert len(server.arrivals) == 2


def test_a_bodyless_post_never_takes_a_used_connection(serve: Serve, transport: Transport) -> None:
    server = serve(die_on_second(socket.socket.close))
    for _ in range(10):
        assert status(send(transport, post(server.url, b""))) == 201
    assert (len(server.arrivals), server.connections) == (10, 10)
    assert status(send(transport, post(server.url, b""))) == 201


def test_a_provider_that_dies_with_the_request_in_hand_is_not_called_unsent(
    serve: Serve, transport: Transport
) -> None:
    """A second connection would be refused; that must not hide that the first took the request."""

    def act(server: WireServer, connection: socket.socket, arrival: Arrival) -> bool:
        if arrival.nth == 1:
            connection.sendall(OK)
            return True
        server.stop_listening()
        connection.close()
        return False

    server = serve(act)
    assert status(send(transport, post(server.url))) == 201
    assert failure(send(transport, post(server.url))) == (Kind.AMBIGUOUS, "reset")
    assert failure(send(transport, post(server.url))) == (Kind.NOT_SENT, "connect")
    assert len(server.arrivals) == 2


def close_when_answered(_server: WireServer, connection: socket.socket, _arrival: Arrival) -> bool:
    connection.sendall(OK)
    connection.close()
    return False


def test_a_connection_closed_while_idle_costs_nothing(serve: Serve, transport: Transport) -> None:
    """libcurl looks whether an idle connection still stands, but only once a second."""
    server = serve(close_when_answered)
    for round_ in (1, 2):
        assert status(send(transport, post(server.url))) == 201
        server.wait_closed(round_)
        time.sleep(1.05)
    assert (len(server.arrivals), server.connections) == (2, 2)


def test_a_connection_closed_within_a_second_of_use_is_not_retried(
    serve: Serve, transport: Transport
) -> None:
    """Nothing shows that the lost request was not read, so it is in doubt; but it is never repeated."""
    server = serve(close_when_answered)
    for round_ in range(1, 31):
        assert status(send(transport, post(server.url))) == 201
        server.wait_closed(round_)
        assert failure(send(transport, post(server.url))) == (Kind.AMBIGUOUS, "reset")
        assert len(server.arrivals) == round_
