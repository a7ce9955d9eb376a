"""What can be set on the sandbox carrier?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from messaging.sandbox.faults import Rates

STATUSES = frozenset({"queued", "sending", "sent", "delivered"})

_IDS = {
    "twilio": (re.compile(r"AC[0-9a-fA-F]{32}"), "AC and 32 hex digits"),
    "telnyx": (re.compile(r"[\w.-]{1,64}"), "a name"),
    "vonage": (re.compile(r"[0-9A-Za-z]{1,32}"), "an API key of letters and digits"),
    "vonage_sms": (re.compile(r"[0-9A-Za-z]{1,32}"), "an API key of letters and digits"),
    "sendgrid": (re.compile(r"[\w.-]{1,64}"), "a name"),
    "instagram": (re.compile(r"[0-9]{5,32}"), "the digits of a professional account"),
    "smtp": (re.compile(r"[\w.@+-]{1,64}"), "a user name"),
}
"""What the id of an account looks like at each provider."""
PROVIDERS = tuple(_IDS)


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials the carrier accepts, and what it signs webhooks with."""

    sid: str
    """What names the account: here, in the ledger, in faults, and in its requests if they do."""
    token: str = field(repr=False)
    provider: str = "twilio"
    signing: str = field(default="", repr=False)
    """The secret behind the signatures of its webhooks; the token, unless the provider's is apart."""
    application: str = ""
    """What a token of the application names instead of the account, where there is such a thing."""
    webhook_url: str = ""
    """Where receipts go whose message does not say where."""
    inbound_url: str = ""
    """Where what people write to its numbers is posted."""

    def __post_init__(self) -> None:
        """Raises ValueError for an unknown provider, an id that is none of its, or no token."""
        if self.provider not in _IDS:
            raise ValueError(f"the providers are {', '.join(_IDS)}")
        pattern, meaning = _IDS[self.provider]
        if not pattern.fullmatch(self.sid) or not self.token:
            raise ValueError(f"an account of {self.provider} is {meaning}, a colon and a token")


DEFAULT_ACCOUNT = Account("AC" + "0" * 31 + "1", "posthorn-sandbox-token")
TELNYX_ACCOUNT = Account(
    "telnyx", "KEYposthorn-sandbox", "telnyx", signing="posthorn-sandbox-telnyx-webhooks"
)
TELNYX_PUBLIC_KEY = "AwuJTXwg3pgcNbTfNiHXsRf09rlEPkramdpF43g3790="
"""What verifies the webhooks of `TELNYX_ACCOUNT`: 32 bytes in base64."""
VONAGE_ACCOUNT = Account(
    "5a4db0c5",
    "posthorn-sandbox-secret",
    "vonage",
    signing="posthorn-sandbox-vonage-signature-secret",
    application="0192f0c1-0000-4000-8000-000000000001",
)
VONAGE_SMS_ACCOUNT = Account(
    "5a4db0c6",
    "posthorn-sandbox-secret",
    "vonage_sms",
    signing="posthorn-sandbox-vonage-sms-signature-secret",
)
SENDGRID_ACCOUNT = Account(
    "sendgrid",
    "SG.posthorn-sandbox.0000000000000000000000000000000000000000000",
    "sendgrid",
    signing="posthorn-sandbox-sendgrid-webhooks",
)
"""Its token is the API key."""
SENDGRID_PUBLIC_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvdoLBlVfRQEUm28EKt4ziH022O"
    "B2bf0OfKm4mN0VWSsk2VgrUjDDS8cflilZAnzbGgjvx6KSu9Ys89b/k589lw=="
)
"""What verifies the webhooks of `SENDGRID_ACCOUNT`: a key on P-256, SPKI in base64."""
INSTAGRAM_ACCOUNT = Account(
    "17841400000000001",
    "IGAA-posthorn-sandbox-token",
    "instagram",
    signing="posthorn-sandbox-meta-app-secret",
)
"""Its name is the id of the professional account, `signing` the app secret."""
SMTP_ACCOUNT = Account("posthorn", "posthorn-sandbox-password", "smtp")
"""The user name and password of the mail relay, which listens with `smtp_port` alone."""
DEFAULTS = (
    DEFAULT_ACCOUNT,
    TELNYX_ACCOUNT,
    VONAGE_ACCOUNT,
    VONAGE_SMS_ACCOUNT,
    SENDGRID_ACCOUNT,
    INSTAGRAM_ACCOUNT,
    SMTP_ACCOUNT,
)
"""One account of every provider."""


def with_defaults(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """These accounts, and of each provider that none is of its default one.

    Twilio's come first: whoever names no account means the first.
    """
    given = tuple(accounts)
    named = {account.provider for account in given}
    everyone = (*given, *(default for default in DEFAULTS if default.provider not in named))
    return tuple(sorted(everyone, key=lambda account: account.provider != "twilio"))


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
    """Repeats after any failure; None repeats as the provider does (Twilio: once after a failed
    connection). The `#rc=` and `#rp=` fragment of a callback URL goes before this."""
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
    smtp_port: int | None = None
    """Where the mail relay listens; None is nowhere, 0 picks a free port."""
    accounts: tuple[Account, ...] = DEFAULTS
    numbers: frozenset[str] = frozenset()
    """The senders the accounts own; empty accepts every well-formed sender."""
    seed: int = 1
    rates: Rates = field(default_factory=Rates)
    receipts: Receipts = field(default_factory=Receipts)
    ledger_file: Path | None = None
    inbound_url: str = ""
    """Where what people write to the accounts' numbers is posted, unless an account says otherwise."""

    def __post_init__(self) -> None:
        """Raises ValueError if two accounts have one name."""
        names = [account.sid for account in self.accounts]
        if len(set(names)) < len(names):
            raise ValueError("two accounts have the same name")
