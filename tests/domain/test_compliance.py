"""Compliance: a table of cases per rule, and how verdicts are weighed against each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain import compliance
from messaging.domain.compliance import ALLOW, Allow, Block, Defer, Facts, Reason, judge, weigh
from messaging.domain.compliance.facts import Suppression, SuppressionKind
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import Category, Channel, Message, Priority

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MESSAGE = Message(
    id=UUID(int=1),
    tenant_id=UUID(int=2),
    channel=Channel.SMS,
    recipient="+12025550123",
    recipient_key=b"k" * 16,
    body="Hello",
    segments=1,
    category=Category.TRANSACTIONAL,
    priority=Priority.NORMAL,
    status=Status.QUEUED,
    epoch=1,
    attempts=0,
    created_at=NOW,
)
CLEAR = Facts()
STOPPED = Facts(suppression=Suppression(SuppressionKind.OPT_OUT, "inbound", NOW))

EXPIRED = Block(Event.EXPIRED, Reason.EXPIRED, "expired")
INVALID = Block(Event.REFUSED, Reason.INVALID_RECIPIENT, "valid_number")
OPTED_OUT = Block(Event.OPTED_OUT, Reason.OPTED_OUT, "suppressed")

CASES = [
    # changes to the message, facts, verdict
    ({}, CLEAR, Allow()),
    ({"expires_at": NOW + TICK}, CLEAR, Allow()),
    ({"expires_at": NOW}, CLEAR, EXPIRED),
    ({"expires_at": NOW - TICK}, CLEAR, EXPIRED),
    ({"recipient": "+5511955550123"}, CLEAR, Allow()),
    ({"recipient": "2025550123"}, CLEAR, INVALID),
    ({"recipient": "+1 202 555 0123"}, CLEAR, INVALID),
    ({"recipient": "+10005550123"}, CLEAR, INVALID),
    ({"recipient": "12345", "channel": Channel.MMS}, CLEAR, INVALID),
    ({"recipient": "ana@example.com", "channel": Channel.EMAIL}, CLEAR, Allow()),
    ({"recipient": "17841400000000000", "channel": Channel.INSTAGRAM_DM}, CLEAR, Allow()),
    ({}, STOPPED, OPTED_OUT),
    ({"channel": Channel.EMAIL, "recipient": "ana@example.com"}, STOPPED, OPTED_OUT),
    # the order of rules decides what is reported
    ({"recipient": "2025550123"}, STOPPED, INVALID),
    ({"recipient": "2025550123", "expires_at": NOW}, STOPPED, EXPIRED),
]


@pytest.mark.parametrize(("changes", "facts", "verdict"), CASES)
def test_judge(changes: dict[str, object], facts: Facts, verdict: compliance.Verdict) -> None:
    message = replace(MESSAGE, **changes)  # type: ignore[arg-type]
    assert judge(message, facts, NOW) == verdict


def test_every_block_can_happen_to_a_claimed_message_and_names_its_rule() -> None:
    names = {rule.__name__ for rule in compliance.RULES}
    blocks = [verdict for _, _, verdict in CASES if isinstance(verdict, Block)]
    assert {block.rule for block in blocks} == names
    assert {block.reason for block in blocks} == set(Reason)
    assert all(advance(Status.QUEUED, block.event) is not None for block in blocks)


VERDICTS = st.one_of(
    st.just(ALLOW),
    st.just(Allow()),
    st.builds(
        Defer,
        until=st.timedeltas(timedelta(0), timedelta(days=2)).map(lambda wait: NOW + wait),
        reason=st.sampled_from(Reason),
        rule=st.sampled_from(["one", "two"]),
    ),
    st.builds(
        Block,
        event=st.sampled_from([Event.REFUSED, Event.BLOCKED_COMPLIANCE]),
        reason=st.sampled_from(Reason),
        rule=st.sampled_from(["three", "four"]),
    ),
)


def answering(verdict: compliance.Verdict) -> compliance.Rule:
    return lambda _message, _facts, _now: verdict


@given(st.lists(VERDICTS, max_size=8))
def test_the_first_block_wins_then_the_latest_deferral(verdicts: list[compliance.Verdict]) -> None:
    got = weigh(tuple(map(answering, verdicts)), MESSAGE, CLEAR, NOW)
    blocks = [v for v in verdicts if isinstance(v, Block)]
    defers = [v for v in verdicts if isinstance(v, Defer)]
    if blocks:
        assert got is blocks[0]
    elif defers:
        assert got is next(d for d in defers if d.until == max(d.until for d in defers))
    else:
        assert got == Allow()


@given(
    st.permutations(
        [EXPIRED, Defer(NOW, Reason.EXPIRED, "a"), Defer(NOW + TICK, Reason.EXPIRED, "b"), ALLOW]
    )
)
def test_only_blocks_depend_on_the_order_of_rules(verdicts: list[compliance.Verdict]) -> None:
    assert weigh(tuple(map(answering, verdicts)), MESSAGE, CLEAR, NOW) == EXPIRED
    without = tuple(answering(v) for v in verdicts if not isinstance(v, Block))
    assert weigh(without, MESSAGE, CLEAR, NOW) == Defer(NOW + TICK, Reason.EXPIRED, "b")


def test_nobody_who_opted_out_is_written_to_whatever_the_message() -> None:
    for channel in Channel:
        for category in Category:
            for priority in Priority:
                message = replace(MESSAGE, channel=channel, category=category, priority=priority)
                assert judge(message, STOPPED, NOW) == OPTED_OUT
