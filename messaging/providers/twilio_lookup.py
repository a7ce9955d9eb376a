"""What kind of line is a number, as Twilio's Lookup (v2) knows it?

A paid look-up of its own service: https://lookups.twilio.com/v2/PhoneNumbers/{number}, with the
`line_type_intelligence` package. A number Twilio does not know is an answer too.
"""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from urllib.parse import quote

import httpx

from messaging.domain.compliance.facts import LineType
from messaging.domain.message import ProviderAccount
from messaging.providers import replies

_PACKAGE = "line_type_intelligence"
_TYPES = {
    "mobile": LineType.MOBILE,
    "landline": LineType.LANDLINE,
    "fixedVoip": LineType.VOIP,
    "nonFixedVoip": LineType.VOIP,
}
"""Of the rest (toll-free, premium, pager...) the numbering plan knows, and `number_types` refuses them."""


@lru_cache(maxsize=1024)
def _endpoint(
    base_url: str, username: str, secret: str
) -> tuple[httpx.URL, list[tuple[bytes, bytes]]]:
    """Where look-ups go: Twilio serves them beside its `api` host; whoever else does, at the same one."""
    url = httpx.URL(base_url.rstrip("/") + "/v2/PhoneNumbers/")
    if url.host.startswith("api.") and url.host.endswith(".twilio.com"):
        url = url.copy_with(host="lookups" + url.host.removeprefix("api"))
    basic = b64encode(f"{username}:{secret}".encode())
    return url, [(b"Host", url.netloc), (b"Authorization", b"Basic " + basic)]


def line_lookup(account: ProviderAccount, e164: str) -> httpx.Request:
    """The GET that asks what kind of line a number is."""
    url, headers = _endpoint(account.base_url, account.username, account.secret)
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
