"""What a campaign came to, counted from its recipients and their messages."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.comparison import Outcome
from messaging.domain.lifecycle import Status
from messaging.store.campaigns import Campaign, Counts

_RESULTS = sa.text("""
SELECT r.reason, m.status, split_part(coalesce(m.status_reason, ''), ':', 1), s.address,
       count(*), coalesce(sum(m.segments), 0)
FROM campaign_recipients r
LEFT JOIN messages m ON m.id = r.message_id
LEFT JOIN senders s ON s.id = m.sender_id
WHERE r.campaign_id = :campaign AND r.state <> 'waiting' GROUP BY 1, 2, 3, 4
""")
_TAKEN = {Status.SENT, Status.DELIVERED, Status.UNDELIVERABLE}
_BLOCKED = {
    Status.BLOCKED_COMPLIANCE,
    Status.BLOCKED_BILLING,
    Status.BLOCKED_MISSING_CAMPAIGN,
    Status.OPTED_OUT,
}


def outcome(db: Connection, campaign: Campaign, counts: Counts) -> Outcome:
    """What came of everybody; `counts` are those of the same moment."""
    skipped, blocked, failed, senders = (Counter[str]() for _ in range(4))
    for lacking, status, reason, sender, n, segments in db.execute(
        _RESULTS, {"campaign": campaign.id}
    ):
        if status is None:
            skipped[lacking or "unknown"] += n
        elif status in _TAKEN:
            senders[sender or "unknown"] += segments
        elif status in _BLOCKED:
            blocked[reason or status] += n
        elif status == Status.FAILED:
            failed[reason or status] += n
    began, ended = campaign.started_at, campaign.finished_at
    return Outcome(
        sent=counts.handed_over,
        segments=counts.segments,
        cost=counts.cost,
        seconds=(ended - began).total_seconds() if began and ended else None,
        skipped=dict(skipped),
        blocked=dict(blocked),
        failed=dict(failed),
        senders=dict(senders),
    )
