"""Whose webhook is this? Provider accounts as addresses name them, at most two seconds old.

A name nobody knows must not cost a query each: names are looked up together, one query at a time, and
not before a moment has passed since the last one found nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from messaging.domain.message import ProviderAccount

FRESH_SECONDS = 2.0
"""How long a changed secret may go unnoticed."""
_BREATH_SECONDS = 0.05
_MOST = 10_000
"""Names remembered; also names of nobody."""
_NAME = re.compile(
    r"[a-z0-9_]{1,40}/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
)

Find = Callable[[Sequence[UUID]], dict[UUID, ProviderAccount]]


class KnownAccounts:
    """Accounts by `{provider}/{id}`; belongs to one event loop."""

    def __init__(self, find: Find) -> None:
        """`find` asks the database for those of the ids that there are; it runs in a thread."""
        self._find = find
        self._known: dict[str, tuple[float, ProviderAccount]] = {}
        self._nobody: dict[str, float] = {}
        self._asked: dict[str, asyncio.Future[ProviderAccount | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    def recall(self, name: str) -> ProviderAccount | None:
        """The account, if it need not be looked up again."""
        until, found = self._known.get(name, _NONE)
        return found if until > monotonic() else None

    async def find(self, name: str) -> ProviderAccount | None:
        """The account of this name; None if there is none.

        Raises:
            DatabaseError: nobody could be asked.
        """
        if _NAME.fullmatch(name) is None or self._nobody.get(name, 0.0) > monotonic():
            return None
        waiting = self._asked.get(name)
        if waiting is None:
            waiting = self._asked[name] = asyncio.get_running_loop().create_future()
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(waiting)

    async def _look(self) -> None:
        """Look up what is asked for until nothing is."""
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                if await self._answer(asked):
                    await asyncio.sleep(_BREATH_SECONDS)
        finally:
            self._looking = None

    async def _answer(self, asked: dict[str, asyncio.Future[ProviderAccount | None]]) -> bool:
        """Answer whoever asks; whether a name was nobody's."""
        ids = {name: UUID(name.partition("/")[2]) for name in asked}
        until, strangers = monotonic() + FRESH_SECONDS, False
        try:
            found = await run_in_threadpool(self._find, list(set(ids.values())))
        except Exception as error:  # noqa: BLE001 - whoever asks gets it
            for waiting in asked.values():
                waiting.set_exception(error)
                waiting.exception()  # heard, even if everybody who asked has gone away
            return True
        for name, waiting in asked.items():
            account = found.get(ids[name])
            if account is None or account.provider != name.partition("/")[0]:
                account, strangers = None, True
                _remember(self._nobody, name, until)
            else:
                _remember(self._known, name, (until, account))
            waiting.set_result(account)
        return strangers


_NONE: tuple[float, ProviderAccount | None] = (0.0, None)


Value = TypeVar("Value")


def _remember(memory: dict[str, Value], name: str, value: Value) -> None:
    if len(memory) >= _MOST:
        memory.clear()
    memory[name] = value
