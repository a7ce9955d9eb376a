from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from messaging.sandbox.posting import ConnectError, Poster, Posting, ReadError

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Peer:
    """Answers the n-th request with the n-th script; None closes without a word."""

    def __init__(self, *script: tuple[bytes | None, bool]) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        close = False
        while not close:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            self.requests.append(head + await reader.readexactly(3))
            answer, close = self.script.pop(0) if self.script else (OK, False)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def against(peer: Peer, act: Callable[[Poster, str], Awaitable[None]]) -> None:
    async def run() -> None:
        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        poster = Poster()
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/r?m=1#rc=2"
        try:
            await act(poster, url)
        finally:
            poster.close()
            server.close()
            while handlers := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(handlers)

    asyncio.run(run())


def test_a_connection_is_used_again() -> None:
    peer = Peer()

    async def act(poster: Poster, url: str) -> None:
        assert [await poster.post(Posting(url, {"X-A": "b"}, b"a=1")) for _ in range(3)] == [
            204
        ] * 3

    against(peer, act)
    assert peer.connections == 1
    assert len(peer.requests) == 3
    first = peer.requests[0].split(b"\r\n")
    assert first[0] == b"POST /r?m=1 HTTP/1.1"
    assert b"X-A: b" in first
    assert first[-1] == b"a=1"


@pytest.mark.parametrize(
    "ending",
    [
        (OK, True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", True),
    ],
)
def test_a_closed_connection_is_replaced(ending: tuple[bytes, bool]) -> None:
    peer = Peer(ending)

    async def act(poster: Poster, url: str) -> None:
        for _ in range(2):
            assert await poster.post(Posting(url, {}, b"a=1")) in (200, 204)

    against(peer, act)
    assert peer.connections == 2


@pytest.mark.parametrize("answer", [None, b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_no_readable_answer_is_a_read_error(answer: bytes | None) -> None:
    peer = Peer((answer, True))

    async def act(poster: Poster, url: str) -> None:
        with pytest.raises(ReadError):
            await poster.post(Posting(url, {}, b"a=1"))
        assert await poster.post(Posting(url, {}, b"a=1")) == 204

    against(peer, act)


def test_an_interim_answer_is_not_the_answer() -> None:
    peer = Peer(
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", False)
    )

    async def act(poster: Poster, url: str) -> None:
        assert await poster.post(Posting(url, {}, b"a=1")) == 503

    against(peer, act)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://127.0.0.1:port/",
        "http://127.0.0.1:99999/",
        f"http://{'x' * 70}.invalid/",
    ],
)
def test_an_unusable_address_is_a_connect_error(url: str) -> None:
    async def act(poster: Poster, _: str) -> None:
        with pytest.raises(ConnectError):
            await poster.post(Posting(url, {}, b"a=1"))

    against(Peer(), act)


def test_nobody_listening_is_a_connect_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"

        async def act(poster: Poster, _: str) -> None:
            with pytest.raises(ConnectError):
                await poster.post(Posting(url, {}, b"a=1"))

        against(Peer(), act)
