"""What is told is written in the transaction of the step, for whoever wants to know and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from standardwebhooks import WebhookVerificationError

from messaging import endpoints, erasure, maintenance, signing
from messaging.deliveries import notice_id
from messaging.domain.compliance.keywords import Keyword
from messaging.domain.lifecycle import CORRECTIONS, TRANSITIONS, Event, Status
from messaging.domain.message import Channel
from messaging.domain.notices import KINDS, Kind
from messaging.endpoints import Changes
from messaging.store import messages, notices, tenants
from messaging.store.messages import Move
from messaging.store.tenants import Tenant
from tests.dispatch.telling import Telling
from tests.receiver import Receiver, receiver
from tests.world import RECIPIENT

STEPS = [
    (before, event, after)
    for table in (TRANSITIONS, CORRECTIONS)
    for before, moves in table.items()
    for event, after in moves.items()
]


@pytest.mark.parametrize(("before", "event", "after"), STEPS)
def test_each_step_tells_what_it_leads_to_or_nothing(
    telling: Telling, customer: Receiver, before: Status, event: Event, after: Status
) -> None:
    made = telling.add(customer)
    message_id = telling.world.put_one()
    telling.world.run(
        "UPDATE messages SET status = CAST(:s AS message_status) WHERE id = :id",
        s=before.value,
        id=message_id,
    )
    telling.step(message_id, event, reason="why")
    found = telling.notices()
    assert [row["kind"] for row in found] == ([KINDS[after]] if after in KINDS else [])
    for row in found:
        assert (row["endpoint_id"], row["tenant_id"]) == (made.id, telling.world.tenant.id)
        assert row["message_id"] == message_id
        assert row["data"] == {
            "message_id": str(message_id),
            "epoch": telling.world.row(message_id)["epoch"],
            "status": after.value,
            "reason": "why",
            "provider_code": None,
        }


def test_a_step_that_is_rolled_back_or_not_made_tells_nothing(
    telling: Telling, customer: Receiver
) -> None:
    telling.add(customer)
    message_id = telling.world.put_one()
    cancel = Move(message_id, 0, Status.QUEUED, Event.CANCELED, Status.CANCELED)
    with telling.rt.engine.connect() as db:
        assert messages.move(db, [cancel])
        db.rollback()
    with telling.rt.engine.begin() as db:
        late = Move(message_id, 1, Status.QUEUED, Event.CANCELED, Status.CANCELED)
        assert not messages.move(db, [late])
    assert telling.notices() == []


def test_only_who_wants_to_know_is_told(telling: Telling, customer: Receiver) -> None:
    stranger = Tenant(telling.rt.new_id(), "stranger", "US")
    with telling.rt.engine.begin() as db:
        tenants.add(db, stranger)
    with receiver() as failures, receiver() as other, receiver() as disabled:
        wants = telling.add(customer)
        telling.add(failures, [Kind.FAILED])
        telling.add(other, tenant=stranger)
        off = telling.add(disabled)
        endpoints.change(telling.rt, telling.world.tenant, off.id, Changes(enabled=False))
        telling.sent(Event.DELIVERED)
        assert {row["endpoint_id"] for row in telling.notices()} == {wants.id}
        assert telling.deliver() == "2 delivered"
        assert customer.kinds == ["message.sent", "message.delivered"]
        assert (failures.heard, other.heard, disabled.heard) == ([], [], [])


def test_what_is_told_is_thin_signed_and_dated(telling: Telling, customer: Receiver) -> None:
    made = telling.add(customer)
    message_id = telling.world.put_one(metadata={"order": 7}, campaign="spring", body="Secret text")
    telling.step(message_id, Event.ATTEMPTED, Event.ACCEPTED)
    telling.deliver()
    (heard,) = customer.heard
    (row,) = telling.notices()
    content = heard.verified(telling.secrets[made.id])
    assert content == heard.content
    assert content == {
        "type": "message.sent",
        "timestamp": row["at"].astimezone().isoformat().replace("+00:00", "Z"),
        "data": {
            "message_id": str(message_id), "epoch": 1, "status": "sent", "reason": None,
            "provider_code": None, "channel": "sms", "campaign": "spring", "lead": None,
            "segments": 1, "metadata": {"order": 7},
        },
    }  # fmt: skip
    assert heard.id == notice_id(telling.rt, row["id"])
    assert heard.headers["content-type"] == "application/json"
    assert RECIPIENT.encode() not in heard.body
    assert b"Secret" not in heard.body
    with pytest.raises(WebhookVerificationError):
        heard.verified(signing.new_secret())
    assert not signing.verified(telling.secrets[made.id], heard.headers, heard.body + b" ")
    assert row["state"] == "delivered"
    assert (row["tries"], row["last_status"], row["last_error"]) == (1, 204, None)


def test_an_inbound_message_is_told(telling: Telling, customer: Receiver) -> None:
    telling.add(customer)
    ids = telling.rt.new_id(), telling.rt.new_id()
    with telling.rt.engine.begin() as db:
        told = notices.told_inbound(db, telling.world.tenant.id, *ids, Keyword.STOP, Channel.SMS)
    assert told == 1
    telling.deliver()
    (heard,) = customer.heard
    assert (heard.kind, heard.content["data"]) == (
        "message.received",
        {
            "inbound_id": str(ids[0]),
            "conversation_id": str(ids[1]),
            "channel": "sms",
            "keyword": Keyword.STOP.value,
        },
    )


def test_what_was_erased_meanwhile_is_not_told(telling: Telling, customer: Receiver) -> None:
    telling.add(customer)
    message_id = telling.world.put_one(metadata={"name": "Zoe"}, lead="zoe")
    telling.step(message_id, Event.ATTEMPTED, Event.ACCEPTED, Event.DELIVERED)
    assert "zoe" not in str(telling.notices()).lower()
    telling.world.run("DELETE FROM open_attempts")  # nothing of it is under way
    erasure.erase(telling.rt, telling.world.tenant, Channel.SMS, RECIPIENT)
    telling.deliver()
    assert customer.kinds == ["message.sent", "message.delivered"]
    assert all("zoe" not in heard.body.decode().lower() for heard in customer.heard)


def test_while_a_secret_is_replaced_both_sign(telling: Telling, customer: Receiver) -> None:
    made = telling.add(customer)
    old = telling.secrets[made.id]
    _, new = endpoints.rotate(telling.rt, telling.world.tenant, made.id)
    telling.sent()
    telling.deliver()
    (heard,) = customer.heard
    assert heard.verified(old) == heard.verified(new)
    assert len(heard.headers["webhook-signature"].split(" ")) == 2
    telling.world.run("UPDATE endpoints SET previous_until = now()")
    telling.sent()
    telling.deliver()
    assert signing.verified(new, customer.heard[-1].headers, customer.heard[-1].body)
    assert not signing.verified(old, customer.heard[-1].headers, customer.heard[-1].body)


@pytest.mark.parametrize("kind", Kind)
def test_an_example_is_tried_once(telling: Telling, customer: Receiver, kind: Kind) -> None:
    made = telling.add(customer, [Kind.SENT])
    customer.says(500)
    number = endpoints.try_out(telling.rt, telling.world.tenant, made.id, kind)
    assert telling.deliver() == "1 dead"
    (heard,) = customer.heard
    assert (heard.id, heard.kind, heard.content["data"]["test"]) == (
        notice_id(telling.rt, number),
        kind,
        True,
    )


def test_what_is_due_is_hinted_and_what_is_old_is_forgotten(
    telling: Telling, customer: Receiver
) -> None:
    made = telling.add(customer)
    telling.sent()
    assert "notices.deliver" in maintenance.hint_due(telling.rt)
    telling.deliver()
    assert "notices.deliver" not in maintenance.hint_due(telling.rt)
    telling.sent()
    telling.age(timedelta(days=29))
    maintenance.prune(telling.rt)
    assert telling.states() == ["delivered", "waiting"]
    telling.world.run("UPDATE notices SET at = at - interval '2 days' WHERE state = 'delivered'")
    maintenance.prune(telling.rt)
    assert telling.states() == ["waiting"]
    endpoints.remove(telling.rt, telling.world.tenant, made.id)
    telling.make_due()
    assert telling.deliver() == "nobody to tell"
    assert "notices.deliver" not in maintenance.hint_due(telling.rt)
    telling.age(timedelta(days=2))
    maintenance.prune(telling.rt)
    assert telling.states() == []
