"""Selection, whatever comes: no hard rule is broken, nothing depends on order, no better reason is passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.candidates import Candidates
from messaging.domain.choice import History, Lack, NoSender
from messaging.domain.headroom import Headroom
from messaging.domain.message import Channel, Message, SelectionReason, Sender
from messaging.domain.selection import choose
from messaging.domain.sender_health import SenderState
from tests.domain.fleet import MESSAGE, NOW, OTHER_POOL, POOL, sender

CORDONED = SenderState.CORDONED
LATELY = NOW - timedelta(hours=1)
IN_POOL = SelectionReason.HEALTHY_POOL


SENDERS = st.lists(
    st.builds(
        lambda number, pools, state, default, channel, area, allowance: sender(
            number, *pools, state=state, is_default=default, channel=channel, area=area,
            allowance=allowance, state_since=LATELY,
        ),
        st.integers(1, 9),
        st.sets(st.sampled_from([POOL, OTHER_POOL])),
        st.sampled_from(SenderState),
        st.booleans(),
        st.sampled_from([Channel.SMS, Channel.EMAIL]),
        st.sampled_from([None, "+1202", "+1212", "+1646"]),
        st.sampled_from([None, 5]),
    ),
    max_size=9,
    unique_by=lambda s: s.id,
)  # fmt: skip
IDS = st.integers(1, 9).map(lambda n: UUID(int=n))
TIMES = st.dictionaries(IDS, st.integers(-5, 5).map(lambda n: NOW.timestamp() + n), max_size=5)
HISTORIES = st.builds(
    History,
    sticky_sender_id=st.none() | IDS,
    lead_sender_id=st.none() | IDS,
    campaign_sender_ids=st.lists(IDS, max_size=3).map(tuple),
    campaign_pool_ids=st.lists(st.sampled_from([POOL, OTHER_POOL]), max_size=1).map(tuple),
    preferred_sender_ids=st.lists(IDS, max_size=2).map(tuple),
    area=st.sampled_from([None, "+1212"]),
    headroom=st.builds(Headroom, TIMES, TIMES),
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


def usable(sender: Sender, message: Message, history: History, *, talks: bool) -> bool:
    """The hard rules, said once more and plainly."""
    full = history.headroom.full_until.get(sender.id, 0) > NOW.timestamp()
    return (
        sender.channel is message.channel
        and sender.id not in message.tried_sender_ids
        and sender.state is not SenderState.RETIRED
        and (sender.state is not CORDONED or talks)
        and (sender.allowance is None or not full or talks)
    )


@given(MESSAGES, SENDERS, HISTORIES, st.randoms(use_true_random=False))
def test_no_choice_breaks_a_hard_rule_or_depends_on_the_order_of_rows(
    message: Message, senders: list[Sender], history: History, rng: Random
) -> None:
    got = choose(message, Candidates.of(senders), history, NOW)
    shuffled = rng.sample(senders, len(senders))
    assert choose(message, Candidates.of(shuffled), history, NOW) == got
    assert choose(message, Candidates.of(senders), history, NOW) == got
    if isinstance(got, NoSender):
        assert (got.reason is Lack.SENDER_NOT_USABLE) == (message.sender_id is not None)
        return
    talks = got.reason in {SelectionReason.STICKY_CONVERSATION, SelectionReason.MANUAL_OVERRIDE}
    assert got.sender in senders
    assert usable(got.sender, message, history, talks=talks)
    assert (message.sender_id is not None) == (got.reason is SelectionReason.MANUAL_OVERRIDE)
    if got.reason in {IN_POOL, SelectionReason.LOCAL_AREA}:
        assert message.pool_id in got.sender.pool_ids | {None}


@given(MESSAGES, SENDERS, HISTORIES)
def test_a_worse_reason_is_never_taken_while_a_better_one_has_somebody(
    message: Message, senders: list[Sender], history: History
) -> None:
    got = choose(message, Candidates.of(senders), history, NOW)
    if isinstance(got, NoSender) or got.reason is SelectionReason.MANUAL_OVERRIDE:
        return
    by_id = {s.id: s for s in senders}
    named: dict[SelectionReason, list[UUID | None]] = {
        SelectionReason.STICKY_CONVERSATION: [history.sticky_sender_id],
        SelectionReason.LEAD_ASSIGNED: [history.lead_sender_id],
        SelectionReason.CAMPAIGN_OR_SOURCE: [*history.campaign_sender_ids],
        SelectionReason.PREFERRED: [*history.preferred_sender_ids],
    }
    reasons = list(SelectionReason)
    for better, ids in named.items():
        if reasons.index(better) >= reasons.index(got.reason):
            break
        talks = better is SelectionReason.STICKY_CONVERSATION
        for sender_id in ids:
            found = by_id.get(sender_id) if sender_id is not None else None
            assert found is None or not usable(found, message, history, talks=talks)
