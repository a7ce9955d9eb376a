"""An SMS as Leadping's document has it: 39 properties, numbers as strings."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from messaging import explaining, threads
from messaging.api import schema
from messaging.domain.lifecycle import Status
from messaging.domain.message import SelectionReason, Traffic
from messaging.explaining import Explanation
from messaging.runtime import Runtime
from messaging.store.tenants import Tenant
from messaging.store.views import MessageView

_WELL = frozenset({Status.DRAFT, Status.QUEUED, Status.SENDING, Status.SENT, Status.DELIVERED})
"""Where a message is in order, and nothing has to be said of it."""
_LOST = frozenset({Status.FAILED, Status.UNDELIVERABLE})
ASKED_FOR = "fromPhoneNumberId"
"""What a message remembers in its metadata of the number that was proposed for it."""
_ACTIONS = {"allow": "allow", "defer": "reschedule", "block": "block"}


class SmsBody(BaseModel):
    """An SMS as it is now; times are UTC."""

    model_config = ConfigDict(alias_generator=to_camel)

    telnyx_id: str | None
    provider_message_id: str | None
    conversation_id: str
    lead_id: str
    from_phone_number_id: str
    outbound_phone_number_id: str
    from_phone_number: str | None
    selection_reason: SelectionReason | None
    was_manually_overridden: bool
    campaign_id: str | None
    source_id: str | None
    text: str
    status: Status | None
    status_reason: str | None
    queued_at: datetime | None
    scheduled_for: datetime | None
    scheduled_reason: str | None
    sending_started_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    received_at: datetime | None
    failed_at: datetime | None
    undeliverable_at: datetime | None
    blocked_at: datetime | None
    next_retry_at: datetime | None
    retry_count: Annotated[str, Field(pattern=r"^-?(?:0|[1-9]\d*)$")]
    canceled_at: datetime | None
    cancel_reason: str | None
    error_code: str | None
    error_message: str | None
    is_warmup: bool
    traffic_type: Traffic | None
    billable_amount: Annotated[str | None, Field(pattern=r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$")]
    billing_status: str | None
    ten_dlc_campaign_id: str | None
    compliance_action: str | None
    id: str
    created_at: datetime
    modified_at: datetime | None


_TIMES = {
    "queuedAt": "queued_at",
    "scheduledFor": "scheduled_for",
    "sendingStartedAt": "sending_started_at",
    "sentAt": "sent_at",
    "deliveredAt": "delivered_at",
    "receivedAt": "received_at",
    "failedAt": "failed_at",
    "undeliverableAt": "undeliverable_at",
    "blockedAt": "blocked_at",
    "canceledAt": "canceled_at",
    "createdAt": "created_at",
    "modifiedAt": "modified_at",
}


def shown(rt: Runtime, tenant: Tenant, view: MessageView) -> dict[str, Any]:
    """A message as `SmsBody` says, in the document's order."""
    story = explaining.explain(rt, tenant, view.id)
    known = schema.message_body(view)
    body = {name: known[ours] for name, ours in _TIMES.items()}
    body |= _route(rt, tenant, view) | _state(view, story) | _money(view)
    body |= {
        "id": str(view.id),
        "conversationId": str(view.conversation_id or ""),
        "leadId": view.lead or threads.lead_of(rt, tenant, view.recipient) or "",
        "campaignId": view.campaign,
        "sourceId": view.source,
        "text": view.body,
        "isWarmup": view.is_warmup,
        "trafficType": view.traffic,
    }
    return {name: body[name] for name in map(to_camel, SmsBody.model_fields)}


def _route(rt: Runtime, tenant: Tenant, view: MessageView) -> dict[str, Any]:
    used = rt.senders_of(tenant.id).candidates.by_id.get(view.sender_id) if view.sender_id else None
    campaign = used.campaign if used is not None else None
    given = view.provider_message_id
    asked_for = view.requested_sender_id or (view.metadata or {}).get(ASKED_FOR)
    return {
        "telnyxId": given if view.provider == "telnyx" else None,
        "providerMessageId": given,
        "fromPhoneNumberId": str(asked_for or view.sender_id or ""),
        "outboundPhoneNumberId": str(view.sender_id or ""),
        "fromPhoneNumber": view.sender,
        "selectionReason": view.selection_reason,
        "wasManuallyOverridden": view.requested_sender_id is not None,
        "tenDlcCampaignId": campaign and (campaign.provider_campaign_id or str(campaign.id)),
    }


def _state(view: MessageView, story: Explanation) -> dict[str, Any]:
    waits = view.status is Status.QUEUED and view.attempts > 0
    scheduled = view.status is Status.SCHEDULED
    tried = story.attempts[-1]["detail"] if story.attempts else None
    judged = _ACTIONS.get(story.verdicts[-1]["outcome"]) if story.verdicts else None
    lost = view.status in _LOST
    return {
        "status": view.status,
        "statusReason": None if view.status in _WELL else story.summary,
        "scheduledReason": view.scheduled_reason or ("requested" if scheduled else None),
        "nextRetryAt": schema.message_body(view)["next_attempt_at"] if waits else None,
        "retryCount": str(max(view.attempts - 1, 0)),
        "cancelReason": view.status_reason if view.status is Status.CANCELED else None,
        "errorCode": view.provider_code if lost else None,
        "errorMessage": (tried or story.summary) if lost else None,
        "complianceAction": "substitute" if view.stands_in_for is not None else judged,
    }


def _money(view: MessageView) -> dict[str, Any]:
    amount = view.billable_amount
    return {
        "billableAmount": None if amount is None else format(amount, "f"),
        "billingStatus": view.billing_status,
    }
