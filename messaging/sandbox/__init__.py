"""A carrier on your own machine, in a process of its own.

It speaks Twilio's Messages protocol, posts signed delivery receipts, injects faults, and keeps a
ledger of what it accepted: the witness of tests and benchmarks.
"""

from __future__ import annotations

from messaging.sandbox.config import DEFAULT_ACCOUNT, Account, Receipts, SandboxConfig
from messaging.sandbox.faults import Rates
from messaging.sandbox.server import serve

__all__ = ["DEFAULT_ACCOUNT", "Account", "Rates", "Receipts", "SandboxConfig", "serve"]
