"""A message's story: one sentence per state, the chain in order, never an address or a body."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from messaging.domain.explanation import Judged, Story, Tried, sentences, summary
from messaging.domain.lifecycle import Status

T = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STORY = Story(
    status=Status.QUEUED,
    status_reason=None,
    scheduled_reason=None,
    scheduled_for=None,
    next_attempt_at=None,
    entered_at=T,
    created_at=T,
)
ALLOWED = Judged(
    T + MINUTE,
    "dispatch",
    "allow",
    "v1",
    None,
    None,
    None,
    T + 60 * MINUTE,
    {
        "consent": {"action": "grant", "basis": "express_written", "at": "2026-01-02T00:00:00Z"},
        "zones": ["America/New_York"],
        "zones_from": "area_code",
    },
)
OPTED_OUT = Judged(
    T + MINUTE,
    "dispatch",
    "block",
    "v1",
    "suppressed",
    "opted_out",
    "opt_out, known from inbound since 2026-03-03 16:59 UTC",
    None,
    None,
)
QUIET = Judged(
    T,
    "dispatch",
    "defer",
    "v1",
    "quiet_hours:us_fl",
    "quiet_hours",
    "us_fl opens Wed 2026-03-04 08:00 in America/New_York",
    T + 600 * MINUTE,
    None,
)
TOOK = Tried(1, "+1202•••0199", "StickyConversation", T + MINUTE, "accepted", "reply", None, None)
REFUSED = replace(
    TOOK, outcome="transient_retry", code="20503", detail="Twilio is unavailable.", settled_by=None
)
DOUBT = replace(TOOK, outcome="in_doubt", code="timeout", settled_by=None)

CASES = [
    (replace(STORY, status=Status.DRAFT), "It is a draft: nobody has submitted it yet."),
    (STORY, "It is ready and waits for a worker since 2026-03-03 17:00:00 UTC."),
    (
        replace(STORY, attempts=[REFUSED], next_attempt_at=T + 5 * MINUTE),
        (
            "It waits for its next attempt at 2026-03-03 17:05:00 UTC, because the last one ended as "
            "transient retry (20503), Twilio is unavailable."
        ),
    ),
    (
        replace(
            STORY, status=Status.SCHEDULED, scheduled_reason="requested", scheduled_for=T + MINUTE
        ),
        "It waits for 2026-03-03 17:01:00 UTC, the time its sender asked for.",
    ),
    (
        replace(STORY, status=Status.SCHEDULED, scheduled_reason="quiet_hours", verdicts=[QUIET]),
        (
            "It waits until 2026-03-04 03:00:00 UTC, since it was outside the hours in which marketing "
            "may be sent to the recipient (rule quiet_hours:us_fl: us_fl opens Wed 2026-03-04 08:00 in "
            "America/New_York)."
        ),
    ),
    (
        replace(
            STORY, status=Status.SCHEDULED, scheduled_reason="no_healthy_sender", verdicts=[QUIET]
        ),
        "It waits to be looked at again: no healthy sender.",
    ),
    (
        replace(STORY, status=Status.SENDING, attempts=[DOUBT]),
        (
            "Attempt 1 left at 2026-03-03 17:01:00 UTC and its outcome is not known (timeout); "
            "evidence is being looked for, and nothing is sent again before it is found."
        ),
    ),
    (
        replace(STORY, status=Status.DELIVERED, attempts=[TOOK]),
        (
            "It was sent from +1202•••0199 (StickyConversation) and delivered at 2026-03-03 17:00:00 "
            "UTC."
        ),
    ),
    (
        replace(
            STORY, status=Status.OPTED_OUT, status_reason="opted_out", verdicts=[ALLOWED, OPTED_OUT]
        ),
        (
            "It was not sent because the recipient has opted out (rule suppressed: opt_out, known from "
            "inbound since 2026-03-03 16:59 UTC)."
        ),
    ),
    (
        replace(STORY, status=Status.CANCELED, status_reason="opted_out"),
        (
            "It was called off at 2026-03-03 17:00:00 UTC, before it was sent, because the recipient "
            "opted out."
        ),
    ),
    (
        replace(STORY, status=Status.CANCELED, status_reason="unreachable"),
        (
            "It was called off at 2026-03-03 17:00:00 UTC, before it was sent, because the recipient's "
            "number turned out to be out of service."
        ),
    ),
    (
        replace(STORY, status=Status.CANCELED, status_reason="erased"),
        (
            "It was called off at 2026-03-03 17:00:00 UTC, before it was sent, because the recipient "
            "was erased."
        ),
    ),
    (
        replace(STORY, status=Status.CANCELED, status_reason="canceled_by_caller"),
        "It was called off by its sender at 2026-03-03 17:00:00 UTC, before it was sent.",
    ),
    (
        replace(
            STORY,
            status=Status.FAILED,
            status_reason="transient_retry",
            attempts=[REFUSED, replace(REFUSED, number=2)],
        ),
        "It was not sent after 2 attempts: transient retry (20503).",
    ),
    (
        replace(
            STORY,
            status=Status.UNDELIVERABLE,
            status_reason="Unknown or inactive number",
            attempts=[TOOK],
        ),
        "It was not delivered after one attempt: Unknown or inactive number.",
    ),
]


@pytest.mark.parametrize(("story", "said"), CASES)
def test_one_sentence_says_why(story: Story, said: str) -> None:
    assert summary(story) == said


@pytest.mark.parametrize("status", Status)
def test_every_status_can_be_explained_without_anything_else_known(status: Status) -> None:
    bare = replace(STORY, status=status, entered_at=None)
    assert summary(bare).endswith(".")
    assert sentences(bare)[-1] == summary(bare)


def test_the_chain_is_told_in_the_order_it_happened() -> None:
    story = replace(
        STORY,
        status=Status.SENT,
        verdicts=[QUIET, ALLOWED],
        attempts=[replace(TOOK, started_at=T + 2 * MINUTE)],
    )
    taken, waited, allowed, tried, now = sentences(story)
    assert taken == "Taken in 2026-03-03 17:00:00 UTC."
    assert "asked it to wait until 2026-03-04 03:00:00 UTC" in waited
    assert "had no objection, to arrive before 2026-03-03 18:00:00 UTC" in allowed
    assert "consent grant express written of 2026-01-02" in allowed
    assert "local time of America/New_York by area code" in allowed
    assert tried.endswith("chosen by StickyConversation: the provider took it, known by reply.")
    assert now.startswith("The provider took it from +1202•••0199")
