"""Is this webhook Meta's? HMAC-SHA256 over the raw body, under the app's secret.

The bytes are those that came: Meta escapes what is not ASCII, and the same JSON written otherwise is another
message. It signs no time; what is posted again is known by its messages' ids. Before the first webhook
Meta asks whether the address is ours, with a word that only we and the app's settings know. Source: the Messenger
Platform's webhook reference.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from messaging.domain.message import ProviderAccount
from messaging.providers.base import Webhook

_LONGEST_CHALLENGE = 256


def verify(account: ProviderAccount, webhook: Webhook) -> bool:
    """Whether it is signed with one of the account's app secrets."""
    scheme, _, given = webhook.headers.get("x-hub-signature-256", "").partition("=")
    if scheme != "sha256":
        return False
    mark = given.encode(errors="replace")
    return any(
        hmac.compare_digest(_digest(secret, webhook.body), mark)
        for secret in account.webhook_secrets
        if secret
    )


def _digest(secret: str, body: bytes) -> bytes:
    return hmac.digest(secret.encode(errors="replace"), body, "sha256").hex().encode()


def challenge(account: ProviderAccount, query: Mapping[str, str]) -> str | None:
    """What to answer to Meta's question; None if it does not know the account's `verify_token`."""
    ours = account.options.get("verify_token", "").encode(errors="replace")
    theirs = query.get("hub.verify_token", "").encode(errors="replace")
    answer = query.get("hub.challenge", "")
    if not ours or not hmac.compare_digest(ours, theirs) or query.get("hub.mode") != "subscribe":
        return None
    return answer if 0 < len(answer) <= _LONGEST_CHALLENGE and answer.isprintable() else None
