"""The transport: what goes out, what comes back, and the window of exchanges."""

from __future__ import annotations

import os
import socket
import time

import httpx
import pytest

from messaging.providers.transport import Transport
from tests.providers.wire import (
    FORM,
    OK,
    Arrival,
    Serve,
    WireServer,
    answer,
    post,
    say,
    send,
    status,
)


def test_a_request_arrives_as_it_was_made(serve: Serve, transport: Transport) -> None:
    server = serve(say(answer(b'{"sid":"SM1"}', extra=b"Retry-After: 7\r\nX-A: b: c\r\n")))
    result = send(transport, post(server.url, Authorization="Basic eA=="))
    assert status(result) == 201
    assert isinstance(result, httpx.Response)
    assert result.json() == {"sid": "SM1"}
    assert result.read() == result.content == b'{"sid":"SM1"}'
    assert result.headers["retry-after"] == "7"
    assert result.headers["x-a"] == "b: c"
    (arrival,) = server.arrivals
    lines = arrival.head.split(b"\r\n")
    names = [line.partition(b":")[0].lower() for line in lines[1:]]
    assert lines[0] == b"POST /messages HTTP/1.1"
    assert b"Authorization: Basic eA==" in lines
    assert f"Host: 127.0.0.1:{server.port}".encode() in lines
    assert sorted(set(names)) == sorted(names)
    assert not {b"expect", b"transfer-encoding", b"cookie", b"accept-encoding"} & set(names)
    assert arrival.body == FORM


def test_a_get_after_a_post_carries_no_body(serve: Serve, transport: Transport) -> None:
    server = serve(say(OK))
    send(transport, post(server.url))
    send(transport, httpx.Request("GET", server.url + "/list?To=%2B12025550123"))
    send(transport, post(server.url))
    heads = [arrival.head.split(b"\r\n")[0] for arrival in server.arrivals]
    assert heads[1] == b"GET /list?To=%2B12025550123 HTTP/1.1"
    assert [arrival.body for arrival in server.arrivals] == [FORM, b"", FORM]
    assert server.connections == 1


def test_a_large_body_goes_out_whole_and_unasked(serve: Serve, transport: Transport) -> None:
    server = serve(say(OK))
    body = b"x" * 3_000_000
    assert status(send(transport, post(server.url, body))) == 201
    assert server.arrivals[0].body == body


def test_a_host_name_is_looked_up(serve: Serve, transport: Transport) -> None:
    server = serve(say(OK))
    url = server.url.replace("127.0.0.1", "localhost")
    assert status(send(transport, post(url))) == 201
    assert status(transport.call(post(url))) == 201


def test_a_transport_may_be_used_again_after_close(serve: Serve, transport: Transport) -> None:
    server = serve(say(OK))
    for _ in range(3):
        assert status(send(transport, post(server.url))) == 201
        transport.close()
    assert server.connections == 3


def test_other_methods_are_a_bug(transport: Transport) -> None:
    with pytest.raises(ValueError, match="GET and POST"):
        transport.submit(1, httpx.Request("DELETE", "http://127.0.0.1:1/"))
    assert transport.in_flight == 0


def test_interim_replies_leave_no_headers(serve: Serve, transport: Transport) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n"
    server = serve(say(early + OK))
    result = send(transport, post(server.url))
    assert isinstance(result, httpx.Response)
    assert result.status_code == 201
    assert "x-early" not in result.headers


def test_a_compressed_reply_is_not_unpacked(serve: Serve, transport: Transport) -> None:
    server = serve(say(answer(b"not gzip", extra=b"Content-Encoding: gzip\r\n")))
    result = send(transport, post(server.url))
    assert isinstance(result, httpx.Response)
    assert result.content == b"not gzip"


def test_redirects_are_not_followed(serve: Serve, transport: Transport) -> None:
    elsewhere = serve(say(OK))
    location = f"Location: {elsewhere.url}/x\r\n".encode()
    server = serve(say(answer(status="307 Temporary Redirect", extra=location)))
    assert status(send(transport, post(server.url))) == 307
    assert elsewhere.connections == 0


def test_cookies_are_not_kept(serve: Serve, transport: Transport) -> None:
    server = serve(say(answer(extra=b"Set-Cookie: a=b\r\n")))
    send(transport, post(server.url))
    send(transport, post(server.url))
    assert b"cookie" not in server.arrivals[1].head.lower()


def test_the_environments_proxies_are_ignored(
    serve: Serve, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(say(OK))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server = serve(say(OK))
    assert status(send(transport, post(server.url))) == 201
    assert (server.connections, proxy.connections) == (1, 0)


def test_a_window_hands_back_every_token_with_its_own_reply(serve: Serve) -> None:
    def echo(_server: WireServer, connection: socket.socket, arrival: Arrival) -> bool:
        connection.sendall(answer(arrival.body))
        return True

    server = serve(echo)
    transport = Transport(max_connections=16)
    waiting = [b"%d" % number for number in range(500)]
    replies: dict[object, bytes] = {}
    deadline = time.monotonic() + 30
    while len(replies) < 500 and time.monotonic() < deadline:
        while waiting and transport.in_flight < 50:
            body = waiting.pop()
            transport.submit(body, post(server.url, body))
        for token, result in transport.poll(1):
            assert isinstance(result, httpx.Response)
            replies[token] = result.content
    assert transport.in_flight == 0
    assert replies == {b"%d" % number: b"%d" % number for number in range(500)}
    assert server.connections <= 16
    transport.close()


def test_poll_waits_no_longer_than_asked(serve: Serve, transport: Transport) -> None:
    server = serve(lambda _server, _connection, _arrival: True)
    assert transport.poll(60) == []
    transport.submit(1, post(server.url))
    began = time.monotonic()
    assert transport.poll(0.1) == []
    assert 0.05 < time.monotonic() - began < 5
    assert transport.in_flight == 1


def test_close_abandons_what_is_in_flight_and_may_be_repeated(serve: Serve) -> None:
    transport = Transport()
    server = serve(lambda _server, _connection, _arrival: True)
    transport.submit(1, post(server.url))
    transport.poll(0.05)
    transport.close()
    transport.close()
    assert transport.in_flight == 0
    server.wait_closed(1)


def test_a_transport_opens_nothing_before_its_first_request() -> None:
    before = os.listdir("/dev/fd")  # noqa: PTH208 - names of descriptors, not paths
    transport = Transport()
    assert os.listdir("/dev/fd") == before  # noqa: PTH208
    transport.close()
