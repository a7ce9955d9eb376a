"""Was anything lost, or sent twice? Our records against the carrier's ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from messaging.demo import audit
from messaging.demo.audit import Audit
from messaging.domain.lifecycle import FINAL
from messaging.store import fates
from tests.faults.caller import Caller
from tests.faults.rig import Rig, until

_OF_TENANT = "message_id IN (SELECT id FROM messages WHERE tenant_id = :tenant)"
_ATTEMPTS = f"""
SELECT message_id, epoch, started_at, outcome, settled_by FROM attempts WHERE {_OF_TENANT}
UNION ALL
SELECT message_id, epoch, started_at, 'open', NULL FROM open_attempts WHERE {_OF_TENANT}
"""
_MOVING = """
SELECT count(*) FROM messages WHERE tenant_id = :tenant AND status::text <> ALL(:still)
"""
_STUCK = """
SELECT m.id, m.status::text, m.epoch, m.attempts, m.status_reason, m.next_attempt_at,
       r.queue::text AS ready, r.due_at, o.doubt_code, o.doubt_since, o.absences, o.absent_since,
       o.check_at, o.started_at
FROM messages m LEFT JOIN ready r ON r.message_id = m.id
LEFT JOIN open_attempts o ON o.message_id = m.id
WHERE m.tenant_id = :tenant AND m.status::text <> ALL(:still) LIMIT 5
"""


@dataclass(frozen=True)
class Verdict:
    """What became of a tenant's messages."""

    audit: Audit
    promised: int
    twice: list[str]
    """Messages the carrier accepted more than once."""
    untold: list[str]
    """Messages the carrier accepted without an attempt that we had written down before."""
    statuses: Counter[str]
    settled: Counter[str]
    """Attempts, by how they ended and who settled them."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, sent twice, or sent without being written down first."""
        return self.audit.holds and not self.twice and not self.untold

    def __str__(self) -> str:
        return (
            f"{self.promised} promised, {self.audit.carrier} at the carrier, lost "
            f"{self.audit.lost}, duplicated {self.audit.duplicated} {self.twice[:5]}, strangers "
            f"{self.audit.strangers}, unexplained {self.audit.unexplained}, untold "
            f"{self.untold[:5]}, statuses {dict(self.statuses)}, attempts {dict(self.settled)}"
        )


def compare(rig: Rig, caller: Caller) -> Verdict:
    """Our records of a tenant's messages against the carrier's."""
    rows = ledger(rig, caller)
    with rig.engine.connect() as db:
        ours = fates.fates(db, caller.tenant.id)
    attempts = rig.query(_ATTEMPTS, tenant=caller.tenant.id)
    return Verdict(
        audit=audit.compare(caller.ids, ours, [UUID(row["m"]) for row in rows]),
        promised=len(caller.ids),
        twice=[m for m, n in Counter(row["m"] for row in rows).items() if n > 1],
        untold=_untold(rows, attempts),
        statuses=Counter(fate.status.value for fate in ours),
        settled=Counter(f"{a.outcome} by {a.settled_by}" for a in attempts),
    )


def ledger(rig: Rig, caller: Caller) -> list[dict[str, Any]]:
    """What the carrier accepted from a tenant's accounts."""
    return [row for row in rig.ledger() if row["account"] in caller.senders]


def _untold(rows: Sequence[dict[str, Any]], attempts: Sequence[Any]) -> list[str]:
    opened = {(str(a.message_id), a.epoch): a.started_at.timestamp() for a in attempts}
    return [
        row["m"]
        for row in rows
        if (row["m"], row["e"]) not in opened or opened[row["m"], row["e"]] > row["at"]
    ]


def settle(rig: Rig, caller: Caller, seconds: float, *, sent_will_do: bool = False) -> float:
    """Wait until none of a tenant's messages moves any more; returns how long that took.

    `sent_will_do`: for a carrier that posts no receipts.
    """
    still = [status.value for status in FINAL] + (["sent"] if sent_will_do else [])
    asked = {"tenant": caller.tenant.id, "still": still}
    try:
        return until(
            lambda: not rig.query(_MOVING, **asked)[0][0], seconds, "every message has come to rest"
        )
    except AssertionError as late:
        stuck = "\n".join(str(dict(row._mapping)) for row in rig.query(_STUCK, **asked))
        carrier = rig.carrier.get("/sandbox/summary")
        with rig.bell() as client:
            routes = client.hgetall("posthorn:circuits")
        raise AssertionError(
            f"{late}\n{compare(rig, caller)}\n{stuck}\n{carrier}\n{routes}"
        ) from None
