"""Which part of the carrier answers a request?

Requests to send and the resources of each provider go to its dialect, by their path, and the rest to the
sandbox's own controls.
"""

from __future__ import annotations

from collections.abc import Callable

from messaging.sandbox.accounts import Accounts
from messaging.sandbox.config import SandboxConfig
from messaging.sandbox.connection import MAX_BODY, Answer, Request
from messaging.sandbox.control import Control
from messaging.sandbox.courier import Courier
from messaging.sandbox.dialect import Dialect, Shared
from messaging.sandbox.dialects import DIALECTS
from messaging.sandbox.faultbook import FaultBook
from messaging.sandbox.handset import Handset
from messaging.sandbox.ledger import Ledger
from messaging.sandbox.sending import Sending


class Carrier:
    """Answers every request of the process."""

    def __init__(
        self, config: SandboxConfig, *, clock: Callable[[], float], new_id: Callable[[], str]
    ) -> None:
        accounts = Accounts(config.accounts)
        faults = FaultBook(config.seed, config.rates, accounts.named())
        self.ledger = Ledger(config.ledger_file)
        self.courier = Courier(config.receipts, clock)
        shared = Shared(
            accounts,
            self.ledger,
            clock,
            new_id,
            config.numbers,
            host=config.host,
            smtp_port=config.smtp_port,
        )
        self.dialects = tuple(kind(shared) for kind in DIALECTS)
        spoken = {dialect.provider: dialect for dialect in self.dialects}
        self.courier.learn(spoken)
        self.sending = Sending(config, accounts, self.ledger, faults, self.courier)
        handset = Handset(accounts, spoken, config.inbound_url, self.courier)
        self._control = Control(accounts, spoken, faults, self.courier, handset, shared)
        self._creates: dict[str, Dialect] = {
            path: dialect for dialect in self.dialects for path in dialect.creates
        }
        self.limits = {
            path.encode(): (dialect.largest, dialect.too_large)
            for path, dialect in self._creates.items()
            if dialect.largest > MAX_BODY
        }
        """The paths that take more than others: how many bytes, and the answer to more."""
        self._prefixes: dict[str, Dialect] = {
            prefix: dialect for dialect in self.dialects for prefix in dialect.prefixes
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request, or a coroutine that returns it; None drops the connection."""
        dialect = self._creates.get(request.path)
        if dialect is not None and request.method == "POST":
            return self.sending.create(dialect, request)
        dialect = dialect or self._served_by(request.path)
        return self._control.answer(request) if dialect is None else dialect.resource(request)

    def _served_by(self, path: str) -> Dialect | None:
        """Whose path it is, by its first two segments or its first."""
        _, first, *rest = path.split("/", 3)
        found = self._prefixes.get(f"/{first}/{rest[0]}") if rest else None
        return found or self._prefixes.get(f"/{first}")
