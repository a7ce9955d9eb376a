"""What did somebody answer us, as Vonage's SMS API posts it?

By GET or POST, as the account is set. A long text comes in pieces, one webhook each, in any order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from messaging.providers import replies, vonage_numbers, vonage_signature
from messaging.providers.base import Fragment, InboundMessage, Webhook

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_SMALL = re.compile(r"[0-9]{1,3}")
_REFERENCE = re.compile(r"[!-~]{1,40}")
_MOST_PIECES = 255


def inbound(webhook: Webhook) -> list[InboundMessage]:
    """The message, or piece of one, in a webhook; [] for anything else, such as a receipt."""
    said = vonage_signature.parameters(webhook.body)
    sender, ours = (vonage_numbers.ours(said.get(name, "")) for name in ("msisdn", "to"))
    if "status" in said or not _ID.fullmatch(said.get("messageId", "")) or not sender or not ours:
        return []
    return [
        InboundMessage(
            provider_message_id=said["messageId"],
            from_=sender,
            to=ours,
            body=said.get("text", "").replace("\0", ""),
            provider_keyword=None,
            at=replies.moment(said.get("message-timestamp")),
            fragment=_fragment(said),
        )
    ]


def _fragment(said: Mapping[str, str]) -> Fragment | None:
    """Which piece it is; None for a whole text, or a piece that cannot be joined to others."""
    reference = said.get("concat-ref", "")
    part, total = said.get("concat-part", ""), said.get("concat-total", "")
    if said.get("concat", "").lower() != "true" or not _REFERENCE.fullmatch(reference):
        return None
    if not _SMALL.fullmatch(part) or not _SMALL.fullmatch(total):
        return None
    number, of = int(part), int(total)
    return Fragment(reference, number, of) if 1 <= number <= of <= _MOST_PIECES and of > 1 else None
