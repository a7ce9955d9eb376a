"""How does a test read what the carrier accepted, switch faults on, set webhooks, and write to a number?

The paths under `/sandbox/`, and `/livez`. They need no credentials: the sandbox listens on the
local machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from messaging.sandbox.accounts import SETTINGS, Accounts
from messaging.sandbox.connection import Answer, Reply, Request, json_reply
from messaging.sandbox.courier import Courier
from messaging.sandbox.dialect import Dialect, Page, Shared
from messaging.sandbox.faultbook import FaultBook
from messaging.sandbox.forms import fields_of
from messaging.sandbox.handset import PATH, Handset

MAX_ROWS = 10_000


class Control:
    """Answers for the sandbox itself."""

    def __init__(
        self,
        accounts: Accounts,
        dialects: Mapping[str, Dialect],
        faults: FaultBook,
        courier: Courier,
        handset: Handset,
        shared: Shared,
    ) -> None:
        self._accounts = accounts
        self._dialects = dialects
        self._faults = faults
        self._courier = courier
        self._ledger = shared.ledger
        self._clock = shared.clock
        self._pages: dict[tuple[str, str], Page] = {
            ("GET", "/livez"): lambda _: json_reply(200, {"status": "ok"}),
            ("GET", "/sandbox/ledger"): self._rows,
            ("DELETE", "/sandbox/ledger"): self._clear,
            ("GET", "/sandbox/summary"): self._summary,
            ("GET", "/sandbox/faults"): self._show,
            ("POST", "/sandbox/faults"): self._change,
            ("GET", "/sandbox/accounts"): self._list,
            ("POST", "/sandbox/accounts"): self._set,
            ("POST", PATH): handset.write,
        }
        for dialect in dialects.values():
            self._pages.update(dialect.controls())

    def answer(self, request: Request) -> Answer:
        """The answer to a request outside the providers' APIs."""
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
            changes = _object(request.body)
            account, reset = changes.pop("account", None), changes.pop("reset", False)
            self._faults.change(account, changes, reset=bool(reset))
        except KeyError:
            return _error(404, "no such account")
        except ValueError as error:
            return _error(400, str(error))
        return json_reply(200, self._faults.show())

    def _list(self, _: Request) -> Reply:
        return json_reply(200, [self._account(sid) for sid in self._accounts.named()])

    def _account(self, sid: str) -> dict[str, Any]:
        """What may be known of an account, and what verifies its webhooks."""
        account = self._accounts[sid]
        return {
            "provider": account.provider,
            "account": sid,
            "application": account.application or None,
            "webhook_key": self._dialects[account.provider].webhook_key(account) or None,
            **self._accounts.settings(sid),
        }

    def _set(self, request: Request) -> Reply:
        """Changes where an account's webhooks go, and what else its provider lets it set."""
        try:
            changes = _object(request.body)
            sid = changes.pop("account", None)
            if sid not in self._accounts:
                return _error(404, "no such account")
            known = {*SETTINGS, *self._dialects[self._accounts[sid].provider].settings}
            if unknown := changes.keys() - known:
                return _error(400, f"no such setting: {', '.join(sorted(unknown))}")
            if not all(isinstance(value, str) for value in changes.values()):
                return _error(400, "every setting must be a string")
        except ValueError as error:
            return _error(400, str(error))
        self._accounts.change(sid, changes)
        return json_reply(200, self._account(sid))


def _object(body: bytes) -> dict[str, Any]:
    found = orjson.loads(body)
    if not isinstance(found, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - the caller's mistake
    return found


def _error(status: int, detail: str) -> Reply:
    return json_reply(status, {"status": status, "detail": detail})
