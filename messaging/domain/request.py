"""What may be asked of us: one message to send, as a caller writes it.

Every door (HTTP, the Celery task, the Python client, the command line) reads its input with
`SendRequest`, so a rule about a field stands in one place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from messaging.domain.compliance.regulated import REGULATED
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Category, Channel, Priority
from messaging.domain.request_parts import (
    MAX_TEXT,
    Fallback,
    FromName,
    Html,
    Media,
    ReplyTo,
    Subject,
    Word,
    encodes,
)

MAX_BODY = 1600
"""Characters of a text message; what other channels take is in `channel_rules`."""
MAX_KEY = 255
MAX_LIST = 10_000
_MAX_METADATA_BYTES = 16_384
_BEYOND_64_BITS = 2.0**63
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)


def plain_json(value: dict[str, Any], most: int) -> dict[str, Any]:
    """An object of at most `most` bytes that Postgres can keep and that comes back as it went in.

    Raises:
        PydanticCustomError: it is too large, or holds what one of the two cannot write.
    """
    try:
        encoded = orjson.dumps(value)
    except (TypeError, ValueError):
        encoded = b"\\u0000"
    if b"\\u0000" in encoded or not _small(value):
        raise PydanticCustomError("metadata_not_text", "not plain JSON")
    if len(encoded) > most:
        raise PydanticCustomError("metadata_too_large", "too large")
    return value


def _small(value: JsonValue) -> bool:
    """Whether no number is beyond 64 bits: Postgres writes 1e300 out as three hundred digits."""
    if isinstance(value, dict):
        return all(map(_small, value.values()))
    if isinstance(value, list):
        return all(map(_small, value))
    return not isinstance(value, float) or abs(value) < _BEYOND_64_BITS


def _check_metadata(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return plain_json(value, _MAX_METADATA_BYTES)


Metadata = Annotated[dict[str, JsonValue], AfterValidator(_check_metadata)]
"""What a caller says of a message for itself."""


def _check_key(value: str) -> str:
    if not storable(value):
        raise PydanticCustomError("key_not_text", "the key is not text")
    return value


def _check_era(value: datetime) -> datetime:
    """Times that somebody's clock or database cannot write down are nobody's."""
    if not _FIRST <= value < _LAST:
        raise PydanticCustomError("datetime_era", "the year is out of bounds")
    return value


Ref = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""How a tenant names something of its own."""
Instant = Annotated[AwareDatetime, AfterValidator(_check_era)]
"""A time that every part of the system can hold, in any time zone."""


class SendRequest(BaseModel):
    """A message to send."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    to: Annotated[
        Word,
        Field(
            description="recipient: a number in E.164, or national in your default region; on its"
            " channel an e-mail address, or the Instagram id their message came with"
        ),
    ]
    body: Annotated[
        str,
        Field(
            max_length=MAX_TEXT,
            description="text, 1-1600 characters; of an e-mail up to 100 KiB, on Instagram 1000 bytes."
            " May be empty beside media",
        ),
    ]
    channel: Channel = Channel.SMS
    category: Category = Category.TRANSACTIONAL
    priority: Priority = Priority.NORMAL
    from_: Annotated[
        Word | None, Field(alias="from", description="a sender of yours: its address or its id")
    ] = None
    pool: Annotated[Word | None, Field(description="a sender pool of yours, by name")] = None
    conversation_id: UUID | None = None
    scheduled_for: Annotated[
        Instant | None, Field(description="send then instead of now; RFC 3339 with an offset")
    ] = None
    expires_at: Annotated[Instant | None, Field(description="do not send after this time")] = None
    metadata: Annotated[
        Metadata | None, Field(description="yours; returned as it was, never sent")
    ] = None
    idempotency_key: Annotated[
        Annotated[str, Field(min_length=1, max_length=MAX_KEY), AfterValidator(_check_key)] | None,
        Field(description="repeats of a request with this key are kept once"),
    ] = None
    draft: Annotated[bool, Field(description="save it; submit it later")] = False
    subject: Subject = None
    html: Html = None
    media: Media = None
    from_name: FromName = None
    reply_to: ReplyTo = None
    fallback: Annotated[
        Fallback | None,
        Field(description="what is sent on another channel should this one fail for good"),
    ] = None
    flash: Annotated[
        bool, Field(description="show it at once, keep nothing (class 0); one segment, no link")
    ] = False
    flash_fallback: Annotated[
        bool, Field(description="send it as an ordinary message where no provider offers flash")
    ] = False
    lead: Annotated[Ref | None, Field(description="whom it is to, as you name them")] = None
    campaign: Annotated[
        Ref | None, Field(description="yours; decides the sender if it is bound to some")
    ] = None
    source: Annotated[Ref | None, Field(description="where the lead came from; as `campaign`")] = (
        None
    )
    use_case: Annotated[
        Ref | None, Field(description="one that is bound to a pool; instead of `pool`")
    ] = None
    agent: Annotated[Ref | None, Field(description="who writes; their own numbers come first")] = (
        None
    )
    template: Annotated[
        Ref | None, Field(description="which text it is: one that fails everywhere is paused")
    ] = None
    traffic: Annotated[
        Literal["RealLead", "Warmup", "Test", "SystemInternal"],
        Field(description="only RealLead counts in statistics"),
    ] = "RealLead"
    content: Annotated[
        Literal[*sorted(REGULATED)] | None,  # type: ignore[valid-type]
        Field(description="what it is about, where that is regulated"),
    ] = None
    time_zone: Annotated[
        str | None,
        Field(max_length=64, description="the recipient's, if you know it: an IANA name"),
    ] = None
    postal_code: Annotated[
        str | None, Field(max_length=12, description="the recipient's, if you know it")
    ] = None
    smart_encoding: Annotated[
        bool | None,
        Field(description="replace characters that would force UCS-2; null: as your policy says"),
    ] = None

    def fingerprint(self) -> bytes:
        """What makes two requests the same: every field except the idempotency key."""
        return fingerprint([self])


def fingerprint(requests: Iterable[SendRequest]) -> bytes:
    """SHA-256 over the requests' canonical JSON."""
    plain = [r.model_dump(mode="json", exclude={"idempotency_key"}) for r in requests]
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).digest()


def storable(text: str) -> bool:
    """Whether a text can be stored in Postgres and put on the wire as UTF-8."""
    return (text.isascii() and "\0" not in text) or ("\0" not in text and encodes(text))


_REMEDIES = {
    "missing": ("required", "is required"),
    "extra_forbidden": ("unknown_field", "is not a field of this request; remove it"),
    "string_too_long": ("too_long", "must have at most {max_length} characters; shorten it"),
    "string_too_short": ("too_short", "must have at least {min_length} characters"),
    "string_type": ("not_text", "must be a string"),
    "string_unicode": ("not_text", "must not hold unpaired surrogate characters"),
    "literal_error": ("not_allowed", "must be one of {expected}"),
    "metadata_not_text": ("not_text", "must be plain JSON: no NUL, no numbers beyond 64 bits"),
    "key_not_text": ("not_text", "must not hold NUL or unpaired surrogate characters"),
    "metadata_too_large": ("too_large", "must be at most 16 KiB as JSON"),
    "datetime_era": ("not_valid", "must lie between the years 1970 and 9998"),
    "enum": ("not_allowed", "must be one of {expected}"),
    "timezone_aware": ("no_time_zone", "must carry a UTC offset, as in 2030-01-31T09:00:00-05:00"),
    "too_many_files": ("too_long", "takes at most 10 files; leave some out"),
    "not_a_file": (
        "not_valid",
        "must be an https address of a file that anybody may fetch, as https://example.com/a.png",
    ),
    "list_type": ("not_a_list", "must be a list"),
    "model_type": ("not_an_object", "must be a JSON object"),
    "model_attributes_type": ("not_an_object", "must be a JSON object"),
    "dict_type": ("not_an_object", "must be a JSON object"),
}
_FAMILIES = {
    "datetime": "must be a time as in 2030-01-31T09:00:00-05:00",
    "uuid": "must be a UUID",
    "bool": "must be true or false",
    "int": "must be a whole number",
    "json": "must be valid JSON",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def problems_of(error: ValidationError, prefix: str = "#") -> list[FieldProblem]:
    """Pydantic's complaints as ours: a pointer, a stable code, a sentence, never the value."""
    return problems_from(error.errors(include_input=False, include_url=False), prefix=prefix)


def problems_from(items: Iterable[Mapping[str, Any]], prefix: str = "#") -> list[FieldProblem]:
    """`problems_of` for complaints that were taken out of their exception."""
    problems = []
    for item in items:
        code, detail = _REMEDIES.get(item["type"], ("not_valid", None))
        text = detail.format_map(item.get("ctx", {})) if detail else _sentence(item)
        problem = FieldProblem("/".join([prefix, *_path(item["loc"])]), code, text)
        if problem not in problems:
            problems.append(problem)
    return problems


def _path(location: Iterable[int | str]) -> list[str]:
    """A location as far as it consists of names and numbers; an unknown name may be anything."""
    path: list[str] = []
    for part in location:
        if isinstance(part, str) and not _NAME.fullmatch(part):
            break
        path.append(str(part))
        if part == "metadata":  # what is inside belongs to the caller
            break
    return path


def _sentence(item: Mapping[str, Any]) -> str:
    """A sentence of our own by the kind of complaint: Pydantic's may quote what was sent."""
    for family, text in _FAMILIES.items():
        if item["type"].startswith(family):
            return text
    constraint = item.get("ctx", {})
    bounds = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for name, words in bounds.items():
        if name in constraint:
            return f"must be {words} {constraint[name]}"
    return "is not valid here; see the documentation of this field"


def parse(raw: Any) -> SendRequest | list[FieldProblem]:
    """A request from plain values (a decoded JSON object, keyword arguments)."""
    try:
        return SendRequest.model_validate(raw)
    except ValidationError as error:
        return problems_of(error)
