"""How do bytes on a connection become a request, and an answer become bytes?

A bare httptools protocol instead of an ASGI server: half the CPU per request, and an answer of
`None` can close the connection with not one byte written, which ASGI has no word for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import httptools
import orjson

_log = logging.getLogger(__name__)

MAX_BODY = 1 << 20
_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Request:
    """A request that was read to its end."""

    method: str
    path: str
    query: str
    authorization: str
    body: bytes
    at: float
    """When its last byte was read, in seconds since 1970."""


@dataclass(slots=True)
class Reply:
    """What is written back."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


Outcome = Reply | None
"""None closes the connection without a byte."""


@dataclass(slots=True)
class Later:
    """An outcome that is known now and takes effect after some time; cheaper than a coroutine."""

    outcome: Outcome
    seconds: float
    then: Callable[[], None]
    """Called when the outcome has been written."""


Answer = Outcome | Later | Coroutine[Any, Any, Outcome]
Handler = Callable[[Request], Answer]

TOO_LARGE = Reply(413, b'{"code":413,"message":"Request body too large","status":413}')
MALFORMED = Reply(400, b'{"code":400,"message":"Malformed HTTP request","status":400}')
BROKEN = Reply(
    500, b'{"code":20500,"message":"An internal server error has occurred","status":500}'
)


def json_reply(status: int, value: Any, *headers: tuple[str, str]) -> Reply:
    """A reply with a JSON body."""
    return Reply(status, orjson.dumps(value), headers)


def encode(reply: Reply, *, keep_alive: bool) -> bytes:
    """The reply in HTTP/1.1."""
    head = f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Unknown')}\r\n"
    if reply.status != HTTPStatus.NO_CONTENT:
        head += f"Content-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n"
    for name, value in reply.headers:
        head += f"{name}: {value}\r\n"
    if not keep_alive:
        head += "Connection: close\r\n"
    return head.encode("latin-1") + b"\r\n" + reply.body


class Connection(asyncio.Protocol):
    """One client connection; answers its requests one after the other."""

    __slots__ = (
        "_authorization",
        "_body",
        "_busy",
        "_handler",
        "_limits",
        "_open",
        "_parser",
        "_size",
        "_transport",
        "_url",
        "_waiting",
        "_work",
    )

    def __init__(
        self,
        handler: Handler,
        connections: set[Connection],
        limits: Mapping[bytes, tuple[int, Reply]],
    ) -> None:
        """Hands requests to `handler`; `limits` has the paths that take more than others, and how much."""
        self._handler = handler
        self._limits = limits
        self._open = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._busy = False
        self._work: asyncio.Task[None] | asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is still to be answered."""
        return self._busy

    def abort(self) -> None:
        """Closes the connection at once; a request in work goes unanswered."""
        if self._transport is not None:
            self._transport.abort()
        if self._work is not None:
            self._work.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the client connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """asyncio: the client is gone. A request in work goes on: it may still be accepted."""
        self._open.discard(self)
        self._waiting.clear()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes arrived."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(MALFORMED)

    def on_message_begin(self) -> None:
        """httptools: a request starts."""
        self._url = b""
        self._authorization = b""
        self._body: list[bytes] = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        """httptools: a part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header."""
        lower = name.lower()
        if lower == b"authorization":
            self._authorization = value
        elif lower == b"expect" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body."""
        self._size += len(body)
        if self._size <= MAX_BODY or self._size <= self._limit()[0]:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """httptools: the request is complete."""
        if self._transport is None or self._transport.is_closing():
            # Pipelined behind a request that closed the connection: never read.
            return
        if self._size > MAX_BODY and self._size > self._limit()[0]:
            self._refuse(self._limit()[1])
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        request = Request(
            method=self._parser.get_method().decode("ascii"),
            path=path,
            query=query,
            authorization=self._authorization.decode("latin-1"),
            body=self._body[0] if len(self._body) == 1 else b"".join(self._body),
            at=time.time(),
        )
        keep_alive = self._parser.should_keep_alive()
        if self._busy:
            self._waiting.append((request, keep_alive))
        else:
            self._serve(request, keep_alive=keep_alive)

    def _limit(self) -> tuple[int, Reply]:
        """How large this request may be, and the answer if it is larger."""
        return self._limits.get(self._url.partition(b"?")[0], (MAX_BODY, TOO_LARGE))

    def _serve(self, request: Request, *, keep_alive: bool) -> None:
        answer: Answer
        try:
            answer = self._handler(request)
        except Exception:  # noqa: BLE001 - into httptools it would be taken for a malformed request
            _log.exception("the sandbox failed to answer %s", request.method)
            answer = BROKEN
        if answer is None or isinstance(answer, Reply):
            self._write(answer, keep_alive=keep_alive)
            return
        self._busy = True
        loop = asyncio.get_running_loop()
        if isinstance(answer, Later):
            self._work = loop.call_later(answer.seconds, self._finish_later, answer, keep_alive)
        else:
            self._work = loop.create_task(self._run(answer, keep_alive))

    def _finish_later(self, answer: Later, keep_alive: bool) -> None:
        self._finish(answer.outcome, keep_alive)
        answer.then()

    async def _run(self, outcome: Coroutine[Any, Any, Outcome], keep_alive: bool) -> None:
        try:
            reply = await outcome
        except Exception:  # noqa: BLE001 - the client must get an answer whatever happened
            _log.exception("the sandbox failed to answer")
            reply = BROKEN
        self._finish(reply, keep_alive)

    def _finish(self, outcome: Outcome, keep_alive: bool) -> None:
        self._busy, self._work = False, None
        self._write(outcome, keep_alive=keep_alive)
        while self._waiting and not self._busy:
            request, keep_alive = self._waiting.popleft()
            self._serve(request, keep_alive=keep_alive)

    def _write(self, reply: Outcome, *, keep_alive: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if reply is None:
            self._waiting.clear()
            self._transport.close()
            return
        self._transport.write(encode(reply, keep_alive=keep_alive))
        if not keep_alive:
            self._transport.close()

    def _refuse(self, reply: Reply) -> None:
        self._write(reply, keep_alive=False)
