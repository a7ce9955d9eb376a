"""How does an endpoint know that a notice is ours? By its signature (Standard Webhooks 1.0.0).

A thin layer over the `standardwebhooks` package. Its `sign` takes the clock's face for UTC whatever the
zone, and makes one signature at a time; its `verify` lets a ValueError out where a header is malformed.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

_PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """A secret for one endpoint: 256 random bits."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(keys: Sequence[str], notice_id: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers of a notice that is sent at `at` (aware), signed with each of the keys."""
    moment = at.astimezone(UTC)
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(key).sign(notice_id, moment, body) for key in keys),
    }


def verified(key: str, given: Mapping[str, str], body: bytes) -> bool:
    """Whether a request bears a signature made with `key` within the last five minutes."""
    try:
        Webhook(key).verify(body, dict(given), json_parse=False)
    except (WebhookVerificationError, ValueError, binascii.Error):
        return False
    return True
