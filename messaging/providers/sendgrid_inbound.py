"""What did somebody answer by e-mail, as SendGrid's Inbound Parse posts it?

A multipart form: headers, from, to, subject, text, the envelope, and which character set each of them
is in. It has no id, so the mail's own Message-ID is one. Source: SendGrid's Inbound Parse reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from email.utils import parseaddr
from hashlib import blake2b

from messaging.domain.mail_headers import address_problem
from messaging.domain.message import Channel
from messaging.providers import replies
from messaging.providers.base import InboundMessage, Webhook

_FORM = re.compile(r"multipart/form-data; *boundary=[!-~]{1,100}", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"^message-id:\s*<([!-;=?-~]{1,200})>", re.IGNORECASE | re.MULTILINE)
_CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
_LONGEST_BODY = 100_000


def inbound(webhook: Webhook) -> list[InboundMessage]:
    """The mail in a webhook; [] for anything else, such as events."""
    fields = _fields(webhook)
    envelope = replies.json_fields(fields.get("envelope", b""))
    charsets = replies.json_fields(fields.get("charsets", b""))
    text = {name: _decoded(value, charsets.get(name)) for name, value in fields.items()}
    recipients = envelope.get("to")
    first = recipients[0] if isinstance(recipients, list) and recipients else None
    from_ = _address(text.get("from"), envelope.get("from"))
    to = _address(first, text.get("to"))
    if not from_ or not to:
        return []
    named = _MESSAGE_ID.search(text.get("headers", ""))
    # Some write what they want into the subject alone.
    body = text.get("text", "").strip() or text.get("subject", "").strip()
    return [
        InboundMessage(
            named[1] if named else blake2b(webhook.body, digest_size=16).hexdigest(),
            from_,
            to,
            body[:_LONGEST_BODY],
            None,
            None,
            channel=Channel.EMAIL,
        )
    ]


def _fields(webhook: Webhook) -> Mapping[str, bytes]:
    """The texts of the form by their names, without the files."""
    kind = webhook.headers.get("content-type", "")
    if not _FORM.match(kind) or not kind.isascii() or not kind.isprintable():
        return {}
    form = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + webhook.body)
    parts = form.get_payload()
    if not isinstance(parts, list):
        return {}
    found: dict[str, bytes] = {}
    for part in parts:
        name = _name(part)
        payload = part.get_payload(decode=True) if isinstance(part, Message) and name else None
        if isinstance(payload, bytes):
            found.setdefault(name, payload)
    return found


def _name(part: object) -> str:
    """What a part of the form is called; empty if it is a file, or malformed."""
    if not isinstance(part, Message) or part.get_param("filename", header="content-disposition"):
        return ""
    name = part.get_param("name", header="content-disposition")
    return name if isinstance(name, str) else ""


def _decoded(value: bytes, charset: object) -> str:
    word = charset.lower() if isinstance(charset, str) else "utf-8"
    known = word if word in _CHARSETS else "utf-8"
    return value.decode(known, errors="replace").replace("\0", "").replace("\r\n", "\n")


def _address(*candidates: object) -> str:
    """The first of them that is an address, with or without a name before it."""
    for each in candidates:
        if isinstance(each, str):
            address = parseaddr(each)[1]
            if address_problem(address) is None:
                return address
    return ""
