"""Where do registrations with the US carriers stand, as Twilio's Messaging API (v1) knows it?

Brands under `/v1/a2p/BrandRegistrations`, 10DLC campaigns under the messaging service they belong to,
toll-free verifications under `/v1/Tollfree/Verifications`. Words of Twilio's published API description
and its troubleshooting pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from messaging.domain.message import ProviderAccount
from messaging.domain.registration import (
    BrandStatus,
    CampaignStatus,
    RegistrationKind,
    RegistrationState,
    Verification,
)
from messaging.providers import replies, twilio_hosts
from messaging.providers.base import Registration, RegistrationReport

_REFERENCES = {
    RegistrationKind.BRAND: re.compile(r"BN[0-9a-fA-F]{32}"),
    RegistrationKind.CAMPAIGN: re.compile(r"QE[0-9a-fA-F]{32}"),
    RegistrationKind.TOLL_FREE: re.compile(r"HH[0-9a-fA-F]{32}"),
}
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")

_BRAND = {
    "PENDING": BrandStatus.PENDING,
    "IN_REVIEW": BrandStatus.PENDING,
    "APPROVED": BrandStatus.ACTIVE,
    "FAILED": BrandStatus.FAILED,
    "SUSPENDED": BrandStatus.SUSPENDED,
    # Somebody wants it gone: nothing more is sent in its name.
    "DELETION_PENDING": BrandStatus.SUSPENDED,
    "DELETION_FAILED": BrandStatus.SUSPENDED,
    "DELETED": BrandStatus.SUSPENDED,
}
_CAMPAIGN = {
    "PENDING": CampaignStatus.PENDING,
    "IN_PROGRESS": CampaignStatus.PENDING,
    "VERIFIED": CampaignStatus.VERIFIED,
    "FAILED": CampaignStatus.FAILED,
    "SUSPENDED": CampaignStatus.SUSPENDED,
}
_TOLL_FREE = {
    "PENDING_REVIEW": Verification.PENDING,
    "IN_REVIEW": Verification.PENDING,
    "TWILIO_APPROVED": Verification.VERIFIED,
    "TWILIO_REJECTED": Verification.REJECTED,
}
_WORDS: Mapping[RegistrationKind, tuple[str, Mapping[str, RegistrationState]]] = {
    RegistrationKind.BRAND: ("status", _BRAND),
    RegistrationKind.CAMPAIGN: ("campaign_status", _CAMPAIGN),
    RegistrationKind.TOLL_FREE: ("status", _TOLL_FREE),
}
"""Per kind, the reply's field and what its words mean."""


def registration_lookup(account: ProviderAccount, asked: Registration) -> httpx.Request | None:
    """The GET that asks for a registration; None if it is none of Twilio's by its name."""
    if not _REFERENCES[asked.kind].fullmatch(asked.reference):
        return None
    match asked.kind:
        case RegistrationKind.BRAND:
            path = "/v1/a2p/BrandRegistrations/"
        case RegistrationKind.TOLL_FREE:
            path = "/v1/Tollfree/Verifications/"
        case RegistrationKind.CAMPAIGN:
            if asked.service is None or not _SERVICE.fullmatch(asked.service):
                return None
            path = f"/v1/Services/{asked.service}/Compliance/Usa2p/"
    url, headers = twilio_hosts.endpoint(account, "messaging", path)
    return httpx.Request("GET", url + asked.reference, headers=headers)


def registration(response: httpx.Response, kind: RegistrationKind) -> RegistrationReport | None:
    """Where the registration stands; None if the reply is no answer."""
    reply = replies.json_object(response)
    field, words = _WORDS[kind]
    word = reply.get(field)
    if response.status_code != 200 or not isinstance(word, str):
        return None
    return RegistrationReport(words.get(word), replies.moment(reply.get("date_updated")))
