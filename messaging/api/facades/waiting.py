"""How long does a caller want to wait for the provider's answer? `Prefer: wait=N` (RFC 7240).

Everybody who waits in a process shares one query a tenth of a second, however many they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from time import monotonic
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from messaging.runtime import Runtime
from messaging.store import views

LONGEST_SECONDS = 30
_INTERVAL_SECONDS = 0.1


def wanted(request: Request) -> int:
    """Seconds the caller prefers to wait, at most 30; 0 if it did not say so in a readable way."""
    for header in request.headers.getlist("prefer"):
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            value = value.strip().strip('"')
            if name.strip().lower() == "wait" and value.isascii() and value.isdigit():
                return min(int(value[:6]), LONGEST_SECONDS)
    return 0


def applied(seconds: int) -> dict[str, str]:
    """The header that tells a caller how long we were ready to wait for it."""
    return {"Preference-Applied": f"wait={seconds}"} if seconds else {}


class Watch:
    """Waits for messages of one process; belongs to one event loop."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._awaited: dict[UUID, set[asyncio.Future[None]]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def settled(self, message_ids: Collection[UUID], seconds: float) -> None:
        """Return once none of the messages is queued or sending, or `seconds` are over.

        One that is scheduled is not waited for: it has a time of its own. Never raises: what is kept
        is kept, even if nobody can look at it now.
        """
        if not message_ids or seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        waiting = {id_: loop.create_future() for id_ in message_ids}
        for id_, future in waiting.items():
            self._awaited.setdefault(id_, set()).add(future)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait(waiting.values(), timeout=seconds)
        finally:
            for id_, future in waiting.items():
                self._forget(id_, future)

    def _forget(self, id_: UUID, future: asyncio.Future[None]) -> None:
        others = self._awaited.get(id_)
        if others is not None:
            others.discard(future)
            if not others:
                del self._awaited[id_]

    async def _look(self) -> None:
        try:
            while self._awaited:
                began = monotonic()
                ids = list(self._awaited)
                for id_ in set(ids) - await run_in_threadpool(self._moving, ids):
                    for future in self._awaited.pop(id_, ()):
                        if not future.done():
                            future.set_result(None)
                await asyncio.sleep(max(0.0, began + _INTERVAL_SECONDS - monotonic()))
        finally:
            self._looking = None

    def _moving(self, ids: list[UUID]) -> set[UUID]:
        try:
            with self._rt.engine.connect() as db:
                return views.moving(db, ids)
        except Exception:  # noqa: BLE001 - asked again, whatever it was; each caller's time ends by itself
            return set(ids)
