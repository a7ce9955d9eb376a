"""Who is next in a campaign, and what do they get? Looked up while the server still keeps the last chunk.

It is a guess: whoever was erased or written to since is found out when the chunk is marked, and then
nothing of it stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging.campaign_texts import Said, Writer
from messaging.runtime import Runtime
from messaging.store import campaign_recipients
from messaging.store.campaign_recipients import Waiting
from messaging.store.campaigns import Campaign


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Next:
    """Somebody there is no message for yet, and what they get; or why nothing, in a word."""

    who: Waiting
    said: Said | str


class Ahead:
    """Finds who is next; with a thread to do so, one chunk before it is asked for."""

    def __init__(self, rt: Runtime, threads: ThreadPoolExecutor | None = None) -> None:
        self._rt = rt
        self._threads = threads
        self._asked: tuple[UUID, datetime, int] | None = None
        self._found: Future[list[Next]] | None = None

    @classmethod
    @contextmanager
    def of(cls, rt: Runtime) -> Iterator[Self]:
        """One with a thread, which ends with the block."""
        with ThreadPoolExecutor(1, "campaign-ahead") as threads:
            yield cls(rt, threads)

    def take(self, db: Connection, campaign: Campaign, writer: Writer, count: int) -> list[Next]:
        """The next `count` behind the place up to which the campaign is expanded, in order.

        What was looked up for another campaign, place or state of it is not used.
        """
        after = campaign.expanded_to
        asked, found = self._asked, self._found
        self._asked = self._found = None
        if found is not None and asked == (campaign.id, campaign.state_since, after):
            return found.result()[:count]
        return _look_up(db, campaign, writer, after, count)

    def ask(self, campaign: Campaign, writer: Writer, after: int, count: int) -> None:
        """Begin to look up the next `count` behind the place `after`."""
        if self._threads is not None:
            self._asked = campaign.id, campaign.state_since, after
            self._found = self._threads.submit(self._read, campaign, writer, after, count)

    def _read(self, campaign: Campaign, writer: Writer, after: int, count: int) -> list[Next]:
        with self._rt.reading() as db:
            return _look_up(db, campaign, writer, after, count)


def _look_up(
    db: Connection, campaign: Campaign, writer: Writer, after: int, count: int
) -> list[Next]:
    channel, days = writer.base.channel, writer.introduces
    marketing = None if days is None else (campaign.tenant_id, channel, days)
    people = campaign_recipients.waiting(db, campaign.id, after, count, marketing)
    return [Next(who, writer.write(who)) for who in people]
