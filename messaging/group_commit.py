"""Many callers, few commits: whatever arrived during the last commit shares the next one.

A lone caller waits for nothing; under load the commits grow instead of queueing. Used where many small
requests must each be durable before they are answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_MANY = 24
"""Waiting callers that are worth a commit."""
_LOOK_SECONDS = 0.002


class GroupCommit(Generic[Item, Answer]):
    """One thread that commits items in the order they came, up to `limit` together."""

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        name: str,
        limit: int = 500,
        breath: float = 0.0,
        after: Callable[[Sequence[Item], Sequence[Answer]], None] = lambda _items, _answers: None,
    ) -> None:
        """`commit` answers each item, in order; if it raises, every item of the group fails with it.

        After a commit the next one is put off for `breath` seconds unless many wait already: each has
        its price, and for some callers a moment has none.

        `after` is called when the callers have their answers: for what they need not wait for. It
        must not raise.
        """
        self._commit = commit
        self._after = after
        self._limit = limit
        self._breath = breath
        self._waiting: SimpleQueue[tuple[Item, Future[Answer] | None] | None] = SimpleQueue()
        self._closed = False
        self._door = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> Future[Answer]:
        """Hand an item over; the future is done when its commit is.

        Raises:
            RuntimeError: it was closed, so nobody would ever commit the item.
        """
        future: Future[Answer] = Future()
        self._add(item, future)
        return future

    def post(self, item: Item) -> None:
        """Hand an item over without a future: the commit function itself tells whoever waits.

        For callers on an event loop, to whom a future of another thread costs more than the item.
        """
        self._add(item, None)

    @property
    def busy(self) -> bool:
        """Whether somebody waits for the next commit already."""
        return not self._waiting.empty()

    def _add(self, item: Item, future: Future[Answer] | None) -> None:
        with self._door:
            if self._closed:
                raise RuntimeError("the group commit is closed")
            self._waiting.put((item, future))

    def close(self) -> None:
        """Commit what is waiting, then stop."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)  # nothing comes after it
        self._thread.join(10.0)

    def _run(self) -> None:
        more, breathed = True, 0.0
        while more:
            some = [self._waiting.get()]
            while not self._closed and self._waiting.qsize() < _MANY and monotonic() < breathed:
                sleep(_LOOK_SECONDS)
            some += [
                self._waiting.get() for _ in range(min(self._waiting.qsize(), self._limit - 1))
            ]
            found = [one for one in some if one is not None]
            more = len(found) == len(some)
            self._commit_group(found)
            breathed = monotonic() + self._breath

    def _commit_group(self, some: Sequence[tuple[Item, Future[Answer] | None]]) -> None:
        # A caller may have left (a client that hung up cancels its future); nothing is kept for
        # it, and from here on nobody can leave, so that an answer never meets a cancelled future.
        group = [(i, f) for i, f in some if f is None or f.set_running_or_notify_cancel()]
        if not group:
            return
        items = [item for item, _ in group]
        try:
            answers = self._commit(items)
            pairs = list(zip(group, answers, strict=True))
        except Exception as error:  # noqa: BLE001 - the callers get it, each through its future
            for _, future in group:
                if future is not None:
                    future.set_exception(error)
            return
        for (_, future), answer in pairs:
            if future is not None:
                future.set_result(answer)
        self._after(items, answers)
