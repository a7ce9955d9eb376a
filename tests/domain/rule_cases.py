"""The table of cases: what each rule says to which message with which facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from messaging.domain.compliance import Defer, Facts, Policy, Reason
from messaging.domain.compliance.facts import (
    Basis,
    Consent,
    ConsentAction,
    Line,
    LineType,
    Suppression,
    SuppressionKind,
)
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Category, Channel, Message, Priority, Purpose
from messaging.domain.registration import Standing

NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
"""A Tuesday: noon in Washington, 14:00 in Sao Paulo, 22:30 in Delhi."""
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
MESSAGE = Message(
    id=UUID(int=0),
    tenant_id=UUID(int=2),
    channel=Channel.SMS,
    recipient="+12025550123",
    recipient_key=b"k" * 16,
    body="Hello",
    segments=1,
    category=Category.TRANSACTIONAL,
    priority=Priority.NORMAL,
    status=Status.QUEUED,
    epoch=1,
    attempts=0,
    created_at=NOW,
)
BLOCKED = Event.BLOCKED_COMPLIANCE
MARKETING = {"category": Category.MARKETING}
BRAZIL = "+5511955550123"
INDIA = "+919999955501"
CLEAR = Facts()
STOPPED = Facts(suppression=Suppression(SuppressionKind.OPT_OUT, "inbound", NOW))
WRITTEN = Consent(ConsentAction.GRANT, Basis.EXPRESS_WRITTEN, "form", NOW - DAY)
EXPRESS = Consent(ConsentAction.GRANT, Basis.EXPRESS, "form", NOW - DAY)
PURCHASE = Consent(ConsentAction.GRANT, Basis.IMPLIED_PURCHASE, "shop", NOW - 800 * DAY)
AGREED = Facts(consent=WRITTEN)


def policy(**changes: Any) -> Policy:
    return Policy.model_validate(changes)


def facts(**changes: Any) -> Facts:
    return Facts(**changes)


ATTESTED = policy(marketing_consent="attested_elsewhere")

# rule, changes to the message, facts, what comes of it: nothing, or an event (a Block), or a Defer
CASES: list[tuple[str, dict[str, Any], Facts, tuple[Any, Reason] | None]] = [
    ("expired", {"expires_at": NOW + TICK}, CLEAR, None),
    ("expired", {"expires_at": NOW}, CLEAR, (Event.EXPIRED, Reason.EXPIRED)),
    ("expired", {"expires_at": NOW - TICK}, CLEAR, (Event.EXPIRED, Reason.EXPIRED)),
    ("valid_number", {"recipient": BRAZIL}, CLEAR, None),
    ("valid_number", {"recipient": "2025550123"}, CLEAR, (Event.REFUSED, Reason.INVALID_RECIPIENT)),
    (
        "valid_number",
        {"recipient": "+1 202 555 0123"},
        CLEAR,
        (Event.REFUSED, Reason.INVALID_RECIPIENT),
    ),
    ("valid_number", {"recipient": "ana@example.com", "channel": Channel.EMAIL}, CLEAR, None),
    (
        "number_type",
        {"recipient": "+18005550123"},
        CLEAR,
        (Event.UNDELIVERED, Reason.NUMBER_TYPE_REFUSED),
    ),
    ("number_type", {"recipient": "+442079460123"}, CLEAR, (Event.UNDELIVERED, Reason.LANDLINE)),
    ("number_type", {"recipient": "+551125550123"}, CLEAR, (Event.UNDELIVERED, Reason.LANDLINE)),
    (
        "line",
        {},
        facts(line=Line(LineType.LANDLINE, "provider", NOW)),
        (Event.UNDELIVERED, Reason.LANDLINE),
    ),
    ("line", {}, facts(line=Line(LineType.MOBILE, "lookup", NOW - 900 * DAY)), None),
    ("line", {}, facts(policy=policy(lookup={"account": "main"})), (Defer, Reason.AWAITING_LOOKUP)),
    ("line", {"purpose": Purpose.HELP}, facts(policy=policy(lookup={"account": "main"})), None),
    (
        "line",
        {},
        facts(
            policy=policy(lookup={"account": "main"}),
            line=Line(LineType.MOBILE, "lookup", NOW - 90 * DAY),
        ),
        None,
    ),
    (
        "line",
        {},
        facts(
            policy=policy(lookup={"account": "main"}),
            line=Line(LineType.MOBILE, "lookup", NOW - 90 * DAY - TICK),
        ),
        (Defer, Reason.AWAITING_LOOKUP),
    ),
    ("suppressed", {}, STOPPED, (Event.OPTED_OUT, Reason.OPTED_OUT)),
    ("suppressed", {"purpose": Purpose.OPT_OUT_CONFIRMATION}, STOPPED, None),
    ("suppressed", {"purpose": Purpose.HELP}, STOPPED, None),
    (
        "suppressed",
        {"purpose": Purpose.OPT_IN_CONFIRMATION},
        STOPPED,
        (Event.OPTED_OUT, Reason.OPTED_OUT),
    ),
    (
        "suppressed",
        {},
        facts(suppression=Suppression(SuppressionKind.UNREACHABLE, "provider", NOW)),
        (Event.UNDELIVERED, Reason.UNREACHABLE),
    ),
    ("consent", MARKETING, AGREED, None),
    ("consent", MARKETING, CLEAR, (BLOCKED, Reason.NO_CONSENT)),
    ("consent", MARKETING, facts(consent=EXPRESS), (BLOCKED, Reason.NO_CONSENT)),
    ("consent", {"category": Category.NOTIFICATION}, CLEAR, None),
    (
        "consent",
        MARKETING | {"recipient": "+14165550123"},
        facts(consent=PURCHASE),
        (BLOCKED, Reason.CONSENT_LAPSED),
    ),
    ("do_not_call", MARKETING, facts(policy=ATTESTED), (BLOCKED, Reason.DNC_STALE)),
    (
        "do_not_call",
        MARKETING,
        facts(policy=ATTESTED, dnc_scrubbed_at={"US": NOW - 31 * DAY}),
        None,
    ),
    (
        "do_not_call",
        MARKETING,
        facts(policy=ATTESTED, dnc_scrubbed_at={"US": NOW - 31 * DAY - TICK}),
        (BLOCKED, Reason.DNC_STALE),
    ),
    (
        "do_not_call",
        MARKETING,
        facts(policy=ATTESTED, dnc_listed="US", dnc_scrubbed_at={"US": NOW}),
        (BLOCKED, Reason.DNC_LISTED),
    ),
    ("do_not_call", MARKETING, facts(consent=WRITTEN, dnc_listed="US"), None),
    ("do_not_call", MARKETING | {"recipient": BRAZIL}, facts(policy=ATTESTED), None),
    ("flash", {"flash": True}, CLEAR, None),
    (
        "flash",
        {"flash": True, "body": "See https://example.com/a"},
        CLEAR,
        (BLOCKED, Reason.FLASH_URL_FORBIDDEN),
    ),
    ("flash", {"flash": True, "segments": 2}, CLEAR, (BLOCKED, Reason.FLASH_TOO_LONG)),
    ("flash", {"flash": True}, facts(flash_offered=False), (BLOCKED, Reason.FLASH_NOT_OFFERED)),
    ("links", MARKETING | {"body": "Now: bit.ly/sale"}, AGREED, (BLOCKED, Reason.PUBLIC_SHORTENER)),
    ("links", {"body": "Your code: bit.ly/c"}, CLEAR, None),
    (
        "links",
        {"body": "See example.com"},
        facts(has_links=False),
        (BLOCKED, Reason.LINK_NOT_DECLARED),
    ),
    (
        "links",
        {"body": "Call +1 202 555 0123"},
        facts(has_phone_numbers=False),
        (BLOCKED, Reason.LINK_NOT_DECLARED),
    ),
    ("content", {"content": "cannabis"}, CLEAR, (BLOCKED, Reason.CONTENT_NOT_PERMITTED)),
    ("content", {"content": "alcohol"}, CLEAR, (BLOCKED, Reason.CONTENT_NOT_PERMITTED)),
    (
        "content",
        {"content": "alcohol"},
        facts(policy=policy(content={"regulated": ["alcohol"]}), age_gated=True),
        None,
    ),
    ("template", {"template": "spring"}, CLEAR, None),
    (
        "template",
        {"campaign": "spring"},
        facts(campaign_paused="asked"),
        (Defer, Reason.CAMPAIGN_PAUSED),
    ),
    (
        "template",
        {"template": "spring"},
        facts(template_paused="filtered 40.0 % of 120 on 3 senders"),
        (Defer, Reason.TEMPLATE_PAUSED),
    ),
    ("region", {}, facts(policy=policy(destinations={"regions": ["US"]})), None),
    (
        "region",
        {"recipient": BRAZIL},
        facts(policy=policy(destinations={"regions": ["US"]})),
        (BLOCKED, Reason.REGION_NOT_PERMITTED),
    ),
    (
        "region",
        {"recipient": BRAZIL},
        facts(regions=frozenset({"US"})),
        (BLOCKED, Reason.REGION_NOT_PERMITTED),
    ),
    ("registered", {}, facts(standing=Standing.CLEAR), None),
    (
        "registered",
        {},
        facts(standing=Standing.NO_SENDER),
        (Event.REFUSED, Reason.NO_SENDER_IN_POOL),
    ),
    (
        "registered",
        {},
        facts(standing=Standing.CAMPAIGN_NOT_VERIFIED),
        (Event.BLOCKED_MISSING_CAMPAIGN, Reason.CAMPAIGN_NOT_VERIFIED),
    ),
    (
        "registered",
        {},
        facts(standing=Standing.TOLL_FREE_NOT_VERIFIED),
        (Event.BLOCKED_MISSING_CAMPAIGN, Reason.TOLL_FREE_NOT_VERIFIED),
    ),
    (
        "registered",
        {},
        facts(standing=Standing.BRAND_SUSPENDED),
        (Event.BLOCKED_MISSING_CAMPAIGN, Reason.BRAND_SUSPENDED),
    ),
    (
        "quiet_hours",
        MARKETING | {"recipient": INDIA},
        facts(policy=ATTESTED),
        (Defer, Reason.QUIET_HOURS),
    ),
    ("quiet_hours", {"recipient": INDIA}, CLEAR, None),
    ("quiet_hours", {"recipient": INDIA, "category": Category.NOTIFICATION}, CLEAR, None),
    (
        "quiet_hours",
        MARKETING,
        facts(consent=WRITTEN, policy=policy(quiet_hours={"opens": "22:00", "closes": "23:00"})),
        (BLOCKED, Reason.NEVER_OPEN),
    ),
    ("frequency", MARKETING, facts(consent=WRITTEN, recent=(NOW, NOW)), None),
    (
        "frequency",
        MARKETING,
        facts(consent=WRITTEN, recent=(NOW, NOW, NOW)),
        (Defer, Reason.FREQUENCY_CAP),
    ),
    (
        "frequency",
        MARKETING,
        facts(consent=WRITTEN, recent=(NOW,) * 3, policy=policy(over_cap="drop")),
        (BLOCKED, Reason.FREQUENCY_CAP),
    ),
    (
        "velocity",
        {"recipient": BRAZIL},
        facts(velocity_until=NOW + DAY),
        (Defer, Reason.DESTINATION_VELOCITY),
    ),
    # the order of rules decides what is reported
    (
        "valid_number",
        {"recipient": "2025550123"},
        STOPPED,
        (Event.REFUSED, Reason.INVALID_RECIPIENT),
    ),
    (
        "expired",
        {"recipient": "2025550123", "expires_at": NOW},
        STOPPED,
        (Event.EXPIRED, Reason.EXPIRED),
    ),
    ("suppressed", MARKETING, STOPPED, (Event.OPTED_OUT, Reason.OPTED_OUT)),
]
