"""How is a webhook posted at the price of a few microseconds?

A keep-alive HTTP/1.1 client. Connections are pooled per host; what a pooled
connection loses before the first byte of an answer is posted once more on a new one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, cast

import httptools

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 15.0
_URL = re.compile(r"(https?)://(?:[^/?#@]*@)?([^/?#]+)([^#]*)", re.IGNORECASE)


class ConnectError(Exception):
    """No connection was made; nothing was posted."""


class ReadError(Exception):
    """The request was sent, and no answer came."""


@lru_cache(maxsize=256)
def _peer(scheme: str, authority: str) -> tuple[str, int, bool]:
    tls = scheme.lower() == "https"
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", authority)
    if bracketed is not None:
        host, port = bracketed.group(1), bracketed.group(2) or ""
    else:
        host, _, port = authority.partition(":")
    return host, int(port) if port else (443 if tls else 80), tls


class _Channel(asyncio.Protocol):
    """One connection; carries one request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._reply: asyncio.Future[int] | None = None
        self._started = False
        self.reusable = False

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def post(self, request: bytes) -> asyncio.Future[int]:
        self._reply = asyncio.get_running_loop().create_future()
        self._started = self.reusable = False
        if self._transport is None:
            self._reply.set_exception(ReadError("closed before posting"))
        else:
            self._transport.write(request)
        return self._reply

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def answered(self) -> bool:
        """Whether any byte of an answer came."""
        return self._started

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._fail("the connection was closed")

    def data_received(self, data: bytes) -> None:
        self._started = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("the answer is not HTTP")
            self.close()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        # Interim answers such as 100 do not count.
        if status >= 200 and self._reply is not None and not self._reply.done():
            self.reusable = bool(self._parser.should_keep_alive())
            self._reply.set_result(status)

    def _fail(self, why: str) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ReadError(why))


class Posting(NamedTuple):
    """A request to a webhook."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


class Poster:
    """Posts webhooks; holds the open connections."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int, bool], list[_Channel]] = {}

    async def post(self, posting: Posting) -> int:
        """Makes the request and returns the status of the answer.

        Raises:
            ConnectError: if nothing was posted.
            ReadError: if it was posted and no answer came in time.
        """
        match = _URL.match(posting.url)
        if match is None:
            raise ConnectError("not an http(s) URL")
        scheme, authority, target = match.groups()
        request = _encode(authority, target, posting)
        try:
            peer = _peer(scheme, authority)
        except ValueError as error:
            raise ConnectError("not a port number") from error
        idle = self._idle.setdefault(peer, [])
        while idle:
            channel = idle.pop()
            if channel.open:
                try:
                    return await self._exchange(channel, request, idle)
                except ReadError:
                    if channel.answered:
                        raise
        return await self._exchange(await _connect(peer), request, idle)

    def close(self) -> None:
        """Closes every idle connection."""
        for channels in self._idle.values():
            for channel in channels:
                channel.close()
        self._idle.clear()

    async def _exchange(self, channel: _Channel, request: bytes, idle: list[_Channel]) -> int:
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                status = await channel.post(request)
        except TimeoutError:
            channel.close()
            raise ReadError("no answer in time") from None
        except BaseException:
            channel.close()
            raise
        if channel.reusable:
            idle.append(channel)
        else:
            channel.close()
        return status


async def _connect(peer: tuple[str, int, bool]) -> _Channel:
    host, port, tls = peer
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            _, channel = await loop.create_connection(_Channel, host, port, ssl=tls or None)
    # A host no resolver can encode is a ValueError, a port above 65535 an OverflowError.
    except (OSError, TimeoutError, ValueError, OverflowError) as error:
        raise ConnectError(str(error)) from error
    return channel


def _encode(authority: str, target: str, posting: Posting) -> bytes:
    path = target if target.startswith("/") else f"/{target}"
    lines = "".join(f"{name}: {value}\r\n" for name, value in posting.headers.items())
    head = (
        f"{posting.method} {path} HTTP/1.1\r\nHost: {authority}\r\n"
        f"Content-Length: {len(posting.body)}\r\n{lines}\r\n"
    )
    return head.encode() + posting.body
