"""Why a send did not succeed, in our words.

A provider's own code is kept beside ours; `retry.decide` looks only at these values, so it knows no
provider. The classes and failover scopes are those of the provider error tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from messaging.domain.lifecycle import Status


class Kind(StrEnum):
    """What a failure tells us to do."""

    NOT_SENT = "not_sent"
    """Nothing left this machine: connection refused, name not found, bad certificate."""
    TRANSIENT = "transient_retry"
    """The provider refused it for now."""
    RATE_LIMITED = "rate_limited"
    """Too fast; wait the stated time."""
    RECIPIENT = "permanent_recipient"
    """This address will never work on this channel."""
    SENDER = "permanent_sender"
    """This sender, campaign or content is refused."""
    CONFIG = "permanent_config"
    """Our request, account or credentials are wrong."""
    OPTED_OUT = "opted_out"
    """The recipient has opted out at the provider."""
    AMBIGUOUS = "ambiguous"
    """It may have been accepted; only evidence may settle it (law 4)."""


class Failover(StrEnum):
    """Who else may be tried after a definite refusal."""

    NONE = "none"
    OTHER_SENDER = "other_sender"
    OTHER_PROVIDER = "other_provider"


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt's bad end."""

    kind: Kind
    code: str
    """The provider's own code, or a word of ours such as `connect` or `timeout`."""
    detail: str
    """A sentence for the operator; holds no address and no body."""
    status: Status = Status.FAILED
    """Where the message ends if this failure is the last word."""
    failover: Failover = Failover.NONE
    retry_after: timedelta | None = None
    """What the provider asked us to wait."""
    suppress: bool = False
    """Whether the recipient must be suppressed (an opt-out seen by the provider)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One attempt's good end: the provider has taken the message."""

    provider_message_id: str
    provider_status: str


Outcome = Accepted | Failure
