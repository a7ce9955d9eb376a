"""A claim shared out among tenants: by weight, without waste, and nobody for ever last."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.domain.fairness import NOBODY, REMEMBERED, Due, Turns, fair, reach, shares

DEEP = 1_000_000


def due(*parts: tuple[float, int]) -> list[Due]:
    """Tenants 1, 2, ... by weight and depth."""
    return [Due(UUID(int=n), weight, depth) for n, (weight, depth) in enumerate(parts, 1)]


def numbers(quotas: dict[UUID, int]) -> dict[int, int]:
    return {tenant_id.int: quota for tenant_id, quota in quotas.items()}


CASES = [
    ("one alone has all of it", due((1, DEEP)), 250, {1: 250}),
    ("one alone has no more than it has", due((1, 3)), 250, {1: 3}),
    ("equals share", due((1, DEEP), (1, DEEP)), 250, {1: 125, 2: 125}),
    ("three to one", due((3, DEEP), (1, DEEP)), 200, {1: 150, 2: 50}),
    ("a single message, and the rest", due((1, DEEP), (1, 1)), 250, {1: 249, 2: 1}),
    ("what a heavy one leaves", due((9, 10), (1, DEEP)), 100, {1: 10, 2: 90}),
    ("what two leave, by weight", due((1, 1), (2, DEEP), (1, DEEP)), 100, {1: 1, 2: 66, 3: 33}),
    ("less than the batch", due((1, 2), (5, 3)), 250, {1: 2, 2: 3}),
    ("nobody", [], 250, {}),
]


@pytest.mark.parametrize(
    ("tenants", "batch", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_claim_is_shared_by_weight_and_nothing_is_wasted(
    tenants: list[Due], batch: int, expected: dict[int, int]
) -> None:
    assert numbers(shares(tenants, {}, batch)[0]) == expected


def test_single_messages_go_round() -> None:
    turns = Turns()
    taken = [numbers(turns.share(due((1, 9), (1, 9), (1, 9)), 1)) for _ in range(6)]
    assert sorted(map(tuple, taken[:3])) == sorted(map(tuple, taken[3:])) == [(1,), (2,), (3,)]


def test_who_had_everything_is_owed_nothing() -> None:
    _, owed = shares(due((1, DEEP), (1, 2), (1, DEEP)), {UUID(int=2): 0.9}, 250)
    assert owed.keys() == {UUID(int=1), UUID(int=3)}


def test_a_look_that_saw_everybody_forgets_who_is_not_there() -> None:
    turns = Turns()
    turns.share(due((1, 9), (1, 9), (1, 9)), 1)
    turns.looked(2, None)
    turns.share(due((1, 9)), 1)
    assert turns._deficits.keys() == {UUID(int=1)}
    assert (turns.alone, turns.before) == (False, NOBODY)
    turns.looked(1, None)
    assert turns.alone


def test_only_so_many_deficits_are_kept() -> None:
    turns = Turns()
    turns.looked(200, UUID(int=5))
    for start in range(0, REMEMBERED + 400, 200):
        turns.share([Due(UUID(int=start + n), 1.0, DEEP) for n in range(200)], 250)
    assert turns.before == UUID(int=5)
    assert len(turns._deficits) == REMEMBERED
    assert UUID(int=REMEMBERED + 399) in turns._deficits


def test_whoever_waits_longest_is_counted_to_the_whole_batch_and_others_to_twice_their_part() -> (
    None
):
    assert reach([1.0], 250) == [250]
    assert reach([1.0, 1.0, 2.0], 100) == [100, 58, 100]
    assert reach([1.0] * 200, 250)[1:] == [11] * 199


tenants_ = st.lists(
    st.tuples(st.floats(0.01, 100), st.integers(1, 400)), min_size=1, max_size=40
).map(lambda parts: due(*parts))


@given(tenants=tenants_, batch=st.integers(1, 300), owed=st.lists(st.floats(-2, 2), max_size=40))
def test_quotas_are_what_there_is_up_to_the_batch(
    tenants: list[Due], batch: int, owed: list[float]
) -> None:
    deficits = {UUID(int=n): d for n, d in enumerate(owed, 1)}
    quotas, _ = shares(tenants, deficits, batch)
    depth = {one.tenant_id: one.depth for one in tenants}
    assert sum(quotas.values()) == min(batch, sum(depth.values()))
    assert all(1 <= quota <= depth[tenant_id] for tenant_id, quota in quotas.items())
    parts = fair(tenants, batch)
    assert sum(parts.values()) == pytest.approx(min(batch, sum(depth.values())))


@given(
    weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=30),
    batches=st.lists(st.integers(1, 250), min_size=1, max_size=60),
)
def test_over_time_each_gets_its_share_to_within_two_messages(
    weights: list[float], batches: list[int]
) -> None:
    turns, taken = Turns(), dict.fromkeys(range(1, len(weights) + 1), 0)
    for batch in batches:
        for tenant, quota in numbers(
            turns.share(due(*((w, DEEP) for w in weights)), batch)
        ).items():
            taken[tenant] += quota
    for tenant, weight in enumerate(weights, 1):
        assert abs(taken[tenant] - sum(batches) * weight / sum(weights)) < 2


@given(
    weights=st.lists(st.floats(0.5, 10), min_size=1, max_size=8),
    batch=st.integers(1, 50),
)
def test_nobody_starves(weights: list[float], batch: int) -> None:
    turns, seen = Turns(), set[UUID]()
    for _ in range(int(3 * sum(weights) / min(weights) / batch) + 3):
        seen |= turns.share(due(*((w, DEEP) for w in weights)), batch).keys()
    assert len(seen) == len(weights)
