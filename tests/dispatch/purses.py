"""A tenant that is billed, and what its ledger must always come to."""

from __future__ import annotations

from decimal import Decimal

from messaging import billing
from messaging.domain.pricing import Price
from messaging.store.budgets import Budget
from tests.world import World

PRICE = Decimal("0.01")


def bill(world: World, amount: str, price: Decimal = PRICE) -> None:
    """Bill the world's tenant at one price, with so much to spend."""
    rt, tenant = world.rt, world.tenant
    billing.enable(rt, tenant, "USD")
    billing.set_prices(rt, tenant, [Price(price, "USD", own=True)])
    if Decimal(amount):
        billing.top_up(rt, tenant, Decimal(amount))


def budget(world: World) -> Budget:
    return billing.show(world.rt, world.tenant)


def of_kind(world: World, kind: str) -> Decimal:
    query = "SELECT coalesce(sum(amount), 0) AS n FROM charges WHERE kind = :kind"
    found: Decimal = world.rows(query, kind=kind)[0]["n"]
    return found


def spent(world: World) -> Decimal:
    """What was reserved and did not come back."""
    return of_kind(world, "reserve") - of_kind(world, "refund")


def bills(world: World) -> dict[str, Decimal]:
    """The sum of the messages' prices, by what became of them."""
    rows = world.rows("""
    SELECT billing_status, sum(billable_amount) AS n FROM messages
    WHERE billing_status IS NOT NULL GROUP BY 1""")
    return {row["billing_status"]: row["n"] for row in rows}


def check(world: World) -> None:
    """Nothing is lost: what was put in is there, reserved, or settled, message by message."""
    now, by_status = budget(world), bills(world)
    settled = of_kind(world, "settle")
    assert now.balance + now.reserved + settled == of_kind(world, "top_up")
    assert now.reserved == by_status.get("reserved", 0)
    assert settled == by_status.get("settled", 0)
    assert spent(world) == now.reserved + settled
    assert min(now.balance, now.reserved, settled) >= 0
