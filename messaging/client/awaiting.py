"""How is a call carried out by a program that does something else meanwhile? As `blocking`, with `await`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from messaging.client import repeats
from messaging.client.calls import Call, Pages, Stream, Wait, built, pauses
from messaging.client.errors import UnreachableError, WaitTimeoutError, refusal

T = TypeVar("T")


class Awaiting:
    """Carries calls out over one pool of connections; safe to share between the tasks of one event loop."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def once(self, asked: Call[T] | Wait[T]) -> T:
        """What is asked, answered.

        Raises:
            ApiError: the server said no.
            UnreachableError: no answer came.
            WaitTimeoutError: what is waited for is not there yet.
        """
        if isinstance(asked, Wait):
            return await self._wait(asked)
        return asked.read(await self.answer(asked))

    def many(self, asked: Pages[T] | Stream[T]) -> AsyncIterator[T]:
        """What is asked, item by item; the errors are those of `once`, raised while iterating."""
        return self._stream(asked) if isinstance(asked, Stream) else self._pages(asked)

    async def answer(self, call: Call[Any], *, stream: bool = False) -> httpx.Response:
        """The response to a call, repeated where that can only help; `stream`: not yet read.

        Raises:
            ApiError: the server said no.
            UnreachableError: no answer came.
        """
        again = AsyncRetrying(
            retry=retry_if_exception(repeats.worthwhile(call)),
            wait=repeats.pause,
            stop=stop_after_attempt(repeats.TRIES),
            reraise=True,
        )
        try:
            return await again(self._try, call, stream)
        except httpx.TransportError as error:
            raise UnreachableError(repeats.unreachable(error)) from error

    async def _try(self, call: Call[Any], stream: bool) -> httpx.Response:
        response = await self.http.send(built(self.http, call), stream=stream)
        if response.is_success:
            return response
        await response.aread()
        raise refusal(response)

    async def _wait(self, wait: Wait[T]) -> T:
        deadline, rest = time.monotonic() + wait.timeout, pauses()
        while True:
            found = await self.once(wait.look)
            if wait.over(found):
                return found
            pause = next(rest)
            if time.monotonic() + pause > deadline:
                raise WaitTimeoutError(wait.late(found))
            await asyncio.sleep(pause)

    async def _pages(self, pages: Pages[T]) -> AsyncIterator[T]:
        call: Call[Mapping[str, Any]] | None = pages.call
        while call is not None:
            page = await self.once(call)
            for item in pages.items(page):
                yield item
            call = pages.after(page)

    async def _stream(self, stream: Stream[T]) -> AsyncIterator[T]:
        more = True
        while more:
            more, take = False, stream.reader()
            response = await self.answer(stream.call, stream=True)
            try:
                async for piece in response.aiter_bytes():
                    for item in take(piece):
                        yield item
                        more = stream.goes_on(item)
            except httpx.TransportError as error:
                if not more:
                    raise UnreachableError(repeats.unreachable(error)) from error
            finally:
                await response.aclose()
