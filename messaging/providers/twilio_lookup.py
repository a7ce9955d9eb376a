"""What kind of line is a number, as Twilio's Lookup (v2) knows it?

A paid look-up of its own service: https://lookups.twilio.com/v2/PhoneNumbers/{number}, with the
`line_type_intelligence` package. A number Twilio does not know is an answer too.
"""

from __future__ import annotations

from urllib.parse import quote

import httpx

from messaging.domain.compliance.facts import LineType
from messaging.domain.message import ProviderAccount
from messaging.providers import replies, twilio_hosts

_PACKAGE = "line_type_intelligence"
_TYPES = {
    "mobile": LineType.MOBILE,
    "landline": LineType.LANDLINE,
    "fixedVoip": LineType.VOIP,
    "nonFixedVoip": LineType.VOIP,
}
"""Of the rest (toll-free, premium, pager...) the numbering plan knows, and `number_types` refuses them."""


def line_lookup(account: ProviderAccount, e164: str) -> httpx.Request:
    """The GET that asks what kind of line a number is."""
    url, headers = twilio_hosts.endpoint(account, "lookups", "/v2/PhoneNumbers/")
    return httpx.Request(
        "GET",
        f"{url}{quote(e164, safe='')}",
        params={"Fields": _PACKAGE},
        headers=headers,
    )


def line(response: httpx.Response) -> LineType | None:
    """The kind of line; `unknown` if Twilio does not know either, None if the reply is no answer.

    Where the package failed or does not cover the carrier, a good reply has an error code inside.
    """
    reply = replies.json_object(response)
    if response.status_code != 200 or _PACKAGE not in reply:
        return None
    found = reply[_PACKAGE]
    if found is None:  # not a valid number
        return LineType.UNKNOWN
    if not isinstance(found, dict) or found.get("error_code") is not None:
        return None
    kind = found.get("type")
    return _TYPES.get(kind, LineType.UNKNOWN) if isinstance(kind, str) else LineType.UNKNOWN
