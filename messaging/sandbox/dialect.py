"""What must a provider's protocol say, for the carrier to speak it?

One `Dialect` per provider, in a file of its own: the words and shapes. What is accepted, what goes wrong,
what is kept and when receipts go out is the same for all of them, and is decided elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from messaging.sandbox.accounts import Accounts
from messaging.sandbox.config import Account
from messaging.sandbox.connection import MAX_BODY, TOO_LARGE, Answer, Reply, Request
from messaging.sandbox.create import Create
from messaging.sandbox.faults import Fate, Refusal
from messaging.sandbox.ledger import Entry, Ledger
from messaging.sandbox.posting import Posting

Page = Callable[[Request], Answer]
"""Answers a request to one path."""
Take = Callable[["Dialect", str, Create, float], Answer]
"""Takes a checked request of an account, read at a time; for what does not come by HTTP."""

EVERYTHING = frozenset({"ct", "rt", "4xx", "5xx"})
"""Every way in which posting a webhook fails: no connection, no answer, an answer that is a refusal."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a webhook is repeated, and after which failures (`ct`, `rt`, `4xx`, `5xx`)."""

    retries: int
    after: frozenset[str] = EVERYTHING


@dataclass(frozen=True, slots=True)
class Shared:
    """What every dialect works with."""

    accounts: Accounts
    ledger: Ledger
    clock: Callable[[], float]
    """Seconds since 1970."""
    new_id: Callable[[], str]
    """32 hex digits."""
    numbers: frozenset[str]
    """The senders the accounts own; empty accepts every well-formed sender."""
    host: str = "127.0.0.1"
    """Where whatever listens beside HTTP listens."""
    smtp_port: int | None = None
    """Where mail is taken; None takes none, 0 picks a port."""


class Step(NamedTuple):
    """One receipt of a message."""

    status: str
    """`queued`, `sending`, `sent`, `delivered` or `undelivered`."""
    part: int = 0
    """Which of `Entry.parts` it speaks of."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody writes to a number of an account."""

    account: str
    url: str
    """The webhook."""
    sender: str
    to: str
    body: str
    sid: str = ""
    """The provider's id for it, to post a message again; empty makes a new one."""
    media: tuple[str, ...] = ()
    handled: bool = True
    """False if the account has the provider's opt-out handling off."""


class Written(NamedTuple):
    """The webhooks by which a provider tells of what somebody wrote."""

    sid: str
    keyword: str | None
    """STOP, START or HELP, if the provider reads that in it."""
    postings: tuple[Posting, ...]


class Dialect(ABC):
    """A provider's protocol."""

    provider: ClassVar[str]
    """As accounts and the ledger name it."""
    prefixes: ClassVar[tuple[str, ...]] = ()
    """The first one or two segments of the paths it serves beside `creates`, as `/v2/messages`."""
    statuses: ClassVar[frozenset[str]] = frozenset({"sent", "delivered", "undelivered"})
    """The steps it has a receipt for."""
    codes: ClassVar[Mapping[Fate, int | str]]
    """What it calls the reason why a message is not delivered."""
    refusals: ClassVar[Mapping[Refusal, Reply]]
    """How it refuses. Without `UNSUBSCRIBED` such a message is accepted, and `Fate.OPTED_OUT` its end."""
    broken: ClassVar[Reply]
    """The answer to a message that was accepted, and fails all the same."""
    retries: ClassVar[RetryPolicy] = RetryPolicy(2)
    """How it repeats a webhook nobody took."""
    longest: ClassVar[int] = 1600
    """Characters of the longest text somebody can write."""
    largest: ClassVar[int] = MAX_BODY
    """Bytes of the largest request to send."""
    too_large: ClassVar[Reply] = TOO_LARGE
    """The answer to a larger one."""
    gathers: ClassVar[float] = 0.0
    """Seconds for which it gathers receipts, to post them to an address together; 0 posts each alone."""
    settings: ClassVar[frozenset[str]] = frozenset()
    """What an account of it has at run time beside the addresses of its webhooks."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.accounts: tuple[Account, ...] = shared.accounts.of(self.provider)

    @property
    @abstractmethod
    def creates(self) -> Iterable[str]:
        """The exact paths to which a POST is a request to send."""

    @abstractmethod
    def admit(self, request: Request) -> str | Reply:
        """The name of the account whose request to send this is, or the refusal."""

    @abstractmethod
    def read(self, account: str, request: Request) -> Create | Reply:
        """What an account's request asks for, or the refusal."""

    @abstractmethod
    def identify(self, asked: Create, segments: int) -> tuple[str, ...]:
        """A new id for the message; or one for each part, the message being called by the first."""

    @abstractmethod
    def accepted(self, entry: Entry) -> Reply:
        """The answer to a request that was accepted: the message as it was then."""

    @abstractmethod
    def receipt(self, entry: Entry, step: Step, position: int, tries: int) -> Posting:
        """The webhook that tells of one step.

        `position` counts the message's receipts and `tries` the failed tries of this one, from 0. What a
        provider repeats is the same event: its id depends on the message and the step alone.
        """

    @abstractmethod
    def inbound(self, said: Said) -> Written:
        """The webhooks that tell of what somebody wrote."""

    @abstractmethod
    def resource(self, request: Request) -> Answer:
        """The answer to any other request below `prefixes` or to `creates`."""

    def refuse(self, refusal: Refusal) -> Reply:
        """How it refuses at this moment."""
        return self.refusals[refusal]

    def told(self, entry: Entry) -> frozenset[str]:  # noqa: ARG002 - for those who tell less of some
        """The steps it has a receipt for, of this message."""
        return self.statuses

    def together(self, account: str, postings: Sequence[Posting]) -> Posting:  # noqa: ARG002 - as above
        """One webhook for all of these receipts to one address, if it gathers them."""
        return postings[0]

    def webhook_key(self, account: Account) -> str:
        """What the account's webhooks are verified with; empty if they are not signed."""
        return account.signing or account.token

    def retry_policy(self, callback: str, default: RetryPolicy) -> RetryPolicy:  # noqa: ARG002 - for those who can
        """How often a receipt to this address is repeated."""
        return default

    def controls(self) -> Mapping[tuple[str, str], Page]:
        """Pages of its own below `/sandbox/`, by method and path."""
        return {}

    async def start(self, take: Take) -> str | None:  # noqa: B027 - most listen nowhere else
        """Listens wherever it listens beside HTTP; returns a line that says so.

        Raises:
            OSError: if it cannot.
        """

    async def stop(self) -> None:  # noqa: B027 - as above
        """Ends what `start` began."""
