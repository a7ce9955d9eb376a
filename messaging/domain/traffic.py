"""Which of a campaign's messages are its business, and as what are the others shown?"""

from __future__ import annotations

from messaging.domain.lifecycle import Status
from messaging.domain.message import Traffic

IS_WARMUP = "is_warmup"
"""Business that left from a number which was warming up: it is shown as what it is, and not counted."""

NO_BUSINESS = (
    Traffic.WARMUP.value,
    Traffic.TEST.value,
    Traffic.SYSTEM_INTERNAL.value,
    Traffic.FAILED_ATTEMPT.value,
    IS_WARMUP,
)
"""What is kept out of a campaign's statistics."""


def shown(status: Status, traffic: Traffic, *, was_taken: bool) -> Traffic:
    """The kind of traffic people are told; what failed and was never taken by anybody is none."""
    never_taken = status is Status.FAILED and not was_taken
    return Traffic.FAILED_ATTEMPT if never_taken else traffic


def counted_under(traffic: Traffic, *, is_warmup: bool) -> str | None:
    """Which part of `NO_BUSINESS` a message belongs to, by its shown traffic; None if it is business."""
    if traffic is not Traffic.REAL_LEAD:
        return traffic.value
    return IS_WARMUP if is_warmup else None
