"""How does a test read what the carrier accepted, switch faults on, write to a number, and register one?

The paths under `/sandbox/`, and `/livez`. They need no credentials: the sandbox listens on the
local machine.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from messaging.sandbox.connection import Answer, Reply, Request
from messaging.sandbox.faultbook import FaultBook
from messaging.sandbox.handset import PATH, Handset
from messaging.sandbox.ledger import Ledger
from messaging.sandbox.receipts import Courier
from messaging.sandbox.registrations import CONTROL, Registrations
from messaging.sandbox.wire import fields_of, json_reply

MAX_ROWS = 10_000


class Control:
    """Answers for the sandbox itself."""

    def __init__(
        self,
        ledger: Ledger,
        faults: FaultBook,
        courier: Courier,
        handset: Handset,
        registrations: Registrations,
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._faults = faults
        self._courier = courier
        self._clock = clock
        self._pages: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/livez"): lambda _: json_reply(200, {"status": "ok"}),
            ("GET", "/sandbox/ledger"): self._rows,
            ("DELETE", "/sandbox/ledger"): self._clear,
            ("GET", "/sandbox/summary"): self._summary,
            ("GET", "/sandbox/faults"): self._show,
            ("POST", "/sandbox/faults"): self._change,
            ("POST", PATH): handset.write,
            ("GET", CONTROL): registrations.show,
            ("POST", CONTROL): registrations.change,
            ("DELETE", CONTROL): registrations.clear,
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request outside the provider's API."""
        page = self._pages.get((request.method, request.path))
        return page(request) if page is not None else _error(404, "no such page")

    def _rows(self, request: Request) -> Reply:
        try:
            fields = fields_of(request.query)
            after, limit = int(fields.get("after", "0")), int(fields.get("limit", "1000"))
        except ValueError:
            return _error(400, "after and limit must be whole numbers")
        if after < 0 or not 1 <= limit <= MAX_ROWS:
            return _error(400, f"after must not be negative, limit must be 1 to {MAX_ROWS}")
        return json_reply(200, self._ledger.rows(after, limit, self._clock()))

    def _summary(self, _: Request) -> Reply:
        summary = {
            **self._ledger.counts(),
            "faults": dict(self._faults.struck),
            "receipts": self._courier.counts(),
        }
        return json_reply(200, summary)

    def _clear(self, _: Request) -> Reply:
        self._ledger.clear()
        self._faults.clear()
        self._courier.clear()
        return Reply(204)

    def _show(self, _: Request) -> Reply:
        return json_reply(200, self._faults.show())

    def _change(self, request: Request) -> Reply:
        try:
            changes = orjson.loads(request.body)
            if not isinstance(changes, dict):
                return _error(400, "the body must be a JSON object")
            account, reset = changes.pop("account", None), changes.pop("reset", False)
            self._faults.change(account, changes, reset=bool(reset))
        except KeyError:
            return _error(404, "no such account")
        except ValueError as error:
            return _error(400, str(error))
        return json_reply(200, self._faults.show())


def _error(status: int, detail: str) -> Reply:
    return json_reply(status, {"status": status, "detail": detail})
