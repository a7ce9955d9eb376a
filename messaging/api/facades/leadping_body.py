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

    telnyx_id: Annotated[
        str | None,
        Field(description="Telnyx's id for it; null: another provider carried it, or none yet"),
    ]
    provider_message_id: Annotated[
        str | None, Field(description="the provider's id for it; null: it has none yet")
    ]
    conversation_id: Annotated[
        str, Field(description="the conversation it belongs to; empty: none yet")
    ]
    lead_id: Annotated[
        str,
        Field(
            description="the contact it is to, as you name it; of a stranger the conversation's id"
        ),
    ]
    from_phone_number_id: Annotated[
        str,
        Field(
            description="the number that was asked for, else the one it left from; empty: neither yet"
        ),
    ]
    outbound_phone_number_id: Annotated[
        str, Field(description="the number it left from, by its id; empty: none yet")
    ]
    from_phone_number: Annotated[
        str | None, Field(description="the number it left from, in E.164; null: none yet")
    ]
    selection_reason: Annotated[
        SelectionReason | None, Field(description="why this number; null: none is chosen")
    ]
    was_manually_overridden: Annotated[
        bool, Field(description="whether it had to leave from fromPhoneNumberId")
    ]
    campaign_id: Annotated[str | None, Field(description="yours, as it was handed in")]
    source_id: Annotated[str | None, Field(description="yours, as it was handed in")]
    text: Annotated[str, Field(description="the text as it is sent")]
    status: Annotated[Status | None, Field(description="where it is")]
    status_reason: Annotated[
        str | None,
        Field(description="why it is there, in a sentence; null: nothing has to be said"),
    ]
    queued_at: Annotated[
        datetime | None, Field(description="when it became ready to be sent; null: not yet")
    ]
    scheduled_for: Annotated[datetime | None, Field(description="when it is due; null: at once")]
    scheduled_reason: Annotated[
        str | None, Field(description="why it waits for a time; null: it does not")
    ]
    sending_started_at: Annotated[
        datetime | None, Field(description="when an attempt began; null: none has")
    ]
    sent_at: Annotated[
        datetime | None, Field(description="when a provider took it; null: none has")
    ]
    delivered_at: Annotated[
        datetime | None, Field(description="when it was delivered; null: not yet, or never")
    ]
    received_at: Annotated[
        datetime | None, Field(description="of a message that came in; null of yours")
    ]
    failed_at: Annotated[datetime | None, Field(description="when it failed; null: it has not")]
    undeliverable_at: Annotated[
        datetime | None,
        Field(description="when a carrier could not deliver it; null: none said so"),
    ]
    blocked_at: Annotated[
        datetime | None, Field(description="when a rule or a budget stopped it; null: none did")
    ]
    next_retry_at: Annotated[
        datetime | None, Field(description="when it is tried again; null: it is not")
    ]
    retry_count: Annotated[
        str,
        Field(description="how often it was tried again, in digits", pattern=r"^-?(?:0|[1-9]\d*)$"),
    ]
    canceled_at: Annotated[
        datetime | None, Field(description="when it was called off; null: it was not")
    ]
    cancel_reason: Annotated[
        str | None, Field(description="why it was called off; null: it was not")
    ]
    error_code: Annotated[
        str | None, Field(description="the provider's own code; null: nothing went wrong")
    ]
    error_message: Annotated[
        str | None, Field(description="what went wrong, in a sentence; null: nothing did")
    ]
    is_warmup: Annotated[bool, Field(description="whether its number was warming up")]
    traffic_type: Annotated[
        Traffic | None,
        Field(description="what sort of message it is; only RealLead counts in statistics"),
    ]
    billable_amount: Annotated[
        str | None,
        Field(
            description="its price, a decimal string; null: not billed",
            pattern=r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$",
        ),
    ]
    billing_status: Annotated[
        str | None, Field(description="reserved, settled, refunded or excluded; null: not billed")
    ]
    ten_dlc_campaign_id: Annotated[
        str | None, Field(description="the 10DLC campaign of the number it left from; null: none")
    ]
    compliance_action: Annotated[
        str | None,
        Field(
            description="the latest judgement: allow, reschedule or block; or substitute; null: none yet"
        ),
    ]
    id: Annotated[str, Field(description="its id, a UUID")]
    created_at: Annotated[datetime, Field(description="when it was handed in")]
    modified_at: Annotated[datetime | None, Field(description="when it last changed; null: never")]


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
