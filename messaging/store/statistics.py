"""What has become of a campaign's messages, business apart from everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.lifecycle import Status
from messaging.domain.message import Traffic
from messaging.domain.traffic import counted_under, shown


@dataclass(frozen=True, slots=True)
class CampaignStatistics:
    """A campaign's messages, counted; each of them once."""

    by_status: dict[Status, int] = field(default_factory=dict)
    """Business only."""
    excluded: dict[str, int] = field(default_factory=dict)
    """The rest, by `domain.traffic.NO_BUSINESS`."""

    @property
    def total(self) -> int:
        """How much business there is."""
        return sum(self.by_status.values())


_COUNTS = sa.text("""
SELECT status, traffic, is_warmup,
       status <> 'failed' OR provider_message_id IS NOT NULL AS was_taken, count(*)
FROM messages WHERE tenant_id = :tenant AND campaign = :campaign GROUP BY 1, 2, 3, 4
""")


def of_campaign(db: Connection, tenant_id: UUID, campaign: str) -> CampaignStatistics:
    """A campaign's messages as they stand now; all zero for one nobody has named."""
    found = CampaignStatistics()
    rows = db.execute(_COUNTS, {"tenant": tenant_id, "campaign": campaign})
    for status, kind, is_warmup, was_taken, n in rows:
        traffic = shown(Status(status), Traffic(kind), was_taken=was_taken)
        apart = counted_under(traffic, is_warmup=is_warmup)
        if apart is not None:
            found.excluded[apart] = found.excluded.get(apart, 0) + n
        else:
            found.by_status[Status(status)] = found.by_status.get(Status(status), 0) + n
    return found
