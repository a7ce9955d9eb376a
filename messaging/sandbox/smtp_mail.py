"""What does a mail ask for, and what names the attempt to send it?"""

from __future__ import annotations

from email.parser import BytesHeaderParser

from messaging.sandbox.create import Create, referenced

REFERENCE_HEADER = "X-Posthorn-Attempt"
"""What names the caller's attempt; else it is the local part of the Message-ID."""


def read_create(mail_from: str, rcpt: str, content: bytes) -> Create:
    """What a mail asks for: to be sent to the recipient of its envelope."""
    headers = BytesHeaderParser().parsebytes(content[: content.find(b"\r\n\r\n") + 4])
    reference = str(headers.get(REFERENCE_HEADER, "")).strip()
    if not reference:
        reference = str(headers.get("Message-ID", "")).strip().strip("<>").partition("@")[0]
    m, e = referenced(reference)
    return Create(
        to=rcpt,
        sender=mail_from,
        service=None,
        body=content.decode("ascii", "surrogateescape"),
        media=0,
        callback="",
        m=m,
        e=e,
        kind="email",
        reference=reference,
        trigger=rcpt.rpartition("@")[0][-4:],
    )
