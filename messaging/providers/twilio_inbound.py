"""What did somebody answer us, as Twilio posts it?

Twilio signs no time, so an inbound message is as old as its arrival. `OptOutType` is there when Twilio
itself recognised a keyword for the number or its Messaging Service. Source: Twilio's request to an
incoming message webhook.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from messaging.providers.base import InboundMessage, Webhook

_SID = re.compile(r"[A-Za-z0-9]{1,64}")
_INBOUND = frozenset({"", "receiving", "received"})
_KEYWORDS = frozenset({"STOP", "START", "HELP"})
_LONGEST_ADDRESS = 64
_MOST_MEDIA = 10


def inbound(webhook: Webhook) -> list[InboundMessage]:
    """The message in a webhook; [] for anything else, such as a receipt."""
    text = webhook.body.decode(errors="replace")
    fields = dict(parse_qsl(text, keep_blank_values=True))
    sid = fields.get("MessageSid") or fields.get("SmsMessageSid") or fields.get("SmsSid") or ""
    status = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    from_, to = fields.get("From", "").strip(), fields.get("To", "").strip()
    if not _SID.fullmatch(sid) or status not in _INBOUND or not _are_addresses(from_, to):
        return []
    keyword = fields.get("OptOutType", "").strip().upper()
    media = (fields.get(f"MediaUrl{n}", "") for n in range(_MOST_MEDIA))
    return [
        InboundMessage(
            provider_message_id=sid,
            from_=from_,
            to=to,
            body=fields.get("Body", "").replace("\0", ""),
            provider_keyword=keyword if keyword in _KEYWORDS else None,
            at=None,
            media=tuple(url for url in media if url),
        )
    ]


def _are_addresses(*values: str) -> bool:
    """Whether each could be an address at all, of whatever kind."""
    return all(0 < len(v) <= _LONGEST_ADDRESS and v.isprintable() for v in values)
