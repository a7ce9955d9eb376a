"""What may a message of this channel hold, and what must it?

Asked of every request that is more than a text message. What a provider can carry beyond that is in
its `Abilities`.
"""

from __future__ import annotations

from collections.abc import Iterator

from messaging.domain import emails, mail_headers
from messaging.domain.addresses import AddressProblem
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Channel, Parts
from messaging.domain.request import MAX_BODY, SendRequest, storable
from messaging.domain.request_parts import MAX_HTML, MAX_TEXT

BEYOND_TEXT = frozenset({"subject", "html", "media", "from_name", "reply_to"})
"""The fields that make `Parts` of a request."""
INSTAGRAM_BYTES = 1000
"""Of a text in UTF-8: Meta says characters in one place and bytes in another; the stricter holds."""
_MAIL_ONLY = ("subject", "html", "from_name", "reply_to")
_FILES = frozenset({Channel.MMS, Channel.INSTAGRAM_DM})
_NOT_TEXT = "must not hold NUL or unpaired surrogate characters"


def size_problem(channel: Channel, body: str) -> FieldProblem | None:
    """Why a text is too long for a channel, if it is."""
    if channel.by_phone:
        if len(body) > MAX_BODY:
            return _long(f"must have at most {MAX_BODY} characters; shorten it")
        return None
    size = len(body.encode(errors="replace"))
    if channel is Channel.INSTAGRAM_DM and size > INSTAGRAM_BYTES:
        return _long(f"must have at most {INSTAGRAM_BYTES} bytes on Instagram; shorten it")
    if size > MAX_TEXT:
        return _long(f"must have at most {MAX_TEXT // 1024} KiB; shorten it")
    return None


def _long(detail: str) -> FieldProblem:
    return FieldProblem("#/body", "too_long", detail)


def problems(request: SendRequest) -> Iterator[FieldProblem]:
    """What of a request does not go with its channel."""
    yield from _files(request)
    if request.flash and request.channel is not Channel.SMS:
        detail = (
            "only a text message is shown at once and not kept; leave it out, or use channel sms"
        )
        yield FieldProblem("#/flash", "not_with_channel", detail)
    if request.channel is Channel.EMAIL:
        yield from _mail(request)
        return
    for name in _MAIL_ONLY:
        if getattr(request, name) is not None:
            detail = "goes with an e-mail only; leave it out, or use channel email"
            yield FieldProblem(f"#/{name}", "not_with_channel", detail)


def _files(request: SendRequest) -> Iterator[FieldProblem]:
    if not request.media:
        return
    if request.channel is Channel.SMS:
        yield FieldProblem(
            "#/media", "not_with_channel", "a text carries no files; use channel mms"
        )
    elif request.channel not in _FILES:
        detail = "an e-mail carries no files here; link to them in its html"
        yield FieldProblem("#/media", "not_with_channel", detail)
    elif request.channel is Channel.INSTAGRAM_DM and (request.body or len(request.media) > 1):
        detail = "Instagram takes one file or a text, not both; send several messages"
        yield FieldProblem("#/media", "not_together", detail)


def _mail(request: SendRequest) -> Iterator[FieldProblem]:
    if not (request.subject or "").strip():
        yield FieldProblem("#/subject", "required", "an e-mail needs a subject")
    for name in ("subject", "from_name", "reply_to"):
        value = getattr(request, name)
        wrong = mail_headers.problem(value) if value is not None else None
        if wrong is not None:
            detail = f"{wrong}; write one line of plain text"
            yield FieldProblem(f"#/{name}", "not_a_header", detail)
        elif name == "reply_to" and value is not None:
            address = emails.normalise(value)
            if isinstance(address, AddressProblem):
                yield FieldProblem("#/reply_to", address.code, address.detail)
    if request.html is not None:
        if not storable(request.html):
            yield FieldProblem("#/html", "not_text", _NOT_TEXT)
        elif len(request.html.encode()) > MAX_HTML:
            detail = f"must have at most {MAX_HTML // 1024} KiB; shorten it"
            yield FieldProblem("#/html", "too_long", detail)


def parts_of(request: SendRequest) -> Parts | None:
    """What a request that has no problems asks for beside its text."""
    if BEYOND_TEXT.isdisjoint(request.model_fields_set):
        return None
    reply_to = emails.normalise(request.reply_to) if request.reply_to is not None else None
    parts = Parts(
        subject=request.subject,
        html=request.html,
        media=tuple(request.media or ()),
        from_name=request.from_name,
        reply_to=reply_to if isinstance(reply_to, str) else None,
    )
    return None if parts == Parts() else parts
