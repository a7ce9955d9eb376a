"""Where do Twilio's services beside its `api` host live, and with which headers is one asked?"""

from __future__ import annotations

from functools import lru_cache

import httpx

from messaging.domain.message import ProviderAccount
from messaging.providers import posting


def endpoint(
    account: ProviderAccount, service: str, path: str
) -> tuple[str, list[tuple[bytes, bytes]]]:
    """The URL of a service's path for an account, and the headers every request to it has.

    Twilio serves `lookups`, `messaging` and others beside its `api` host, in a region as well; whoever
    else does, at the same one.
    """
    return _endpoint(account.base_url, account.username, account.secret, service, path)


@lru_cache(maxsize=1024)
def _endpoint(
    base_url: str, username: str, secret: str, service: str, path: str
) -> tuple[str, list[tuple[bytes, bytes]]]:
    url = httpx.URL(base_url.rstrip("/") + path)
    if url.host.startswith("api.") and url.host.endswith(".twilio.com"):
        url = url.copy_with(host=service + url.host.removeprefix("api"))
    return str(url), [(b"Host", url.netloc), (b"Authorization", posting.basic(username, secret))]
