"""Did Telnyx sign this webhook? Ed25519 over `timestamp|body`, under the account's public key.

The bytes are those that came: the same JSON written anew is another message. Source: Telnyx' webhook
signing rules and its libraries.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from messaging.domain.message import ProviderAccount
from messaging.providers import signatures
from messaging.providers.base import Webhook


def verify(account: ProviderAccount, webhook: Webhook) -> bool:
    """Whether one of the account's public keys (base64) verifies it, and it is not old."""
    stamp = webhook.headers.get("telnyx-timestamp", "")
    if not signatures.recent(stamp, webhook.at):
        return False
    signature = signatures.base64(webhook.headers.get("telnyx-signature-ed25519", ""))
    signed = stamp.encode() + b"|" + webhook.body
    return any(_signed(key, signature, signed) for key in account.webhook_secrets)


def _signed(public_key: str, signature: bytes, signed: bytes) -> bool:
    key = _key(public_key)
    if key is None:
        return False
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=1024)
def _key(public_key: str) -> Ed25519PublicKey | None:
    try:
        return Ed25519PublicKey.from_public_bytes(signatures.base64(public_key))
    except ValueError:
        return None
