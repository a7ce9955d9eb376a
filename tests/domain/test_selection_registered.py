"""Selection where a country asks for registrations: who is left, and what the rules are told."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.candidates import Candidates, standing_of
from messaging.domain.choice import NO_HISTORY, Choice, History, Lack, NoSender
from messaging.domain.message import (
    Campaign,
    Channel,
    Message,
    Sender,
)
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    SenderKind,
    Standing,
    standing_in,
)
from messaging.domain.selection import choose
from messaging.domain.sender_health import SenderState
from tests.domain import fleet
from tests.domain.fleet import NOW, OTHER_POOL, POOL, TENANT

MESSAGE = replace(fleet.MESSAGE, pool_id=POOL)
NO_POOL = replace(MESSAGE, pool_id=None)
CLEAR, UNVERIFIED = Standing.CLEAR, Standing.CAMPAIGN_NOT_VERIFIED
MAIN, SIDE = (
    Campaign(UUID(int=800 + n), name, CampaignStatus.VERIFIED, name, BrandStatus.ACTIVE)
    for n, name in enumerate(("main", "side"))
)


def sender(
    number: int,
    *pools: UUID,
    standing: Standing = CLEAR,
    kind: SenderKind = SenderKind.LONG_CODE,
    campaign: Campaign | None = MAIN,
    healthy: bool = True,
    default: bool = False,
) -> Sender:
    return Sender(
        id=UUID(int=number),
        tenant_id=TENANT,
        account_id=UUID(int=700),
        channel=Channel.SMS,
        address=f"+120255501{number:02}",
        mps=1.0,
        state=SenderState.ACTIVE if healthy else SenderState.CORDONED,
        is_default=default,
        pool_ids=frozenset(pools),
        kind=kind,
        campaign=campaign,
        standing=standing,
    )


BARE = sender(1, POOL, standing=UNVERIFIED, campaign=None, default=True)
SUSPENDED = sender(2, POOL, standing=Standing.BRAND_SUSPENDED)
GOOD = sender(3, POOL)
ELSEWHERE = sender(4, OTHER_POOL, campaign=SIDE)
LOOSE = sender(5, campaign=SIDE)
TOLL_FREE = sender(
    6,
    POOL,
    standing=Standing.TOLL_FREE_NOT_VERIFIED,
    kind=SenderKind.TOLL_FREE,
    campaign=None,
)


@pytest.mark.parametrize(
    ("country", "chosen"),
    [("US", 3), ("PR", 3), ("GU", 3), ("CA", 2), ("GB", 2), ("MX", 2), (None, 2)],
)
def test_a_country_that_asks_gets_only_who_is_registered(country: str | None, chosen: int) -> None:
    group = [SUSPENDED, GOOD, TOLL_FREE]
    message = replace(MESSAGE, id=UUID(int=3 * 10**6))  # the first of however many there are
    got = choose(message, Candidates.of(group).serving(country), NO_HISTORY, NOW)
    assert isinstance(got, Choice)
    assert got.sender.id == UUID(int=chosen)


def test_neither_history_nor_default_nor_failover_leads_to_an_unregistered_sender() -> None:
    everybody = Candidates.of([BARE, GOOD]).serving("US")
    sticky = History(sticky_sender_id=BARE.id)
    got = choose(MESSAGE, everybody, sticky, NOW)
    assert isinstance(got, Choice)
    assert got.sender.id == GOOD.id
    refused = replace(MESSAGE, tried_sender_ids=(GOOD.id,))
    assert choose(refused, everybody, sticky, NOW) == NoSender(Lack.ALL_SENDERS_TRIED)
    named = replace(MESSAGE, sender_id=BARE.id)
    assert choose(named, everybody, sticky, NOW) == NoSender(Lack.SENDER_NOT_USABLE)


@pytest.mark.parametrize(
    ("message", "senders", "country", "standing", "campaign"),
    [
        # the best of the pool
        (MESSAGE, [BARE, GOOD, SUSPENDED], "US", CLEAR, MAIN),
        (MESSAGE, [BARE, SUSPENDED], "US", UNVERIFIED, None),
        (MESSAGE, [SUSPENDED], "US", Standing.BRAND_SUSPENDED, None),
        (MESSAGE, [TOLL_FREE], "US", Standing.TOLL_FREE_NOT_VERIFIED, None),
        (MESSAGE, [replace(GOOD, state=SenderState.CORDONED)], "US", CLEAR, MAIN),
        (MESSAGE, [replace(GOOD, state=SenderState.CORDONED), replace(GOOD, id=UUID(int=9), campaign=SIDE)],
         "US", CLEAR, SIDE),
        # others do not speak for the pool
        (MESSAGE, [BARE, ELSEWHERE, LOOSE], "US", UNVERIFIED, None),
        (MESSAGE, [ELSEWHERE, LOOSE], "US", Standing.NO_SENDER, None),
        (MESSAGE, [ELSEWHERE], "GB", Standing.NO_SENDER, None),
        (MESSAGE, [], None, Standing.NO_SENDER, None),
        # of all, without a pool
        (NO_POOL, [BARE, ELSEWHERE], "US", CLEAR, SIDE),
        (NO_POOL, [BARE, LOOSE], "US", CLEAR, SIDE),
        (NO_POOL, [BARE, SUSPENDED], "US", UNVERIFIED, None),
        (NO_POOL, [], "US", Standing.NO_SENDER, None),
        (replace(NO_POOL, channel=Channel.EMAIL), [GOOD], None, Standing.NO_SENDER, None),
        # who is named
        (replace(MESSAGE, sender_id=BARE.id), [BARE, GOOD], "US", UNVERIFIED, None),
        (replace(MESSAGE, sender_id=GOOD.id), [BARE, GOOD], "US", CLEAR, MAIN),
        (replace(MESSAGE, sender_id=BARE.id), [BARE, GOOD], "GB", CLEAR, None),
        (replace(MESSAGE, sender_id=UUID(int=77)), [BARE], "US", CLEAR, None),
        # a country that asks for less, or nothing
        (MESSAGE, [BARE], "CA", CLEAR, None),
        (MESSAGE, [GOOD], "CA", CLEAR, None),
        (MESSAGE, [TOLL_FREE], "CA", Standing.TOLL_FREE_NOT_VERIFIED, None),
        (MESSAGE, [TOLL_FREE, BARE], "CA", CLEAR, None),
        (MESSAGE, [TOLL_FREE], "GB", CLEAR, None),
        (MESSAGE, [BARE], None, CLEAR, None),
    ],
)  # fmt: skip
def test_what_the_rules_are_told(
    message: Message,
    senders: list[Sender],
    country: str | None,
    standing: Standing,
    campaign: Campaign | None,
) -> None:
    assert standing_of(message, Candidates.of(senders), country) == (standing, campaign)


SENDERS = st.lists(
    st.builds(
        lambda number, pools, standing, kind, healthy, default: sender(
            number, *pools, standing=standing, kind=kind, healthy=healthy, default=default
        ),
        st.integers(1, 9),
        st.sets(st.sampled_from([POOL, OTHER_POOL])),
        st.sampled_from(sorted(set(Standing) - {Standing.NO_SENDER})),
        st.sampled_from(SenderKind),
        st.booleans(),
        st.booleans(),
    ),
    max_size=9,
    unique_by=lambda s: s.id,
)
COUNTRIES = st.sampled_from(["US", "PR", "CA", "GB", None])


@given(SENDERS, COUNTRIES, st.sampled_from([POOL, OTHER_POOL, None]), st.uuids())
def test_whoever_is_chosen_is_clear_and_the_rules_were_told_so(
    senders: list[Sender], country: str | None, pool: UUID | None, message_id: UUID
) -> None:
    message = replace(MESSAGE, id=message_id, pool_id=pool)
    candidates = Candidates.of(senders)
    told, _ = standing_of(message, candidates, country)
    got = choose(message, candidates.serving(country), NO_HISTORY, NOW)
    if isinstance(got, Choice):
        assert standing_in(country or "", got.sender.kind, got.sender.standing) is CLEAR
    members = [s for s in senders if pool is None or pool in s.pool_ids]
    ranks = [standing_in(country or "", s.kind, s.standing) for s in members]
    assert told is min(ranks, key=list(Standing).index, default=Standing.NO_SENDER)


@pytest.mark.parametrize(("country", "healthy"), list(product(["US", "CA", "GB"], [True, False])))
def test_where_all_are_clear_every_country_has_the_same_choice(country: str, healthy: bool) -> None:
    group = Candidates.of(
        [
            replace(s, state=SenderState.ACTIVE if healthy else SenderState.CORDONED)
            for s in (GOOD, ELSEWHERE, LOOSE)
        ]
    )
    serving = group.serving(country)
    assert (serving.by_id, serving.pools, serving.defaults) == (
        group.by_id,
        group.pools,
        group.defaults,
    )


def test_after_a_refusal_nobody_of_another_campaign_is_asked() -> None:
    """Carriers call that snowshoeing. Only a campaign that still stands binds."""
    refused = replace(MESSAGE, pool_id=None, tried_sender_ids=(GOOD.id,))
    same = sender(7, POOL)
    for others, country, expected in (
        ([ELSEWHERE, same], "US", same.id),
        ([ELSEWHERE], "US", Lack.ALL_SENDERS_TRIED),
        ([ELSEWHERE], "GB", ELSEWHERE.id),  # no campaign is asked for there
    ):
        got = choose(refused, Candidates.of([GOOD, *others]).serving(country), NO_HISTORY, NOW)
        assert (got.sender.id if isinstance(got, Choice) else got.reason) == expected
    lapsed = replace(GOOD, standing=UNVERIFIED)
    got = choose(refused, Candidates.of([lapsed, ELSEWHERE]).serving("US"), NO_HISTORY, NOW)
    assert isinstance(got, Choice)
    assert got.sender.id == ELSEWHERE.id
