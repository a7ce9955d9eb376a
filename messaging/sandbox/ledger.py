"""Which messages did the carrier accept, and what became of each?

The ledger is the witness of every test and benchmark: an entry is written before the request is
answered, and stays when the message is redacted or deleted through the provider's own API.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from messaging.sandbox.create import Create

FINAL = frozenset({"delivered", "undelivered", "failed", "canceled"})


class Entry:
    """One accepted message. Its status is a function of the time, so nothing has to tick."""

    __slots__ = (
        "account",
        "at",
        "body",
        "callback",
        "canceled",
        "deleted",
        "done_at",
        "e",
        "error_code",
        "extra",
        "flash",
        "index",
        "kind",
        "m",
        "media",
        "parts",
        "provider",
        "reference",
        "segments",
        "sender",
        "sent_at",
        "service",
        "sha256",
        "sid",
        "to",
        "updated_at",
    )

    def __init__(
        self,
        ids: tuple[str, ...],
        provider: str,
        account: str,
        asked: Create,
        *,
        sha256: bytes,
        segments: int,
        callback: str,
        at: float,
    ) -> None:
        self.index = 0
        self.sid = ids[0]
        self.parts = ids
        """The id of every part that the provider numbers apart; of most just the message's own."""
        self.provider = provider
        self.account = account
        self.to = asked.to
        self.sender = asked.sender
        self.service = asked.service
        self.body = asked.body
        self.sha256 = sha256
        self.segments = segments
        self.media = asked.media
        self.callback = callback
        self.m = asked.m
        self.e = asked.e
        self.kind = asked.kind
        self.flash = asked.flash
        self.reference = asked.reference
        self.extra = asked.extra
        self.at = at
        """When the request had been read, in seconds since 1970."""
        self.sent_at = at
        self.done_at = at
        self.updated_at = 0.0
        """When the message was cancelled or redacted; 0 is never."""
        self.error_code: int | str | None = None
        """The provider's code for why it is not delivered; None delivers it."""
        self.canceled = False
        self.deleted = False

    def status(self, now: float) -> str:
        """Where the message is at `now`, in Twilio's words."""
        if self.canceled:
            return "canceled"
        if now >= self.done_at:
            return "delivered" if self.error_code is None else "undelivered"
        if now >= self.sent_at:
            return "sent"
        return "queued" if self.service is None else "accepted"

    def row(self, now: float) -> dict[str, Any]:
        """The entry as shown by `/sandbox/ledger`."""
        return {
            "index": self.index,
            "sid": self.sid,
            "provider": self.provider,
            "account": self.account,
            "to": self.to,
            "from": self.sender,
            "body_sha256": self.sha256.hex(),
            "kind": self.kind,
            "flash": self.flash,
            "media": self.media,
            "m": self.m,
            "e": int(self.e) if self.e is not None and self.e.isdecimal() else self.e,
            "at": self.at,
            "status": self.status(now),
        }


class Ledger:
    """Accepted messages in the order they were accepted; in memory, and in a file if given."""

    def __init__(self, file: Path | None = None) -> None:
        """Opens the witness file for appending; raises OSError if that is not possible."""
        self._entries: list[Entry] = []
        self._cleared = 0
        self._by_sid: dict[str, Entry] = {}
        self._by_recipient: dict[str, list[Entry]] = {}
        self._distinct: set[str | tuple[str, bytes]] = set()
        self._by_provider: Counter[str] = Counter()
        self._file = (
            None if file is None else os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        )

    def append(self, entry: Entry) -> None:
        """Gives the entry its index and keeps it; with a file, its line is written here."""
        self._entries.append(entry)
        entry.index = self._cleared + len(self._entries)
        for sid in entry.parts:
            self._by_sid[sid] = entry
        self._by_recipient.setdefault(entry.to, []).append(entry)
        self._by_provider[entry.provider] += 1
        self._distinct.add(entry.m or (entry.to, entry.sha256))
        if self._file is not None:
            line = orjson.dumps(entry.row(entry.at), option=orjson.OPT_APPEND_NEWLINE)
            os.write(self._file, line)

    def find(self, account: str, sid: str) -> Entry | None:
        """The account's message of this id, or with a part of it, unless it was deleted."""
        entry = self._by_sid.get(sid)
        if entry is None or entry.account != account or entry.deleted:
            return None
        return entry

    def newest_first(self, account: str, to: str | None, sender: str | None) -> Iterator[Entry]:
        """The account's messages, without those deleted."""
        entries = self._entries if to is None else self._by_recipient.get(to, [])
        for entry in reversed(entries):
            if entry.account != account or entry.deleted:
                continue
            if sender is None or entry.sender == sender:
                yield entry

    def rows(self, after: int, limit: int, now: float) -> list[dict[str, Any]]:
        """Up to `limit` rows whose index is greater than `after`, oldest first."""
        first = max(0, after - self._cleared)
        return [entry.row(now) for entry in self._entries[first : first + limit]]

    def counts(self) -> dict[str, Any]:
        """How many were accepted, of how many distinct messages, how many were repeats, and by whom.

        Two entries are the same message if they carry the same `m`, or without one the same
        recipient and body.
        """
        accepted, distinct = len(self._entries), len(self._distinct)
        return {
            "accepted": accepted,
            "distinct": distinct,
            "duplicated": accepted - distinct,
            "providers": dict(self._by_provider),
        }

    def clear(self) -> None:
        """Forgets every entry; indexes go on, so that a reader's cursor stays valid."""
        for entry in self._entries:
            entry.deleted = entry.canceled = True
        self._cleared += len(self._entries)
        self._entries.clear()
        self._by_sid.clear()
        self._by_recipient.clear()
        self._by_provider.clear()
        self._distinct.clear()

    def close(self) -> None:
        """Closes the witness file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
