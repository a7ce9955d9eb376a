"""An SMS as Leadping's document has it: fourteen statuses with their times, ids, money, compliance."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from messaging.domain.lifecycle import Status
from messaging.runtime import Runtime
from messaging.store import tables as t
from tests.api.conftest import Caller
from tests.api.facades.leadping_calls import a_thread, sent

__all__ = ["a_thread"]
AT = "2026-03-01T12:00:00Z"


def test_money_is_a_decimal_in_a_string(rt: Runtime, http: httpx.Client, thread: str) -> None:
    found = sent(http, thread)
    with rt.engine.begin() as db:
        mine = sa.update(t.messages).where(t.messages.c.id == UUID(found["id"]))
        db.execute(mine.values(billable_amount=Decimal("0.0079"), billing_status="reserved"))
    found = http.get(f"/leadping/sms/{found['id']}").json()
    assert (found["billableAmount"], found["billingStatus"]) == ("0.007900", "reserved")
    assert re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", found["billableAmount"])


@pytest.mark.parametrize(
    ("status", "columns", "shown"),
    [
        (Status.DRAFT, {}, {"statusReason": None}),
        (Status.SCHEDULED, {"scheduled_for": AT}, {"scheduledFor": AT}),
        (
            Status.QUEUED,
            {"attempts": 2, "next_attempt_at": AT},
            {"retryCount": "1", "nextRetryAt": AT},
        ),
        (Status.SENDING, {"sending_started_at": AT}, {"sendingStartedAt": AT}),
        (
            Status.SENT,
            {"sent_at": AT, "provider_message_id": "SM1", "sender_id": "own"},
            {"sentAt": AT, "providerMessageId": "SM1", "telnyxId": None,
             "fromPhoneNumber": "+12025550199"},
        ),
        (Status.RECEIVED, {"received_at": AT}, {"receivedAt": AT}),
        (Status.DELIVERED, {"delivered_at": AT}, {"deliveredAt": AT, "statusReason": None}),
        (
            Status.FAILED,
            {"failed_at": AT, "provider_code": "30008"},
            {"failedAt": AT, "errorCode": "30008", "trafficType": "FailedAttempt"},
        ),
        (Status.UNDELIVERABLE, {"undeliverable_at": AT}, {"undeliverableAt": AT}),
        (Status.OPTED_OUT, {"blocked_at": AT}, {"blockedAt": AT}),
        (Status.BLOCKED_COMPLIANCE, {"blocked_at": AT}, {"blockedAt": AT}),
        (Status.BLOCKED_BILLING, {"blocked_at": AT}, {"blockedAt": AT}),
        (Status.BLOCKED_MISSING_CAMPAIGN, {"blocked_at": AT}, {"blockedAt": AT}),
        (
            Status.CANCELED,
            {"canceled_at": AT, "status_reason": "canceled_by_caller"},
            {"canceledAt": AT, "cancelReason": "canceled_by_caller"},
        ),
    ],
)  # fmt: skip
def test_each_of_the_fourteen_statuses_is_shown_with_its_time(
    rt: Runtime,
    http: httpx.Client,
    caller: Caller,
    thread: str,
    status: Status,
    columns: dict[str, Any],
    shown: dict[str, Any],
) -> None:
    id_ = sent(http, thread)["id"]
    own = {k: caller.sender.id if v == "own" else v for k, v in columns.items()}
    with rt.engine.begin() as db:
        mine = sa.update(t.messages).where(t.messages.c.id == UUID(id_))
        db.execute(mine.values(status=status.value, **own))
    found = http.get(f"/leadping/sms/{id_}").json()
    assert found["status"] == status.value
    assert {name: found[name] for name in shown} == shown
    happy = {Status.DRAFT, Status.QUEUED, Status.SENDING, Status.SENT, Status.DELIVERED}
    assert (found["statusReason"] is None) == (status in happy)


def test_telnyx_ids_and_campaigns_are_shown(
    rt: Runtime, http: httpx.Client, caller: Caller, thread: str
) -> None:
    id_ = sent(http, thread)["id"]
    with rt.engine.begin() as db:
        of = t.provider_accounts
        db.execute(sa.update(of).where(of.c.id == caller.account.id).values(provider="telnyx"))
        mine = sa.update(t.messages).where(t.messages.c.id == UUID(id_))
        db.execute(mine.values(sender_id=caller.sender.id, provider_message_id="40318"))
    found = http.get(f"/leadping/sms/{id_}").json()
    assert (found["telnyxId"], found["providerMessageId"]) == ("40318", "40318")
    assert found["outboundPhoneNumberId"] == found["fromPhoneNumberId"] == str(caller.sender.id)
    assert found["tenDlcCampaignId"]


@pytest.mark.parametrize(
    ("outcome", "action"), [("allow", "allow"), ("defer", "reschedule"), ("block", "block")]
)
def test_compliance_says_what_it_did(
    rt: Runtime, http: httpx.Client, caller: Caller, thread: str, outcome: str, action: str
) -> None:
    id_ = sent(http, thread)["id"]
    with rt.engine.begin() as db:
        values = {"at": rt.now(), "tenant_id": caller.tenant.id, "message_id": UUID(id_)}
        values |= {
            "stage": "dispatch",
            "version": "1",
            "reason": "quiet_hours",
            "rule": "quiet_hours",
        }
        db.execute(sa.insert(t.verdicts).values(outcome=outcome, **values))
    assert http.get(f"/leadping/sms/{id_}").json()["complianceAction"] == action
