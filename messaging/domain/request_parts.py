"""What may be asked for beside a text: a subject, HTML, files, and what to send if all fails.

The forms alone; what goes with which channel is `channel_rules`.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from messaging.domain.message import Channel

MAX_TEXT = 102_400
"""Bytes of an e-mail's text. Gmail cuts off what is longer than about that."""
MAX_HTML = 512_000
"""Bytes of an e-mail's HTML."""
MAX_MEDIA = 10
"""Files to a message: what Twilio takes, the most of those we know."""
_LONGEST_URL = 2048
_FILE = re.compile(
    r"https://(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
    r"(?::[0-9]{1,5})?(?:[/?][!$-;=?-\[\]_a-~]*)?",
    re.ASCII,
)
"""A host with a name, perhaps a port, and printable ASCII: no user, no fragment, no quotes."""


def encodes(text: str) -> bool:
    """Whether a text can be written as UTF-8: no half of a surrogate pair stands alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_word(value: str) -> str:
    if not encodes(value):  # the fingerprint could not be taken
        raise PydanticCustomError("key_not_text", "not text")
    return value


def _check_media(value: list[str] | None) -> list[str] | None:
    if value is not None and len(value) > MAX_MEDIA:
        raise PydanticCustomError("too_many_files", "too many")
    return value


def _check_file(value: str) -> str:
    if len(value) > _LONGEST_URL or not _FILE.fullmatch(value):
        raise PydanticCustomError("not_a_file", "not a file")
    return value


Word = Annotated[str, AfterValidator(_check_word)]
"""Text that is compared and never kept."""
Subject = Annotated[
    str | None, Field(max_length=255, description="of an e-mail, which needs one; one line")
]
Html = Annotated[
    str | None,
    Field(
        max_length=MAX_HTML, description="of an e-mail: the same as `body`, for those who see HTML"
    ),
]
Media = Annotated[
    list[Annotated[Word, AfterValidator(_check_file)]] | None,
    AfterValidator(_check_media),
    Field(
        description="https addresses of up to 10 files, with mms; on Instagram one, and no text",
        examples=[["https://example.com/picture.png"]],
    ),
]
FromName = Annotated[
    str | None, Field(max_length=80, description="who an e-mail is from, beside the address")
]
ReplyTo = Annotated[Word | None, Field(description="where answers to an e-mail go")]


class Fallback(BaseModel):
    """What is sent on another channel should a message fail for good."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    channel: Channel
    to: Word
    subject: Subject = None
    body: Annotated[
        str | None, Field(max_length=MAX_TEXT, description="null: the message's own")
    ] = None
    from_: Annotated[Word | None, Field(alias="from", description="a sender of yours")] = None
