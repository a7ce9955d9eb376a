"""Crashes, receipts, top-ups and caps in any order: the ledger adds up after every step."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from messaging import billing, telemetry
from messaging.domain.pricing import Price
from messaging.store import balances
from tests.dispatch.purses import PRICE, bill, budget, check
from tests.dispatch.test_random_walk import Walk
from tests.world import World

STEPS = 90


class BilledWalk(Walk):
    """A walk of a tenant that often has no money."""

    def __init__(self, world: World, rng: random.Random) -> None:
        super().__init__(world, rng)
        bill(world, str(5 * PRICE))
        self.steps = [
            *self.steps,
            *[self.pay] * 3,
            self.cap,
            self.dearer,
            self.rolled_back,
        ]

    def pay(self) -> None:
        billing.top_up(self.world.rt, self.world.tenant, PRICE * self.rng.randint(1, 5))

    def cap(self) -> None:
        cap = self.rng.choice([None, 10 * PRICE, 100 * PRICE])
        billing.cap_day(self.world.rt, self.world.tenant, cap)

    def dearer(self) -> None:
        amount = self.rng.choice([PRICE / 2, PRICE, 2 * PRICE])
        price = Price(amount, "USD", own=True)
        billing.set_prices(self.world.rt, self.world.tenant, [price])

    def rolled_back(self) -> None:
        """A worker dies with a purse in its hands."""
        tenant = self.world.tenant.id
        with self.world.rt.engine.connect() as db:
            purse = balances.purses(db, [tenant], self.world.rt.now().date())[tenant]
            asked = balances.Charge(self.rng.choice(self.ids), tenant, None, PRICE, PRICE)
            if purse.balance >= PRICE:
                balances.keep(db, [asked], self.world.rt.now().date())
            db.rollback()

    def finish(self) -> None:
        """The next day has come for whatever a cap put off to it."""
        self.world.run("UPDATE scheduled SET due_at = due_at - interval '1 day'")
        super().finish()

    def check(self) -> None:
        super().check()
        check(self.world)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_the_ledger_adds_up(world: World, seed: int) -> None:
    telemetry.configure("error", json=True)
    rng = random.Random(seed)
    walk = BilledWalk(world, rng)
    walk.put()
    for _ in range(STEPS):
        rng.choice(list(walk.steps))()
        walk.check()
    walk.check_carrier()
    billing.cap_day(world.rt, world.tenant, None)
    billing.top_up(world.rt, world.tenant, Decimal(100))
    walk.finish()
    walk.check()
    assert budget(world).reserved == 0
