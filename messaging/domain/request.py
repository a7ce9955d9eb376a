"""What may be asked of us: one message to send, as a caller writes it.

Every door (HTTP, the Celery task, the Python client, the command line) reads its input with
`SendRequest`, so a rule about a field stands in one place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from messaging.domain import segments
from messaging.domain.addresses import AddressProblem, normalise
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Category, Channel, NewMessage, Priority

MAX_BODY = 1600
MAX_KEY = 255
MAX_LIST = 10_000
_MAX_METADATA_BYTES = 16_384
_MAX_AHEAD = timedelta(days=366)


class SendRequest(BaseModel):
    """A message to send."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    to: Annotated[str, Field(description="recipient: E.164, or national in your default region")]
    body: Annotated[
        str, Field(min_length=1, max_length=MAX_BODY, description="text, 1-1600 characters")
    ]
    channel: Channel = Channel.SMS
    category: Category = Category.TRANSACTIONAL
    priority: Priority = Priority.NORMAL
    from_: Annotated[
        str | None, Field(alias="from", description="a sender of yours: its address or its id")
    ] = None
    pool: Annotated[str | None, Field(description="a sender pool of yours, by name")] = None
    conversation_id: UUID | None = None
    scheduled_for: Annotated[
        AwareDatetime | None, Field(description="send then instead of now; RFC 3339 with an offset")
    ] = None
    expires_at: Annotated[
        AwareDatetime | None, Field(description="do not send after this time")
    ] = None
    metadata: Annotated[
        dict[str, JsonValue] | None, Field(description="yours; returned as it was, never sent")
    ] = None
    idempotency_key: Annotated[str | None, Field(min_length=1, max_length=MAX_KEY)] = None
    draft: Annotated[bool, Field(description="save it; submit it later")] = False

    def fingerprint(self) -> bytes:
        """What makes two requests the same: every field except the idempotency key."""
        return fingerprint([self])


def fingerprint(requests: Iterable[SendRequest]) -> bytes:
    """SHA-256 over the requests' canonical JSON."""
    plain = [r.model_dump(mode="json", exclude={"idempotency_key"}) for r in requests]
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).digest()


@dataclass(frozen=True, slots=True)
class Context:
    """What reading a request depends on besides its text."""

    region: str
    senders: dict[str, UUID]
    """The tenant's senders by address and by id."""
    pools: dict[str, UUID]
    now: datetime


def read(request: SendRequest, context: Context) -> NewMessage | list[FieldProblem]:
    """The message a request asks for, or everything that is wrong with it."""
    problems = _times(request, context.now) + _texts(request)
    recipient = normalise(request.to, context.region)
    if isinstance(recipient, AddressProblem):
        problems.append(FieldProblem("#/to", recipient.code, recipient.detail))
    if request.channel is not Channel.SMS:
        problems.append(
            FieldProblem("#/channel", "channel_not_served", "only sms is served; leave it out")
        )
    if request.from_ is not None and request.from_ not in context.senders:
        problems.append(
            FieldProblem("#/from", "unknown_sender", "no active sender of yours; list yours first")
        )
    if request.pool is not None and request.pool not in context.pools:
        problems.append(
            FieldProblem("#/pool", "unknown_pool", "no sender pool of yours has this name")
        )
    if problems or isinstance(recipient, AddressProblem):
        return problems
    return NewMessage(
        recipient=recipient,
        body=request.body,
        segments=segments.count(request.body),
        channel=request.channel,
        category=request.category,
        priority=request.priority,
        scheduled_for=request.scheduled_for,
        expires_at=request.expires_at,
        sender_id=context.senders[request.from_] if request.from_ else None,
        pool_id=context.pools[request.pool] if request.pool else None,
        conversation_id=request.conversation_id,
        metadata=request.metadata,
        draft=request.draft,
    )


def _times(request: SendRequest, now: datetime) -> list[FieldProblem]:
    problems = []
    if request.scheduled_for is not None:
        if request.scheduled_for <= now:
            problems.append(
                FieldProblem(
                    "#/scheduled_for",
                    "in_the_past",
                    "must be in the future; leave it out to send now",
                )
            )
        elif request.scheduled_for > now + _MAX_AHEAD:
            problems.append(
                FieldProblem("#/scheduled_for", "too_far_ahead", "must be within 366 days from now")
            )
    if request.expires_at is not None and request.expires_at <= (request.scheduled_for or now):
        problems.append(
            FieldProblem(
                "#/expires_at", "in_the_past", "must be later than now and than scheduled_for"
            )
        )
    return problems


def _texts(request: SendRequest) -> list[FieldProblem]:
    """Text that Postgres or a carrier would refuse later is refused here, with its field."""
    problems = []
    if not storable(request.body):
        problems.append(
            FieldProblem("#/body", "not_text", "must not hold NUL or unpaired surrogate characters")
        )
    if request.metadata:
        try:
            encoded = orjson.dumps(request.metadata)
        except (TypeError, ValueError):
            encoded = b"\\u0000"
        if b"\\u0000" in encoded:
            problems.append(
                FieldProblem("#/metadata", "not_text", "must be JSON without NUL characters")
            )
        elif len(encoded) > _MAX_METADATA_BYTES:
            problems.append(
                FieldProblem("#/metadata", "too_large", "must be at most 16 KiB as JSON")
            )
    return problems


def storable(text: str) -> bool:
    """Whether a text can be stored in Postgres and put on the wire as UTF-8."""
    return (text.isascii() and "\0" not in text) or ("\0" not in text and _encodes(text))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_REMEDIES = {
    "missing": ("required", "is required"),
    "extra_forbidden": ("unknown_field", "is not a field of this request; remove it"),
    "string_too_long": ("too_long", None),
    "string_too_short": ("too_short", None),
    "enum": ("not_allowed", None),
    "timezone_aware": ("no_time_zone", "must carry a UTC offset, as in 2030-01-31T09:00:00-05:00"),
}


def problems_of(error: ValidationError, prefix: str = "#") -> list[FieldProblem]:
    """Pydantic's complaints as ours: a pointer, a stable code, a sentence, never the value."""
    problems = []
    for item in error.errors(include_input=False, include_url=False):
        pointer = "/".join([prefix, *(str(part) for part in item["loc"])])
        code, detail = _REMEDIES.get(item["type"], ("not_valid", None))
        problems.append(FieldProblem(pointer, code, detail or _sentence(item["type"], item["msg"])))
    return problems


def _sentence(kind: str, message: str) -> str:
    if kind == "json_invalid":
        return "is not valid JSON"
    return message[0].lower() + message[1:]


def parse(raw: Any) -> SendRequest | list[FieldProblem]:
    """A request from plain values (a decoded JSON object, keyword arguments)."""
    try:
        return SendRequest.model_validate(raw)
    except ValidationError as error:
        return problems_of(error)
