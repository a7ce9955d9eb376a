"""How is a provider's dictionary of error codes written down, and what does a code make of a status?

A table has a line for each code: code, kind, where the message ends, who else may be tried, and a sentence for
the operator. `Failover.OTHER_PROVIDER` stands only where another provider would not get round a refusal
of the text itself, which would be filter evasion.
"""

from __future__ import annotations

from collections.abc import Mapping

from messaging.domain.failures import Failover, Failure, Kind
from messaging.domain.lifecycle import Event, Status

_REFINED = {
    Status.OPTED_OUT: Event.OPTED_OUT,
    Status.BLOCKED_COMPLIANCE: Event.BLOCKED_COMPLIANCE,
    Status.BLOCKED_BILLING: Event.BLOCKED_BILLING,
    Status.BLOCKED_MISSING_CAMPAIGN: Event.BLOCKED_MISSING_CAMPAIGN,
}


def read(table: str, prefix: str = "") -> dict[str, Failure]:
    """The failures of a table by their codes; the prefix tells a code from its like in another table."""
    failures = {}
    for line in table.strip().splitlines():
        code, kind, status, failover, detail = line.split(maxsplit=4)
        failures[prefix + code] = Failure(
            Kind(kind),
            prefix + code,
            detail,
            status=Status(status),
            failover=Failover(failover),
            suppress=status == Status.OPTED_OUT,
        )
    return failures


def refined(event: Event | None, known: Failure | None) -> Event | None:
    """The event of a receipt. Its status decides; a code only says which bad end it was."""
    if known is None or event not in {Event.UNDELIVERED, Event.FAILED}:
        return event
    return _REFINED.get(known.status, event)


def blameless(late: Mapping[str, Failure]) -> frozenset[str]:
    """Codes of receipts by which the provider failed, or we did: too fast, too large, not registered."""
    return frozenset(
        code
        for code, failure in late.items()
        if failure.kind in {Kind.CONFIG, Kind.RATE_LIMITED, Kind.AMBIGUOUS}
        or (failure.kind is Kind.TRANSIENT and failure.status is Status.FAILED)
        or failure.status is Status.BLOCKED_MISSING_CAMPAIGN
    )
