"""How is a call carried out by a program that waits for it?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from messaging.client import repeats
from messaging.client.calls import Call, Pages, Stream, Wait, built, pauses
from messaging.client.errors import UnreachableError, WaitTimeoutError, refusal

T = TypeVar("T")


class Blocking:
    """Carries calls out over one pool of connections; safe to share between threads."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def once(self, asked: Call[T] | Wait[T]) -> T:
        """What is asked, answered.

        Raises:
            ApiError: the server said no.
            UnreachableError: no answer came.
            WaitTimeoutError: what is waited for is not there yet.
        """
        if isinstance(asked, Wait):
            return self._wait(asked)
        return asked.read(self.answer(asked))

    def many(self, asked: Pages[T] | Stream[T]) -> Iterator[T]:
        """What is asked, item by item; the errors are those of `once`, raised while iterating."""
        return self._stream(asked) if isinstance(asked, Stream) else self._pages(asked)

    def answer(self, call: Call[Any], *, stream: bool = False) -> httpx.Response:
        """The response to a call, repeated where that can only help; `stream`: not yet read.

        Raises:
            ApiError: the server said no.
            UnreachableError: no answer came.
        """
        again = Retrying(
            retry=retry_if_exception(repeats.worthwhile(call)),
            wait=repeats.pause,
            stop=stop_after_attempt(repeats.TRIES),
            reraise=True,
        )
        try:
            return again(self._try, call, stream)
        except httpx.TransportError as error:
            raise UnreachableError(repeats.unreachable(error)) from error

    def _try(self, call: Call[Any], stream: bool) -> httpx.Response:
        response = self.http.send(built(self.http, call), stream=stream)
        if response.is_success:
            return response
        response.read()
        raise refusal(response)

    def _wait(self, wait: Wait[T]) -> T:
        deadline, rest = time.monotonic() + wait.timeout, pauses()
        while True:
            found = self.once(wait.look)
            if wait.over(found):
                return found
            pause = next(rest)
            if time.monotonic() + pause > deadline:
                raise WaitTimeoutError(wait.late(found))
            time.sleep(pause)

    def _pages(self, pages: Pages[T]) -> Iterator[T]:
        call: Call[Mapping[str, Any]] | None = pages.call
        while call is not None:
            page = self.once(call)
            yield from pages.items(page)
            call = pages.after(page)

    def _stream(self, stream: Stream[T]) -> Iterator[T]:
        more = True
        while more:
            more, take = False, stream.reader()
            response = self.answer(stream.call, stream=True)
            try:
                for piece in response.iter_bytes():
                    for item in take(piece):
                        yield item
                        more = stream.goes_on(item)
            except httpx.TransportError as error:
                if not more:
                    raise UnreachableError(repeats.unreachable(error)) from error
            finally:
                response.close()
