"""What can be said to a message: go, go later, or not at all, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from messaging.domain.lifecycle import Event


class Reason(StrEnum):
    """Why a message was held back, as the API, the command line and the console say it."""

    EXPIRED = "expired"
    INVALID_RECIPIENT = "invalid_recipient"
    NUMBER_TYPE_REFUSED = "number_type_refused"
    LANDLINE = "landline"
    AWAITING_LOOKUP = "awaiting_lookup"
    OPTED_OUT = "opted_out"
    UNREACHABLE = "unreachable"
    NO_CONSENT = "no_consent"
    CONSENT_LAPSED = "consent_lapsed"
    DNC_LISTED = "dnc_listed"
    DNC_STALE = "dnc_stale"
    FLASH_URL_FORBIDDEN = "flash_url_forbidden"
    FLASH_TOO_LONG = "flash_too_long"
    FLASH_NOT_OFFERED = "flash_not_offered"
    PUBLIC_SHORTENER = "public_shortener"
    LINK_NOT_DECLARED = "link_not_declared"
    CONTENT_NOT_PERMITTED = "content_not_permitted"
    REGION_NOT_PERMITTED = "region_not_permitted"
    NO_SENDER_IN_POOL = "no_sender_in_pool"
    CAMPAIGN_NOT_VERIFIED = "campaign_not_verified"
    BRAND_SUSPENDED = "brand_suspended"
    TOLL_FREE_NOT_VERIFIED = "toll_free_not_verified"
    NO_POSTAL_ADDRESS = "no_postal_address"
    OUTSIDE_WINDOW = "outside_window"
    TEMPLATE_PAUSED = "template_paused"
    CAMPAIGN_PAUSED = "campaign_paused"
    QUIET_HOURS = "quiet_hours"
    NEVER_OPEN = "never_open"
    FREQUENCY_CAP = "frequency_cap"
    DESTINATION_VELOCITY = "destination_velocity"


@dataclass(frozen=True, slots=True)
class Allow:
    """No objection."""

    until: datetime | None = None
    """When that ends: nothing may be delivered from then on."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Not now: the question may be asked again at `until`."""

    until: datetime
    reason: Reason
    rule: str
    detail: str = ""
    """For a person: the rule's name, the zone and the time. Holds no address and no body."""


@dataclass(frozen=True, slots=True)
class Block:
    """Not at all; `event` is what happens to the message."""

    event: Event
    reason: Reason
    rule: str
    detail: str = ""
    """As in `Defer`: what decided, beyond the reason."""


Verdict = Allow | Defer | Block

ALLOW = Allow()
