"""A carrier on your own machine, in a process of its own.

It speaks the protocols of the providers, posts signed delivery receipts, injects faults, and keeps a
ledger of what it accepted: the witness of tests and benchmarks.
"""

from __future__ import annotations

from messaging.sandbox.config import (
    DEFAULT_ACCOUNT,
    DEFAULTS,
    INSTAGRAM_ACCOUNT,
    SENDGRID_ACCOUNT,
    SENDGRID_PUBLIC_KEY,
    SMTP_ACCOUNT,
    TELNYX_ACCOUNT,
    TELNYX_PUBLIC_KEY,
    VONAGE_ACCOUNT,
    VONAGE_SMS_ACCOUNT,
    Account,
    Receipts,
    SandboxConfig,
)
from messaging.sandbox.faults import Rates
from messaging.sandbox.server import serve

__all__ = [
    "DEFAULTS",
    "DEFAULT_ACCOUNT",
    "INSTAGRAM_ACCOUNT",
    "SENDGRID_ACCOUNT",
    "SENDGRID_PUBLIC_KEY",
    "SMTP_ACCOUNT",
    "TELNYX_ACCOUNT",
    "TELNYX_PUBLIC_KEY",
    "VONAGE_ACCOUNT",
    "VONAGE_SMS_ACCOUNT",
    "Account",
    "Rates",
    "Receipts",
    "SandboxConfig",
    "serve",
]
