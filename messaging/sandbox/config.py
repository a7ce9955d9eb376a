"""What can be set on the sandbox carrier?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from messaging.sandbox.faults import Rates
from messaging.sandbox.wire import ACCOUNT_SID

STATUSES = frozenset({"queued", "sending", "sent", "delivered"})


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials the carrier accepts; the token also signs the receipts."""

    sid: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for a SID that is not `AC` and 32 hex digits, or an empty token."""
        if not ACCOUNT_SID.fullmatch(self.sid) or not self.token:
            raise ValueError("an account is AC and 32 hex digits, a colon and a token")


DEFAULT_ACCOUNT = Account("AC" + "0" * 31 + "1", "posthorn-sandbox-token")


@dataclass(frozen=True, slots=True)
class Receipts:
    """How delivery receipts are sent."""

    enabled: bool = True
    statuses: tuple[str, ...] = ("sent", "delivered")
    delay: float = 0.05
    """Seconds from accepting to `sent`, and again to `delivered`."""
    jitter: float = 0.5
    """Share of the delay by which it varies either way (0 to 1)."""
    retries: int | None = None
    """Repeats after any failure; None repeats once after a failed connection, as Twilio does.
    The `#rc=` and `#rp=` fragment of a callback URL goes before this."""
    concurrency: int = 32

    def __post_init__(self) -> None:
        """Raises ValueError for an unknown status or a value out of range."""
        if unknown := set(self.statuses) - STATUSES:
            raise ValueError(f"no such receipt: {', '.join(sorted(unknown))}")
        if self.delay < 0 or not 0 <= self.jitter <= 1 or self.concurrency < 1:
            raise ValueError("receipt delay, jitter or concurrency is out of range")


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Everything a sandbox process needs to know."""

    host: str = "127.0.0.1"
    port: int = 4010
    """0 picks a free port."""
    accounts: tuple[Account, ...] = (DEFAULT_ACCOUNT,)
    numbers: frozenset[str] = frozenset()
    """The senders the accounts own; empty accepts every well-formed sender."""
    seed: int = 1
    rates: Rates = field(default_factory=Rates)
    receipts: Receipts = field(default_factory=Receipts)
    ledger_file: Path | None = None
    inbound_url: str = ""
    """Where what people write to the accounts' numbers is posted."""
