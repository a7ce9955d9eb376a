"""What does Meta post about an Instagram account: what people wrote, what we sent, what was read?

One webhook holds many of them, about several people. Each is kept by itself, as an item that names its
account, and known again by the message's own id. An echo is a message of ours as the person sees it: it
proves the send. A message that was unsent, or edited, or a reaction is none to answer. Source: the Messenger
Platform's webhook reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from messaging.domain.lifecycle import Event
from messaging.domain.message import Channel
from messaging.providers import replies
from messaging.providers.base import DeliveryReport, InboundMessage, RawEvent, Webhook

_ID = re.compile(r"[0-9]{1,32}")
_MESSAGE_ID = re.compile(r"[!-~]{1,400}")
_LATEST = 4_102_444_800
"""The year 2100, in seconds since 1970: a larger number is of milliseconds."""
_MOST_MEDIA = 10
_ENDS = frozenset({"sender", "recipient"})
_NO_MESSAGE = ("is_echo", "is_deleted")
_OF_PEOPLE = frozenset({"message", "is_deleted", "postback"})
_EVENTS = {"echo": Event.ACCEPTED, "read": Event.DELIVERED}
_LONGEST_URL = 4096


def events(webhook: Webhook) -> list[RawEvent]:
    """Every item of a webhook by itself, in the shape of a webhook that holds no other."""
    posted = replies.json_fields(webhook.body)
    return [_raw(entry, item) for entry, item in _items(posted)]


def _items(posted: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    if posted.get("object") != "instagram":
        return []
    return [
        (entry, item)
        for entry in replies.objects(posted.get("entry"))
        for item in replies.objects(entry.get("messaging"))
    ]


def _raw(entry: Mapping[str, Any], item: Mapping[str, Any]) -> RawEvent:
    kind, name = _about(item)
    # `time` is when the webhook was made, so it changes when it is made again.
    alone = {"object": "instagram", "entry": [{"id": entry.get("id"), "messaging": [item]}]}
    body = orjson.dumps(alone)
    key = f"{kind}:{name}" if name else blake2b(body, digest_size=16).hexdigest()
    return RawEvent(key, body)


def _about(item: Mapping[str, Any]) -> tuple[str, str]:
    """What an item is, such as `message` or `read`, and the id of the message it is about.

    A message that is not simply one is what it says of itself, such as `is_echo`. Both are empty if no
    message is named.
    """
    for kind, value in item.items():
        content = replies.fields(value)
        name = replies.word(content.get("mid"), 401)
        if kind not in _ENDS and _MESSAGE_ID.fullmatch(name):
            other = (
                word for word in _NO_MESSAGE if kind == "message" and content.get(word) is True
            )
            return next(other, kind[:40]), name
    return "", ""


def report(webhook: Webhook) -> DeliveryReport | None:
    """The receipt that one item is: an echo, or that it was read; None for what people did themselves."""
    items = _items(replies.json_fields(webhook.body))
    if len(items) != 1:
        return None
    item = items[0][1]
    kind, name = _about(item)
    if not name or kind in _OF_PEOPLE:
        return None
    word = "echo" if kind == "is_echo" else kind
    return DeliveryReport(name, _EVENTS.get(word), word, at=_moment(item.get("timestamp")))


def inbound(webhook: Webhook) -> list[InboundMessage]:
    """What people wrote, in its order; what they unsent, and what we sent, is not among it."""
    read = (_message(item) for _, item in _items(replies.json_fields(webhook.body)))
    return [message for message in read if message is not None]


def _message(item: Mapping[str, Any]) -> InboundMessage | None:
    from_ = replies.word(replies.fields(item.get("sender")).get("id"), 33)
    to = replies.word(replies.fields(item.get("recipient")).get("id"), 33)
    kind, name = _about(item)
    if kind != "message" or not all(map(_ID.fullmatch, (from_, to))):
        return None
    message = replies.fields(item.get("message"))
    text = message.get("text")
    media = [
        replies.word(replies.fields(each.get("payload")).get("url"), _LONGEST_URL)
        for each in replies.objects(message.get("attachments"))
    ]
    return InboundMessage(
        name,
        from_,
        to,
        text.replace("\0", "") if isinstance(text, str) else "",
        None,
        _moment(item.get("timestamp")),
        channel=Channel.INSTAGRAM_DM,
        media=tuple(url for url in media if url.startswith("https://"))[:_MOST_MEDIA],
    )


def _moment(value: object) -> datetime | None:
    """A time since 1970, in milliseconds; in seconds from some."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        return None
    seconds = value / 1000 if value >= _LATEST else value
    return datetime.fromtimestamp(seconds, UTC) if seconds < _LATEST else None
