"""What is sent for one purpose from one pool, under an id that callers keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from messaging.domain.candidates import Candidates
from messaging.domain.compliance.verdicts import Reason
from messaging.domain.message import Channel
from messaging.domain.registration import Standing

_HOME = "US"
"""Whose registrations a use case must have in order, wherever it writes to."""
_LACKS = {
    Standing.NO_SENDER: Reason.NO_SENDER_IN_POOL,
    Standing.CAMPAIGN_NOT_VERIFIED: Reason.CAMPAIGN_NOT_VERIFIED,
    Standing.TOLL_FREE_NOT_VERIFIED: Reason.TOLL_FREE_NOT_VERIFIED,
    Standing.BRAND_SUSPENDED: Reason.BRAND_SUSPENDED,
}


@dataclass(frozen=True, slots=True)
class UseCase:
    """One use case of a tenant's."""

    id: UUID
    name: str
    pool: str
    """The pool it is sent from, by name."""
    active: bool
    created_at: datetime


def lack(candidates: Candidates, pool_id: UUID | None) -> Reason | None:
    """What a pool of numbers lacks to be sent from; None if one of its numbers is in order."""
    none = (Standing.NO_SENDER, None)
    standings = candidates.serving(_HOME).standings
    standing, _ = none if pool_id is None else standings.get((Channel.SMS, pool_id), none)
    return _LACKS.get(standing)
