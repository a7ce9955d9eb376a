"""Compliance: a table of cases per rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from messaging.domain.compliance import Allow, Block, Defer, Facts, Reason, judge
from messaging.domain.compliance.rules import RULES
from messaging.domain.compliance.wording import WORDS
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import Category, Channel, Priority
from tests.domain.rule_cases import AGREED, ATTESTED, CASES, INDIA, MESSAGE, NOW, STOPPED, facts


@pytest.mark.parametrize(("rule", "changes", "known", "expected"), CASES)
def test_judge(
    rule: str, changes: dict[str, Any], known: Facts, expected: tuple[Any, Reason] | None
) -> None:
    verdict = judge(replace(MESSAGE, **changes), known, NOW)
    match verdict:
        case Allow():
            assert expected is None
        case Block(event=event, reason=reason):
            assert expected == (event, reason)
        case Defer(until=until, reason=reason):
            assert expected == (Defer, reason)
            assert until > NOW
    if expected is not None:
        assert not isinstance(verdict, Allow)
        assert verdict.rule.partition(":")[0] in {rule, "cap"}


def test_every_rule_and_every_reason_has_its_cases() -> None:
    assert {rule for rule, *_ in CASES} == {rule.id for rule in RULES}
    assert {expected[1] for *_, expected in CASES if expected} == set(Reason) == set(WORDS)


def test_every_block_can_happen_to_a_claimed_message() -> None:
    events = {e[0] for *_, e in CASES if e is not None and isinstance(e[0], Event)}
    assert all(advance(Status.QUEUED, event) is not None for event in events)


def test_marketing_in_quiet_hours_waits_for_the_next_opening_and_says_why() -> None:
    verdict = judge(
        replace(MESSAGE, recipient=INDIA, category=Category.MARKETING),
        facts(policy=ATTESTED),
        NOW,
    )
    assert isinstance(verdict, Defer)
    opens = datetime(2026, 3, 4, 4, 30, tzinfo=UTC)
    assert opens <= verdict.until < opens + timedelta(minutes=30)
    assert "Asia/Kolkata" in verdict.detail
    assert "10:00" in verdict.detail


def test_what_is_allowed_in_a_window_may_not_arrive_after_it() -> None:
    verdict = judge(replace(MESSAGE, category=Category.MARKETING), AGREED, NOW)
    assert isinstance(verdict, Allow)
    assert verdict.until is not None
    assert NOW < verdict.until <= datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


def test_no_detail_holds_the_address_or_the_body() -> None:
    body = "a-canary bit.ly/x"
    for _, changes, known, _ in CASES:
        message = replace(MESSAGE, **({"body": body} | changes))
        verdict = judge(message, known, NOW)
        if not isinstance(verdict, Allow):
            assert message.recipient not in verdict.detail
            assert "a-canary" not in verdict.detail


def test_nobody_who_opted_out_is_written_to_whatever_the_message() -> None:
    for channel in Channel:
        for category in Category:
            for priority in Priority:
                message = replace(MESSAGE, channel=channel, category=category, priority=priority)
                verdict = judge(message, STOPPED, NOW)
                assert isinstance(verdict, Block)
                assert verdict.reason is Reason.OPTED_OUT
