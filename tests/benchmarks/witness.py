"""Who says what was sent? The sandbox carrier's ledger: a round it contradicts is void."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx


class VoidRunError(Exception):
    """A round that lost, repeated or refused a message proves nothing; the text says which."""


class Carrier:
    """The sandbox carrier: the witness of every round."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30.0, trust_env=False)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def clear(self) -> None:
        """Forget what was accepted."""
        self._http.delete("/sandbox/ledger").raise_for_status()

    def counts(self) -> dict[str, int]:
        """How many messages were accepted, how many different ones, how many repeats."""
        found = self._http.get("/sandbox/summary").raise_for_status().json()
        return {name: found[name] for name in ("accepted", "distinct", "duplicated")}

    def answer(self, **rates: float) -> None:
        """Answer at once, except for these rates and latencies (seconds)."""
        self._http.post("/sandbox/faults", json={"reset": True, **rates}).raise_for_status()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every accepted message."""
        after = 0
        while page := self._page(after):
            yield from page
            after = page[-1]["index"]

    def _page(self, after: int) -> list[dict[str, Any]]:
        query = {"after": after, "limit": 10_000}
        return list(self._http.get("/sandbox/ledger", params=query).raise_for_status().json())


def wait_until(
    condition: Callable[[], object], what: str, seconds: float = 180.0, pause: float = 0.02
) -> None:
    """Return when `condition()` holds.

    Raises:
        VoidRunError: it still does not after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise VoidRunError(f"{what} did not happen in {seconds:g} seconds")
        time.sleep(pause)
