"""What did somebody answer us, as Vonage's Messages API posts it?

The keyword Vonage names is a text's first word, whatever follows it, so it is no STOP of Vonage's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from messaging.providers import replies, vonage_numbers
from messaging.providers.base import InboundMessage, Webhook

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_CHANNELS = frozenset({"sms", "mms"})
_FILES = ("image", "audio", "video", "vcard", "file")


def inbound(webhook: Webhook) -> list[InboundMessage]:
    """The message in a webhook; [] for anything else, such as a receipt."""
    said = replies.json_fields(webhook.body)
    name = replies.word(said.get("message_uuid"), 65)
    if replies.word(said.get("channel")) not in _CHANNELS or "status" in said:
        return []
    sender, ours = vonage_numbers.ours(said.get("from")), vonage_numbers.ours(said.get("to"))
    if not _ID.fullmatch(name) or not sender or not ours:
        return []
    return [
        InboundMessage(
            provider_message_id=name,
            from_=sender,
            to=ours,
            body=_text(said).replace("\0", ""),
            provider_keyword=None,
            at=replies.moment(said.get("timestamp")),
            media=tuple(dict.fromkeys(_media(said))),
        )
    ]


def _text(said: Mapping[str, Any]) -> str:
    """The text, or what stands below a picture."""
    captions = (replies.fields(said.get(kind)).get("caption") for kind in _FILES)
    return next((text for text in (said.get("text"), *captions) if isinstance(text, str)), "")


def _media(said: Mapping[str, Any]) -> Iterator[str]:
    files = [replies.fields(said.get(kind)) for kind in _FILES]
    for file in (*files, *replies.objects(said.get("content"))):
        if url := replies.word(file.get("url"), 2000):
            yield url
