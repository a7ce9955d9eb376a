"""Did SendGrid sign this webhook? ECDSA (P-256, SHA-256) over the timestamp and the raw body.

The body ends in CRLF, and that counts. Inbound mail is signed in the same way where the account's
security policy says so; what is not signed is not believed. Source: SendGrid's Event Webhook security
features and its libraries, which look at no age.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from messaging.domain.message import ProviderAccount
from messaging.providers import signatures
from messaging.providers.base import Webhook

TOLERANCE = timedelta(hours=25)
"""SendGrid repeats a webhook for a day, and nowhere says that it signs it anew: after an outage of ours a
receipt must still count. What is replayed within that time is known again by `sg_event_id`."""
_ECDSA = ec.ECDSA(SHA256())
_LONGEST_STAMP = 12


def verify(account: ProviderAccount, webhook: Webhook) -> bool:
    """Whether one of the account's public keys (base64 of SPKI) verifies it, and it is not too old."""
    stamp = webhook.headers.get("x-twilio-email-event-webhook-timestamp", "")
    if not _is_recent(stamp, webhook):
        return False
    given = webhook.headers.get("x-twilio-email-event-webhook-signature", "")
    signature, signed = signatures.base64(given), stamp.encode() + webhook.body
    return any(_signed(key, signature, signed) for key in account.webhook_secrets)


def _is_recent(stamp: str, webhook: Webhook) -> bool:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _LONGEST_STAMP):
        return False
    if webhook.at is None:
        return False
    return abs(int(webhook.at.timestamp()) - int(stamp)) <= TOLERANCE.total_seconds()


def _signed(public_key: str, signature: bytes, signed: bytes) -> bool:
    key = _key(public_key)
    if key is None:
        return False
    try:
        key.verify(signature, signed, _ECDSA)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=1024)
def _key(public_key: str) -> ec.EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(signatures.base64("".join(public_key.split())))
    except (ValueError, TypeError):
        return None
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    return key if is_p256 and isinstance(key, ec.EllipticCurvePublicKey) else None
