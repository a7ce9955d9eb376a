"""Who pays for a message, when it is blocked for want of money, and what sets it free."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from messaging import billing, dispatch, intake, maintenance, plan, store, telemetry
from messaging.dispatch import Summary
from messaging.domain.failures import Failure, Kind
from messaging.domain.message import Queue, Traffic
from messaging.domain.pricing import Price
from messaging.domain.spending import NOTHING
from messaging.store import balances
from tests.carrier import Reply, accepted, refused
from tests.dispatch.purses import PRICE, bill, budget, check, spent
from tests.world import World, at_once

SID = "SM" + "7" * 32


def price(world: World, message_id: object) -> tuple[Decimal | None, str | None]:
    row = world.rows("SELECT * FROM messages WHERE id = :id", id=message_id)[0]
    return row["billable_amount"], row["billing_status"]


def test_who_is_not_billed_is_asked_for_nothing(world: World) -> None:
    message = world.put_one()
    world.send()
    assert world.status(message) == "sent"
    assert price(world, message) == (None, None)
    assert world.rows("SELECT 1 FROM charges") == []


def test_a_price_is_reserved_with_the_attempt_and_settled_when_it_is_taken(world: World) -> None:
    bill(world, "1")
    message = world.put_one(segments=3)
    world.take()
    assert price(world, message) == (3 * PRICE, "reserved")
    assert budget(world).balance == 1 - 3 * PRICE
    assert budget(world).reserved == 3 * PRICE
    world.settle()
    assert price(world, message) == (3 * PRICE, "settled")
    assert budget(world).reserved == 0
    assert budget(world).spent_today == 3 * PRICE
    check(world)


@pytest.mark.parametrize("reply", [refused(400, 21211), refused(401, 20003)])
def test_what_nobody_took_is_given_back(world: World, reply: Reply) -> None:
    bill(world, "1")
    world.carrier.answer = lambda _: reply
    message = world.put_one()
    world.send()
    assert world.status(message) in {"failed", "undeliverable"}
    assert price(world, message) == (PRICE, "refunded")
    assert budget(world).balance == 1
    assert budget(world).spent_today == 0
    check(world)


def test_a_retry_keeps_its_reservation_and_pays_the_difference(world: World) -> None:
    bill(world, "1")
    world.carrier.answer = lambda _: Failure(Kind.NOT_SENT, "connect", "No connection.")
    message = world.put_one()
    world.send()
    assert (world.status(message), price(world, message)) == ("queued", (PRICE, "reserved"))
    billing.set_prices(world.rt, world.tenant, [Price(2 * PRICE, "USD", own=True)])
    world.carrier.answer = lambda _: accepted()
    world.run("UPDATE ready SET due_at = now()")
    world.send()
    assert price(world, message) == (2 * PRICE, "settled")
    assert budget(world).balance == 1 - 2 * PRICE
    check(world)


@pytest.mark.parametrize(
    ("words", "settled"),
    [
        (["delivered"], True),
        (["undelivered"], True),
        (["failed"], False),
        (["failed", "delivered"], True),
        (["failed", "failed", "undelivered", "delivered", "delivered"], True),
    ],
)
def test_receipts_put_a_bill_right(world: World, words: list[str], *, settled: bool) -> None:
    bill(world, "1")
    world.carrier.answer = lambda _: accepted(SID)
    message = world.put_one()
    world.send()
    for word in words:
        world.report(SID, word)
        world.applied()
        check(world)
    assert price(world, message) == (PRICE, "settled" if settled else "refunded")
    assert spent(world) == (PRICE if settled else 0)


def test_a_message_called_off_while_it_waits_for_its_retry_costs_nothing(world: World) -> None:
    bill(world, "1")
    world.carrier.answer = lambda _: Failure(Kind.NOT_SENT, "connect", "No connection.")
    message = world.put_one()
    world.send()
    intake.cancel(world.rt, world.tenant, message)
    assert price(world, message) == (PRICE, "refunded")
    check(world)


@pytest.mark.parametrize("traffic", [Traffic.WARMUP, Traffic.TEST, Traffic.SYSTEM_INTERNAL])
def test_traffic_that_is_no_business_is_free_even_without_money(
    world: World, traffic: Traffic
) -> None:
    bill(world, "0")
    message = world.put_one(traffic=traffic)
    world.send()
    assert (world.status(message), price(world, message)) == ("sent", (NOTHING, "excluded"))
    assert spent(world) == 0


def test_what_has_no_price_waits_for_one(world: World) -> None:
    billing.enable(world.rt, world.tenant, "USD")
    billing.top_up(world.rt, world.tenant, Decimal(1))
    message = world.put_one()
    world.send()
    assert (world.status(message), world.row(message)["status_reason"]) == (
        "blocked_billing",
        "no_price",
    )
    billing.set_prices(world.rt, world.tenant, [Price(PRICE, "EUR", own=True)])
    world.run("UPDATE ready SET due_at = now()")
    world.send()
    assert world.status(message) == "blocked_billing"  # in another currency there is none either
    billing.set_prices(world.rt, world.tenant, [Price(PRICE, "USD", country="US")])
    world.run("UPDATE ready SET due_at = now()")
    world.send()
    assert price(world, message) == (PRICE, "settled")


def test_a_top_up_sets_free_what_it_pays_for_oldest_first(world: World) -> None:
    bill(world, "0")
    ids = world.put(5)
    assert world.send().blocked == {"insufficient_balance": 5}
    assert [world.status(i) for i in ids] == ["blocked_billing"] * 5
    billing.top_up(world.rt, world.tenant, 2 * PRICE)
    world.send()
    assert sorted(world.status(i) for i in ids) == ["blocked_billing"] * 3 + ["sent"] * 2
    billing.top_up(world.rt, world.tenant, 10 * PRICE)
    world.send()
    assert {world.status(i) for i in ids} == {"sent"}
    assert world.rows("SELECT 1 FROM held") == []
    assert budget(world).balance == 7 * PRICE
    check(world)


def test_money_that_comes_back_pays_for_somebody_else(world: World) -> None:
    bill(world, str(PRICE))
    world.carrier.answer = lambda _: accepted(SID)
    first = world.put_one()
    world.send()
    second = world.put_one()
    world.send()
    assert world.status(second) == "blocked_billing"
    world.report(SID, "failed")
    world.applied()
    with world.rt.engine.begin() as db:  # as the next batch would
        balances.purses(db, [world.tenant.id], world.rt.now().date())
    maintenance.sweep(world.rt)
    world.send()
    assert (world.status(first), world.status(second)) == ("failed", "sent")
    check(world)


def test_what_a_provider_did_not_send_for_want_of_its_money_is_set_free_by_hand(
    world: World,
) -> None:
    world.carrier.answer = lambda _: refused(400, 10001)
    message = world.put_one()
    world.send()
    assert world.status(message) == "blocked_billing"
    maintenance.sweep(world.rt)
    assert world.status(message) == "blocked_billing"
    assert billing.release_all(world.rt, world.tenant) == 1
    assert world.status(message) == "queued"


def test_a_claim_that_was_taken_back_costs_nothing(world: World) -> None:
    bill(world, "1")
    message = world.put_one()
    lost = sa.text("DELETE FROM claims")
    before = plan.decide

    def late(*args: object) -> object:
        decided = before(*args)  # type: ignore[arg-type]
        with world.rt.engine.begin() as db:
            db.execute(lost)
        return decided

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "decide", late)
        world.take()
    assert world.status(message) == "queued"
    assert budget(world).balance == 1
    assert spent(world) == 0


WORKERS, CAP = 64, 100


@pytest.mark.parametrize("limit", ["balance", "day", "campaign"])
def test_64_workers_never_spend_more_than_they_may(
    world: World, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cap = CAP * PRICE
    bill(world, str(cap) if limit == "balance" else "1000")
    if limit == "day":
        billing.cap_day(world.rt, world.tenant, cap)
    if limit == "campaign":
        billing.cap_campaign(world.rt, world.tenant, "spring", cap)
    world.put(6 * WORKERS, campaign="spring")

    def work() -> None:
        window = world.a_window()
        for _ in range(3):
            dispatch.take(world.rt, window, Queue.NORMAL, 4, Summary())
        window.drain(5)

    crowded = store.connect(world.rt.settings.database_url, name="crowd", pool_size=80)
    with monkeypatch.context() as patch:
        patch.setattr(world.rt, "engine", crowded)  # as 64 processes have one each
        at_once(*[work] * WORKERS)
    crowded.dispose()
    assert world.rows("SELECT count(*) AS n FROM messages WHERE status = 'sent'")[0]["n"] == CAP
    assert spent(world) == cap == budget(world).spent_today
    check(world)


def test_a_batch_that_waits_too_long_for_the_purse_is_given_back(world: World) -> None:
    telemetry.configure("critical", json=True)
    bill(world, "1")
    message = world.put_one()
    with world.rt.engine.begin() as db:
        balances.purses(db, [world.tenant.id], world.rt.now().date())
        world.take()
        (row,) = world.ready()
        assert (row["message_id"], row["queue"]) == (message, "normal")
    world.run("UPDATE ready SET due_at = now()")
    world.send()
    assert world.status(message) == "sent"
    check(world)
