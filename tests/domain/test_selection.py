"""Selection: the eight reasons in order, what makes a sender unusable, and what each tie falls to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from messaging.domain.candidates import Candidates, Pass
from messaging.domain.choice import Choice, History, Lack, NoSender
from messaging.domain.headroom import Headroom
from messaging.domain.message import Capability, Channel, Message, SelectionReason, Sender
from messaging.domain.selection import PRECEDENCE, choose
from messaging.domain.sender_health import SenderState
from tests.domain.fleet import (
    AGENT,
    EVERYBODY,
    LEAD,
    MESSAGE,
    NOW,
    ORDER,
    OTHER_ACCOUNT,
    OTHER_POOL,
    POOL,
    STICKY,
    all_named,
    chosen,
    sender,
)

CORDONED = SenderState.CORDONED
LATELY, LONG_AGO = NOW - timedelta(hours=1), NOW - timedelta(hours=100)
IN_POOL = SelectionReason.HEALTHY_POOL


def test_the_table_holds_the_documented_reasons_in_their_order() -> None:
    assert [SelectionReason.MANUAL_OVERRIDE, *(r for r, _ in PRECEDENCE)] == list(SelectionReason)
    assert [r for _, r in ORDER] == [r for r, _ in PRECEDENCE]


@pytest.mark.parametrize("gone", range(len(ORDER)))
@pytest.mark.parametrize("how", ["cordoned", "tried", "retired", "other channel", "incapable"])
def test_each_reason_gives_way_to_the_next(gone: int, how: str) -> None:
    """With the first `gone` senders unusable, for whatever cause, the next reason decides."""
    unusable = {sender_id for sender_id, _ in ORDER[:gone]}
    message, senders = MESSAGE, list(EVERYBODY)
    changes: dict[str, dict[str, Any]] = {
        "cordoned": {"state": CORDONED},
        "retired": {"state": SenderState.RETIRED},
        "other channel": {"channel": Channel.EMAIL},
        "incapable": {"capabilities": frozenset({Capability.MMS})},
    }
    if how == "tried":
        message = replace(MESSAGE, tried_sender_ids=tuple(unusable))
    else:
        senders = [replace(s, **changes[how]) if s.id in unusable else s for s in senders]
    expected, reason = ORDER[gone]
    assert chosen(senders, all_named(), message) == (expected.int, reason)


# -- the sender the caller names -------------------------------------------------------------------

ASKED = replace(MESSAGE, sender_id=UUID(int=3))


@pytest.mark.parametrize(
    ("message", "senders", "usable"),
    [
        (ASKED, EVERYBODY, True),
        # also one that would not be chosen unasked
        (ASKED, [sender(3, state=CORDONED), sender(6, POOL)], True),
        (replace(ASKED, pool_id=OTHER_POOL), EVERYBODY, True),
        (ASKED, [sender(6, POOL), sender(7, is_default=True)], False),
        (ASKED, [sender(3, channel=Channel.EMAIL), sender(6, POOL)], False),
        (ASKED, [sender(3, state=SenderState.RETIRED), sender(6, POOL)], False),
        (replace(ASKED, tried_sender_ids=(UUID(int=3),)), EVERYBODY, False),
        (replace(ASKED, tried_sender_ids=(UUID(int=4),)), EVERYBODY, True),
        (ASKED, [], False),
    ],
)
def test_the_caller_gets_the_sender_they_named_or_none(
    message: Message, senders: list[Sender], usable: bool
) -> None:
    expected = (3, SelectionReason.MANUAL_OVERRIDE) if usable else NoSender(Lack.SENDER_NOT_USABLE)
    assert chosen(senders, all_named(), message) == expected


# -- conversations ---------------------------------------------------------------------------------

KEEPS = History(sticky_sender_id=STICKY)
FLASH = replace(MESSAGE, flash=True)
SPARE = sender(6, POOL, capabilities=frozenset({Capability.SMS, Capability.FLASH}))


@pytest.mark.parametrize(
    ("sticky", "message", "why"),
    [
        (sender(1), MESSAGE, None),
        (sender(1, state=SenderState.AMBER), MESSAGE, None),
        (sender(1, state=CORDONED, state_since=LATELY), MESSAGE, None),
        (sender(1, state=CORDONED, state_since=LONG_AGO), MESSAGE, Pass.CORDONED),
        (sender(1, state=SenderState.RETIRED), MESSAGE, Pass.GONE),
        (sender(1, capabilities=frozenset({Capability.MMS})), MESSAGE, Pass.INCAPABLE),
        (sender(1), FLASH, Pass.INCAPABLE),
        (sender(1), replace(MESSAGE, tried_sender_ids=(STICKY,)), Pass.TRIED),
    ],
)
def test_a_conversation_keeps_its_sender_but_for(
    sticky: Sender, message: Message, why: Pass | None
) -> None:
    got = choose(message, Candidates.of([sticky, SPARE]), KEEPS, NOW)
    assert isinstance(got, Choice)
    if why is None:
        assert (got.sender, got.reason) == (sticky, SelectionReason.STICKY_CONVERSATION)
    else:
        assert (got.sender.id.int, got.reason) == (6, IN_POOL)
        first = got.trace.passed[0]
        assert (first.sender_id, first.under, first.why) == (
            STICKY,
            SelectionReason.STICKY_CONVERSATION,
            why,
        )


def test_a_pool_may_decide_not_to_keep_conversations() -> None:
    group = [sender(1), sender(6, POOL)]
    assert chosen(group, History(sticky_sender_id=STICKY, sticky=False)) == (6, IN_POOL)


def test_a_conversation_is_never_put_off_by_the_daily_limit_but_a_lead_is() -> None:
    group = [sender(1, allowance=10), sender(2, allowance=10), sender(6, POOL)]
    headroom = Headroom()
    headroom.full(STICKY, NOW.timestamp() + 60)
    headroom.full(LEAD, NOW.timestamp() + 60)
    kept = History(sticky_sender_id=STICKY, headroom=headroom)
    assert chosen(group, kept) == (1, SelectionReason.STICKY_CONVERSATION)
    assert chosen(group, History(lead_sender_id=LEAD, headroom=headroom)) == (6, IN_POOL)


# -- campaigns, sources, agents --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "message", "expected"),
    [
        # in the order in which they were bound
        (History(campaign_sender_ids=(UUID(int=3), UUID(int=2))), MESSAGE, 3),
        (History(campaign_sender_ids=(UUID(int=99), UUID(int=2))), MESSAGE, 2),
        (History(campaign_pool_ids=(OTHER_POOL,)), MESSAGE, 4),
        (History(campaign_sender_ids=(UUID(int=99),), campaign_pool_ids=(OTHER_POOL,)), MESSAGE, 4),
        (History(campaign_sender_ids=(UUID(int=2),), campaign_pool_ids=(OTHER_POOL,)), MESSAGE, 2),
    ],
)
def test_a_campaign_has_senders_then_pools(
    history: History, message: Message, expected: int
) -> None:
    group = [*(sender(n) for n in (1, 2, 3)), sender(4, OTHER_POOL), sender(6, POOL)]
    assert chosen(group, history, message) == (expected, SelectionReason.CAMPAIGN_OR_SOURCE)


def test_an_agents_own_number_comes_before_the_tenants_favourite() -> None:
    group = [sender(1), sender(2, owner=AGENT), sender(6, POOL)]
    favourite = History(preferred_sender_ids=(UUID(int=1),))
    assert chosen(group, favourite, replace(MESSAGE, agent=AGENT)) == (
        2,
        SelectionReason.PREFERRED,
    )
    assert chosen(group, favourite, replace(MESSAGE, agent="bob")) == (1, SelectionReason.PREFERRED)
    assert chosen(group, favourite) == (1, SelectionReason.PREFERRED)


# -- local numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        (["+1212", "+1646", "+1917"], 1),  # the same area code
        (["+1646", "+1518"], 1),  # another code of the same territory
        (["+1518", "+1646"], 2),
        (["+1201", "+1518"], 2),  # the same state before a nearer one of another
        (["+1203", "+1201"], 2),  # of two neighbours the nearer one
        (["+1907", "+1201"], 2),  # far away is not local
    ],
)
def test_the_nearest_number_is_local(areas: list[str], expected: int) -> None:
    group = [sender(n, POOL, area=area) for n, area in enumerate(areas, start=1)]
    assert chosen(group, History(area="+1212")) == (expected, SelectionReason.LOCAL_AREA)


@pytest.mark.parametrize(
    "history",
    [History(area="+1212"), History(area="+1907", local=False), History(area=None)],
)
def test_what_is_far_away_or_unasked_is_the_pools_business(history: History) -> None:
    assert chosen([sender(1, POOL, area="+1907")], history) == (1, IN_POOL)


# -- headroom --------------------------------------------------------------------------------------


def test_of_a_pool_the_one_with_most_headroom_is_chosen() -> None:
    at = NOW.timestamp()
    cases: list[tuple[Headroom, int]] = [
        (Headroom(), 1),  # all alike: the smallest id
        (Headroom(free_at={UUID(int=1): at + 5}), 2),
        (Headroom(free_at={UUID(int=n): at + 5 - n for n in (1, 2, 3)}), 3),
        (Headroom(used={UUID(int=1): 0.5, UUID(int=2): 0.1, UUID(int=3): 0.2}), 2),
        (Headroom(free_at={UUID(int=2): at}, used={UUID(int=1): 0.5, UUID(int=3): 0.9}), 1),
    ]
    group = [sender(n, POOL) for n in (1, 2, 3)]
    for headroom, expected in cases:
        assert chosen(group, History(headroom=headroom)) == (expected, IN_POOL)


def test_amber_senders_come_last_and_full_ones_not_at_all() -> None:
    headroom = Headroom(free_at={UUID(int=2): NOW.timestamp() + 100})
    group = [sender(1, POOL, state=SenderState.AMBER), sender(2, POOL)]
    assert chosen(group, History(headroom=headroom)) == (2, IN_POOL)
    group = [sender(1, POOL), sender(2, POOL, allowance=5)]
    headroom.full(UUID(int=1), 0)
    headroom.full(UUID(int=2), NOW.timestamp() + 1)
    assert chosen(group, History(headroom=headroom)) == (1, IN_POOL)
    full = replace(group[0], allowance=5)
    headroom.full(UUID(int=1), NOW.timestamp() + 1)
    assert chosen([full, group[1]], History(headroom=headroom)) == NoSender(Lack.DAILY_LIMITS)


def test_what_is_booked_spreads_the_load_by_rate_and_daily_limit() -> None:
    group = [sender(1, POOL), sender(2, POOL, mps=3.0), sender(3, POOL, allowance=43_200)]
    headroom, candidates = Headroom(), Candidates.of(group)
    share = {1: 0, 2: 0, 3: 0}
    for n in range(900):
        got = choose(replace(MESSAGE, id=UUID(int=n)), candidates, History(headroom=headroom), NOW)
        assert isinstance(got, Choice)
        headroom.book(got.sender, 1, NOW.timestamp())
        share[got.sender.id.int] += 1
    # one a second, three a second, and one in two seconds
    assert share == {1: 200, 2: 600, 3: 100}


def test_the_account_that_comes_first_is_asked_first_within_each_reason() -> None:
    group = [sender(1, POOL), sender(2, POOL, account_id=OTHER_ACCOUNT)]
    first = (frozenset({OTHER_ACCOUNT}),)
    assert chosen(group, History(tiers=first)) == (2, IN_POOL)
    both = (UUID(int=1), UUID(int=2))
    campaign = History(campaign_sender_ids=both, tiers=first)
    assert chosen(group, campaign) == (2, SelectionReason.CAMPAIGN_OR_SOURCE)
    # it is an order, not a condition: a number is never sent through another's account
    assert chosen(group[:1], History(tiers=first)) == (1, IN_POOL)


# -- pools, the default, nobody --------------------------------------------------------------------

ANY_POOL = replace(MESSAGE, pool_id=None)


@pytest.mark.parametrize(
    ("message", "senders", "expected", "reason"),
    [
        (MESSAGE, [sender(1, OTHER_POOL), sender(2, POOL)], 2, IN_POOL),
        (MESSAGE, [sender(1), sender(2, POOL, OTHER_POOL)], 2, IN_POOL),
        (ANY_POOL, [sender(1), sender(2, OTHER_POOL)], 2, IN_POOL),
        (MESSAGE, [sender(1, OTHER_POOL), sender(2, is_default=True)], 2,
         SelectionReason.FALLBACK_DEFAULT),
        (MESSAGE, [sender(1, POOL, state=CORDONED), sender(2, OTHER_POOL, is_default=True)], 2,
         SelectionReason.FALLBACK_DEFAULT),
    ],
)  # fmt: skip
def test_pool_and_default(
    message: Message, senders: list[Sender], expected: int, reason: SelectionReason
) -> None:
    assert chosen(senders, History(), message) == (expected, reason)


TRIED = replace(MESSAGE, tried_sender_ids=(UUID(int=1),))


@pytest.mark.parametrize(
    ("message", "senders", "lack"),
    [
        (MESSAGE, [], Lack.NO_SENDER),
        (MESSAGE, [sender(1, POOL, channel=Channel.EMAIL)], Lack.NO_SENDER),
        (MESSAGE, [sender(1, POOL, state=CORDONED)], Lack.NO_HEALTHY_SENDER),
        (MESSAGE, [sender(1, state=CORDONED, is_default=True)], Lack.NO_HEALTHY_SENDER),
        (ANY_POOL, [sender(1)], Lack.NO_HEALTHY_SENDER),
        (MESSAGE, [sender(1, OTHER_POOL)], Lack.NO_HEALTHY_SENDER),
        (TRIED, [sender(1, POOL)], Lack.ALL_SENDERS_TRIED),
        (TRIED, [sender(1, POOL), sender(2, POOL, state=CORDONED)], Lack.NO_HEALTHY_SENDER),
    ],
)
def test_nobody(message: Message, senders: list[Sender], lack: Lack) -> None:
    assert chosen(senders, History(), message) == NoSender(lack)
