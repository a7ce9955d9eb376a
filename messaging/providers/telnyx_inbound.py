"""What did somebody answer us, as Telnyx posts it?

One event of type `message.received`. Telnyx describes its fields more narrowly than it fills them, so
only what is needed is asked for. `autoresponse_type` is there when Telnyx itself acted on a keyword.
"""

from __future__ import annotations

import re

from messaging.providers import replies
from messaging.providers.base import InboundMessage, Webhook

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_KEYWORDS = frozenset({"STOP", "START", "HELP"})
_LONGEST_ADDRESS = 64


def inbound(webhook: Webhook) -> list[InboundMessage]:
    """The message in a webhook; [] for anything else, such as a receipt."""
    data = replies.fields(replies.json_fields(webhook.body).get("data"))
    payload = replies.fields(data.get("payload"))
    name = replies.word(payload.get("id"), 65)
    to = replies.objects(payload.get("to"))
    sender = _number(payload.get("from"))
    ours = _number(to[0]) if to else ""
    if data.get("event_type") != "message.received" or not _ID.fullmatch(name):
        return []
    if not sender or not ours:
        return []
    text, keyword = payload.get("text"), replies.word(payload.get("autoresponse_type")).upper()
    media = (replies.word(each.get("url"), 2000) for each in replies.objects(payload.get("media")))
    return [
        InboundMessage(
            provider_message_id=name,
            from_=sender,
            to=ours,
            body=text.replace("\0", "") if isinstance(text, str) else "",
            provider_keyword=keyword if keyword in _KEYWORDS else None,
            at=replies.moment(payload.get("received_at"))
            or replies.moment(data.get("occurred_at")),
            media=tuple(url for url in media if url),
        )
    ]


def _number(party: object) -> str:
    """A party's number; empty if there is none that could be one."""
    number = replies.word(replies.fields(party).get("phone_number"), _LONGEST_ADDRESS + 1).strip()
    return number if len(number) <= _LONGEST_ADDRESS and number.isprintable() else ""
