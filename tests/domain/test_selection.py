"""Selection: the eight reasons in order, what makes a sender unusable, and an even load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Message, Priority, SelectionReason, Sender
from messaging.domain.selection import (
    NO_HISTORY,
    PRECEDENCE,
    Candidates,
    Choice,
    History,
    Lack,
    NoSender,
    choose,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TENANT, ACCOUNT, POOL, OTHER_POOL = (UUID(int=900 + n) for n in range(4))
MESSAGE = Message(
    id=UUID(int=1),
    tenant_id=TENANT,
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


def sender(
    number: int,
    *pools: UUID,
    healthy: bool = True,
    default: bool = False,
    channel: Channel = Channel.SMS,
) -> Sender:
    return Sender(
        id=UUID(int=number),
        tenant_id=TENANT,
        account_id=ACCOUNT,
        channel=channel,
        address=f"+12025550{100 + number}",
        mps=1.0,
        healthy=healthy,
        is_default=default,
        pool_ids=frozenset(pools),
    )


STICKY, LEAD, CAMPAIGN, PREFERRED, LOCAL, POOLED, DEFAULT = (UUID(int=n) for n in range(1, 8))
EVERYBODY = [
    *(sender(n) for n in range(1, 6)),
    sender(6, POOL),
    sender(7, default=True),
]
ALL_NAMED = History(
    sticky_sender_id=STICKY,
    lead_sender_id=LEAD,
    campaign_sender_ids=(CAMPAIGN,),
    preferred_sender_id=PREFERRED,
    local_sender_ids=(LOCAL,),
)
ORDER = [
    (STICKY, SelectionReason.STICKY_CONVERSATION),
    (LEAD, SelectionReason.LEAD_ASSIGNED),
    (CAMPAIGN, SelectionReason.CAMPAIGN_OR_SOURCE),
    (PREFERRED, SelectionReason.PREFERRED),
    (LOCAL, SelectionReason.LOCAL_AREA),
    (POOLED, SelectionReason.HEALTHY_POOL),
    (DEFAULT, SelectionReason.FALLBACK_DEFAULT),
]


def test_the_table_holds_the_documented_reasons_in_their_order() -> None:
    assert [SelectionReason.MANUAL_OVERRIDE, *(r for r, _ in PRECEDENCE)] == list(SelectionReason)
    assert [r for _, r in ORDER] == [r for r, _ in PRECEDENCE]


@pytest.mark.parametrize("gone", range(len(ORDER)))
@pytest.mark.parametrize("how", ["unhealthy", "tried", "inactive", "other channel"])
def test_each_reason_gives_way_to_the_next(gone: int, how: str) -> None:
    """With the first `gone` senders unusable, for whatever cause, the next reason decides."""
    unusable = {sender_id for sender_id, _ in ORDER[:gone]}
    message, senders = MESSAGE, list(EVERYBODY)
    if how == "tried":
        message = replace(MESSAGE, tried_sender_ids=tuple(unusable))
    elif how == "inactive":
        senders = [s for s in senders if s.id not in unusable]
    elif how == "unhealthy":
        senders = [replace(s, healthy=s.id not in unusable) for s in senders]
    else:
        away = dict.fromkeys(unusable, Channel.EMAIL)
        senders = [replace(s, channel=away.get(s.id, s.channel)) for s in senders]
    choice = choose(message, Candidates.of(senders), ALL_NAMED)
    expected, reason = ORDER[gone]
    assert isinstance(choice, Choice)
    assert (choice.sender.id, choice.reason) == (expected, reason)


@pytest.mark.parametrize("field", [f.name for f in fields(History)])
def test_one_named_sender_is_enough(field: str) -> None:
    one = UUID(int=3)
    named: dict[str, Any] = {field: (one,) if field.endswith("_ids") else one}
    history = History(**named)
    choice = choose(MESSAGE, Candidates.of(EVERYBODY), history)
    assert isinstance(choice, Choice)
    assert choice.sender.id == one


# -- the sender the caller names -------------------------------------------------------------------

ASKED = replace(MESSAGE, sender_id=UUID(int=3))
NOT_USABLE = NoSender(Lack.SENDER_NOT_USABLE)


@pytest.mark.parametrize(
    ("message", "senders", "usable"),
    [
        (ASKED, EVERYBODY, True),
        (ASKED, [sender(3, healthy=False), sender(6, POOL)], True),
        (replace(ASKED, pool_id=POOL), EVERYBODY, True),
        (ASKED, [sender(6, POOL), sender(7, default=True)], False),
        (ASKED, [sender(3, channel=Channel.EMAIL), sender(6, POOL)], False),
        (replace(ASKED, tried_sender_ids=(UUID(int=3),)), EVERYBODY, False),
        (replace(ASKED, tried_sender_ids=(UUID(int=4),)), EVERYBODY, True),
        (ASKED, [], False),
    ],
)
def test_the_caller_gets_the_sender_they_named_or_none(
    message: Message, senders: list[Sender], usable: bool
) -> None:
    got = choose(message, Candidates.of(senders), ALL_NAMED)
    if usable:
        assert isinstance(got, Choice)
        assert got == Choice(got.sender, SelectionReason.MANUAL_OVERRIDE)
        assert got.sender.id == ASKED.sender_id
    else:
        assert got == NOT_USABLE


# -- pools and the default -------------------------------------------------------------------------

IN_POOL = replace(MESSAGE, pool_id=POOL)


@pytest.mark.parametrize(
    ("message", "senders", "chosen", "reason"),
    [
        (IN_POOL, [sender(1, OTHER_POOL), sender(2, POOL)], 2, SelectionReason.HEALTHY_POOL),
        (IN_POOL, [sender(1), sender(2, POOL, OTHER_POOL)], 2, SelectionReason.HEALTHY_POOL),
        (MESSAGE, [sender(1), sender(2, OTHER_POOL)], 2, SelectionReason.HEALTHY_POOL),
        (IN_POOL, [sender(1, OTHER_POOL), sender(2, default=True)], 2,
         SelectionReason.FALLBACK_DEFAULT),
        (IN_POOL, [sender(1, POOL, healthy=False), sender(2, OTHER_POOL, default=True)], 2,
         SelectionReason.FALLBACK_DEFAULT),
    ],
)  # fmt: skip
def test_pool_and_default(
    message: Message, senders: list[Sender], chosen: int, reason: SelectionReason
) -> None:
    got = choose(message, Candidates.of(senders), NO_HISTORY)
    assert isinstance(got, Choice)
    assert (got.sender.id, got.reason) == (UUID(int=chosen), reason)


@pytest.mark.parametrize(
    ("message", "senders", "lack"),
    [
        (MESSAGE, [], Lack.NO_SENDER),
        (MESSAGE, [sender(1, POOL, channel=Channel.EMAIL)], Lack.NO_SENDER),
        (MESSAGE, [sender(1, POOL, healthy=False)], Lack.NO_HEALTHY_SENDER),
        (MESSAGE, [sender(1, healthy=False, default=True)], Lack.NO_HEALTHY_SENDER),
        (MESSAGE, [sender(1)], Lack.NO_HEALTHY_SENDER),
        (IN_POOL, [sender(1, OTHER_POOL)], Lack.NO_HEALTHY_SENDER),
        (replace(MESSAGE, tried_sender_ids=(UUID(int=1),)), [sender(1, POOL)],
         Lack.ALL_SENDERS_TRIED),
        (replace(MESSAGE, tried_sender_ids=(UUID(int=1),)),
         [sender(1, POOL), sender(2, POOL, healthy=False)], Lack.NO_HEALTHY_SENDER),
    ],
)  # fmt: skip
def test_nobody(message: Message, senders: list[Sender], lack: Lack) -> None:
    assert choose(message, Candidates.of(senders), NO_HISTORY) == NoSender(lack)


# -- the load --------------------------------------------------------------------------------------


def shares(senders: Iterable[Sender], history: History, rng: Random) -> Counter[UUID]:
    candidates = Candidates.of(senders)
    share: Counter[UUID] = Counter()
    for _ in range(7000):
        message = replace(IN_POOL, id=UUID(int=rng.getrandbits(128), version=4))
        choice = choose(message, candidates, history)
        assert isinstance(choice, Choice)
        share[choice.sender.id] += 1
    return share


def test_a_pool_shares_the_load_evenly() -> None:
    pool = [sender(n, POOL) for n in range(1, 8)]
    share = shares(pool, NO_HISTORY, Random(1))
    assert len(share) == 7
    assert all(850 < n < 1150 for n in share.values())


def test_senders_of_a_campaign_share_the_load_evenly() -> None:
    ids = tuple(UUID(int=n) for n in (9, 3, 5))
    share = shares([sender(n) for n in range(1, 10)], History(campaign_sender_ids=ids), Random(2))
    assert set(share) == set(ids)
    assert all(2100 < n < 2600 for n in share.values())


SENDERS = st.lists(
    st.builds(
        lambda number, pools, healthy, default, channel: sender(
            number, *pools, healthy=healthy, default=default, channel=channel
        ),
        st.integers(1, 9),
        st.sets(st.sampled_from([POOL, OTHER_POOL])),
        st.booleans(),
        st.booleans(),
        st.sampled_from([Channel.SMS, Channel.EMAIL]),
    ),
    max_size=9,
    unique_by=lambda s: s.id,
)
IDS = st.integers(1, 9).map(lambda n: UUID(int=n))
HISTORIES = st.builds(
    History,
    st.none() | IDS,
    st.none() | IDS,
    st.lists(IDS, max_size=3),
    st.none() | IDS,
    st.lists(IDS, max_size=3),
)
MESSAGES = st.builds(
    lambda id_, pool, tried, named: replace(
        MESSAGE, id=id_, pool_id=pool, tried_sender_ids=tuple(tried), sender_id=named
    ),
    st.uuids(),
    st.sampled_from([None, POOL, OTHER_POOL]),
    st.lists(IDS, max_size=3),
    st.sampled_from([None, None, None, UUID(int=3)]),
)


@given(MESSAGES, SENDERS, HISTORIES, st.randoms(use_true_random=False))
def test_a_choice_is_usable_and_does_not_depend_on_the_order_of_rows(
    message: Message, senders: list[Sender], history: History, rng: Random
) -> None:
    got = choose(message, Candidates.of(senders), history)
    shuffled = rng.sample(senders, len(senders))
    assert choose(message, Candidates.of(shuffled), history) == got
    if isinstance(got, Choice):
        assert got.sender in senders
        assert got.sender.channel == message.channel
        assert got.sender.id not in message.tried_sender_ids
        assert got.sender.healthy or got.reason is SelectionReason.MANUAL_OVERRIDE
        assert (message.sender_id is not None) == (got.reason is SelectionReason.MANUAL_OVERRIDE)
        if got.reason is SelectionReason.HEALTHY_POOL:
            assert message.pool_id in got.sender.pool_ids | {None}
    else:
        assert (got.reason is Lack.SENDER_NOT_USABLE) == (message.sender_id is not None)
