"""The address a provider reports one attempt's fate to.

It names the message and the epoch, so a receipt proves the send even when the reply to it never came
(law 4), and carries a keyed hash of both, so nobody else can make up such an address.
"""

from __future__ import annotations

import hmac
import re
from hashlib import blake2b
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from messaging.domain.message import ProviderAccount
from messaging.settings import Settings


def _seal(settings: Settings, message_id: UUID, epoch: int) -> str:
    text = b"%s:%d" % (message_id.bytes, epoch)
    return blake2b(text, digest_size=8, key=settings.callback_key).hexdigest()


def address(settings: Settings, account: ProviderAccount, message_id: UUID, epoch: int) -> str:
    """Where receipts of this attempt must be posted."""
    seal = _seal(settings, message_id, epoch)
    base = settings.public_url.rstrip("/")
    return (
        f"{base}/webhooks/{account.provider}/{account.id}/status?m={message_id}&e={epoch}&k={seal}"
    )


def named(settings: Settings, url: str) -> tuple[UUID, int] | None:
    """The (message id, epoch) an address of ours names; None for any other address."""
    found = _AS_WRITTEN.search(url)
    written = found.groups() if found else _rewritten(url)
    try:
        message_id, epoch, seal = UUID(written[0]), int(written[1]), written[2]
    except ValueError:
        return None
    if not hmac.compare_digest(seal.encode(), _seal(settings, message_id, epoch).encode()):
        return None
    return message_id, epoch


_AS_WRITTEN = re.compile(r"[?&]m=([0-9a-f-]{36})&e=([0-9]{1,7})&k=([0-9a-f]{16})(?:[&#]|$)")


def _rewritten(url: str) -> tuple[str, str, str]:
    """The parts of an address whose query somebody has put in another order, or quoted."""
    query = parse_qs(urlsplit(url).query)
    m, e, k = (query.get(name, [""])[0] for name in "mek")
    return m, e, k


def reference(message_id: UUID, epoch: int) -> str:
    """Our name for one attempt, for providers that repeat it in a receipt: at most 40 characters."""
    return f"{message_id.hex}.{epoch}"


def read_reference(text: str | None) -> tuple[UUID, int] | None:
    """The (message id, epoch) of a reference; None for anything else.

    It is believed only in what the attempt's own account has signed.
    """
    found = _REFERENCE.fullmatch(text or "")
    return (UUID(found[1]), int(found[2])) if found else None


_REFERENCE = re.compile(r"([0-9a-f]{32})\.([0-9]{1,7})")
