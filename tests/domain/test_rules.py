"""Compliance: a table of cases per rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from messaging.domain.compliance import Allow, Block, Defer, Facts, Reason, judge, of_moment
from messaging.domain.compliance.policy import Policy
from messaging.domain.compliance.rules import RULES
from messaging.domain.compliance.wording import WORDS
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import Category, Channel, Priority
from tests.domain import rule_cases_beyond
from tests.domain.rule_cases import AGREED, ATTESTED, INDIA, MESSAGE, NOW, STOPPED, facts
from tests.domain.rule_cases import CASES as OF_NUMBERS

CASES = [*OF_NUMBERS, *rule_cases_beyond.CASES]


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


@pytest.mark.parametrize(
    ("zone", "at", "capped"),
    [
        # Oklahoma's cap holds from 2022-11-01, by the recipient's calendar.
        ("America/Chicago", "2022-10-31T23:59:00-05:00", False),
        ("America/Chicago", "2022-11-01T00:00:00-05:00", True),
        ("America/Chicago", "2022-11-01T12:00:00+14:00", False),  # a caller's own clock
        ("Pacific/Auckland", "2022-10-31T11:00:00+00:00", True),
        ("Pacific/Auckland", "2022-10-31T10:59:00+00:00", False),
    ],
)
def test_a_law_begins_at_the_recipients_midnight(zone: str, at: str, capped: bool) -> None:
    now = datetime.fromisoformat(at)
    oklahoma = replace(
        MESSAGE, recipient="+14055550123", category=Category.MARKETING, time_zone=zone
    )
    recent = tuple(now - timedelta(hours=n) for n in (3, 2, 1))
    known = facts(recent=recent, policy=Policy(caps=()))
    assert isinstance(of_moment.frequency(oklahoma, known, now), Defer) is capped


def test_laws_of_two_days_hold_together_while_midnight_passes() -> None:
    # Half past eleven in one zone of the place, half past midnight in the other.
    now = datetime(2022, 11, 1, 4, 30, tzinfo=UTC)
    florida = replace(MESSAGE, recipient="+18505550123", category=Category.MARKETING)
    verdict = of_moment.quiet_hours(florida, facts(), now)
    assert isinstance(verdict, Defer)
    opens = datetime(2022, 11, 1, 8, tzinfo=ZoneInfo("America/Chicago"))
    assert opens <= verdict.until < opens + timedelta(minutes=30)
