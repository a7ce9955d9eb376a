"""An endpoint that fails is asked less, one that asks for a pause gets it, one that is gone is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messaging import deliveries, endpoints
from messaging.courier import Courier
from messaging.domain.errors import ConflictError
from messaging.endpoints import Changes
from tests.dispatch.telling import Telling
from tests.receiver import Receiver, Says


def test_who_is_gone_is_told_no_more(telling: Telling, customer: Receiver) -> None:
    made = telling.add(customer)
    telling.sent()
    customer.says(410)
    assert telling.deliver() == "1 dead"
    found = telling.look(made)
    assert (found.disabled_reason, found.disabled_at is not None) == ("gone", True)
    telling.sent()
    assert len(telling.notices()) == 1
    with pytest.raises(ConflictError, match="disabled"):
        endpoints.try_out(telling.rt, telling.world.tenant, made.id)
    customer.says(204)
    enabled = endpoints.change(telling.rt, telling.world.tenant, made.id, Changes(enabled=True))
    assert (enabled.disabled_at, enabled.failing_since) == (None, None)
    telling.sent()
    assert telling.deliver() == "1 delivered"


def test_who_fails_for_five_days_is_told_no_more(telling: Telling, customer: Receiver) -> None:
    made = telling.add(customer)
    telling.sent()
    customer.says(500)
    for hours in range(0, 120, 20):
        telling.rt.ahead = timedelta(hours=hours)
        telling.make_due()
        telling.deliver()
        telling.world.run(
            "UPDATE notices SET gives_up_at = now() + interval '9 days', state = 'waiting'"
        )
        assert telling.look(made).disabled_at is None, hours
    telling.rt.ahead = timedelta(hours=120)
    telling.make_due()
    telling.deliver()
    assert telling.look(made).disabled_reason == "failing"


def test_one_success_ends_a_streak(telling: Telling, customer: Receiver) -> None:
    made = telling.add(customer)
    telling.sent()
    customer.says(500, 204)
    telling.deliver()
    assert telling.look(made).failing_since is not None
    telling.make_due()
    telling.deliver()
    assert telling.look(made).failing_since is None


def test_a_pause_that_is_asked_for_is_kept(telling: Telling, customer: Receiver) -> None:
    made = telling.add(customer)
    telling.sent()
    customer.answers = lambda _: Says(429, {"retry-after": "600"})
    assert telling.deliver() == "1 put off"
    (row,) = telling.notices()
    assert row["due_at"] - telling.rt.now() > timedelta(minutes=9)
    assert telling.look(made).paused_until is not None
    telling.sent()
    assert telling.deliver() == "nobody to tell"
    assert len(customer.heard) == 1
    customer.says(204)
    telling.world.run("UPDATE endpoints SET paused_until = now()")
    telling.make_due()
    telling.deliver()
    assert telling.states() == ["delivered", "delivered"]


def test_who_fails_is_asked_one_thing_at_a_time(telling: Telling, customer: Receiver) -> None:
    telling.add(customer)
    telling.sent()
    customer.says(500)
    telling.deliver()
    for _ in range(20):
        telling.sent()
    telling.make_due()
    customer.most_at_once = 0
    telling.deliver()
    assert customer.most_at_once == 1


def test_a_name_that_leads_inside_by_now_is_not_posted_to(
    telling: Telling, customer: Receiver
) -> None:
    telling.add(customer)
    telling.sent()
    guarded = Courier()  # nothing of ours is allowed any more
    assert deliveries.run(telling.rt, guarded) == "1 put off"
    assert telling.notices()[0]["last_error"] == "not_public"
    assert customer.connections == 0
    guarded.close()
