"""How do several receipts go out in one webhook, where a provider gathers them?

What comes for one address within a moment is posted together, and what the webhook answers is the answer to
each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from messaging.sandbox.dialect import Dialect
from messaging.sandbox.posting import Posting

_Key = tuple[str, str, str]


class Gathering:
    """The receipts that wait for others to the same address."""

    def __init__(self, post: Callable[[Posting], Awaitable[int]]) -> None:
        """Posts with `post`."""
        self._post = post
        self._waiting: dict[_Key, tuple[list[Posting], asyncio.Task[int]]] = {}

    async def post(self, dialect: Dialect, account: str, posting: Posting) -> int:
        """Posts one receipt with its neighbours; returns the status of the answer.

        Raises:
            ConnectError, ReadError: as `Poster.post` does.
        """
        key = (dialect.provider, account, posting.url)
        found = self._waiting.get(key)
        if found is None:
            task = asyncio.get_running_loop().create_task(self._send(key, dialect))
            found = self._waiting[key] = ([], task)
        found[0].append(posting)
        # Whoever waits may be stopped, and the others wait on.
        return await asyncio.shield(found[1])

    async def _send(self, key: _Key, dialect: Dialect) -> int:
        await asyncio.sleep(dialect.gathers)
        postings, _ = self._waiting.pop(key)
        return await self._post(dialect.together(key[1], postings))
