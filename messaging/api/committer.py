"""A group commit as an event loop wants it: woken once for a whole group, not once per caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from messaging.group_commit import GroupCommit

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Committer(Generic[Item, Answer]):
    """`GroupCommit` for the event loop it was made on."""

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        name: str,
        after: Callable[[Sequence[Item], Sequence[Answer]], None],
        breath: float = 0.0,
    ) -> None:
        """`commit`, `after` and `breath` as for `GroupCommit`; both run in its thread."""
        self._loop = asyncio.get_running_loop()
        self._commit = commit
        self._after = after
        self._group: GroupCommit[tuple[Item, asyncio.Future[Answer]], Answer] = GroupCommit(
            self._run, name=name, after=self._afterwards, breath=breath
        )

    def put(self, item: Item) -> asyncio.Future[Answer]:
        """Hand an item over; the future is done when its commit is."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._group.post((item, future))
        return future

    @property
    def busy(self) -> bool:
        """Whether somebody waits for the next commit already."""
        return self._group.busy

    def close(self) -> None:
        """Commit what is waiting, then stop."""
        self._group.close()

    def _run(self, group: Sequence[tuple[Item, asyncio.Future[Answer]]]) -> Sequence[Answer]:
        futures = [future for _, future in group]
        try:
            answers = self._commit([item for item, _ in group])
        except Exception as error:
            self._loop.call_soon_threadsafe(_fail, futures, error)
            raise
        self._loop.call_soon_threadsafe(_answer, futures, answers)
        return answers

    def _afterwards(
        self, group: Sequence[tuple[Item, asyncio.Future[Answer]]], answers: Sequence[Answer]
    ) -> None:
        self._after([item for item, _ in group], answers)


def _answer(futures: Sequence[asyncio.Future[Answer]], answers: Sequence[Answer]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if not future.done():  # its caller may have gone away
            future.set_result(answer)


def _fail(futures: Sequence[asyncio.Future[Answer]], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
