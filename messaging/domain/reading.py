"""What does a request ask for, once the tenant is known? A message, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from messaging.domain import channel_rules, fallbacks, segments
from messaging.domain.addresses import AddressProblem, region_of
from messaging.domain.candidates import carries
from messaging.domain.compliance import places
from messaging.domain.compliance.policy import DEFAULT, Policy
from messaging.domain.encoding import as_sent
from messaging.domain.errors import FieldProblem
from messaging.domain.message import Channel, Sender, Traffic
from messaging.domain.new_message import NewMessage
from messaging.domain.recipients import address_of, is_placeholder
from messaging.domain.request import MAX_BODY, SendRequest, storable

_MAX_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Context:
    """What reading a request depends on besides its text."""

    region: str
    senders: dict[str, UUID]
    """The tenant's senders by address and by id."""
    pools: dict[str, UUID]
    now: datetime
    policy: Policy = DEFAULT
    use_cases: Mapping[str, UUID] = field(default_factory=dict)
    """The pool of each use case of the tenant's."""
    default_pool: UUID | None = None
    """The pool of whatever names neither a pool nor a use case."""
    flash_offered: bool = False
    """Whether a provider of the tenant's offers flash messages."""
    known: Mapping[UUID, Sender] = field(default_factory=dict)
    """What is known of the tenant's senders by id."""

    def sender_id(self, request: SendRequest) -> UUID | None:
        """The sender a request names; None if it names none, or none of the tenant's."""
        name = request.from_
        if name is None:
            return None
        return self.senders.get(name.lower() if request.channel is Channel.EMAIL else name)


_PLAIN = frozenset({*channel_rules.BEYOND_TEXT, "fallback"})


def read(request: SendRequest, context: Context) -> NewMessage | list[FieldProblem]:
    """The message a request asks for, or everything that is wrong with it."""
    # A text message without any of these is nearly everything there is: nothing more is asked of it.
    plain = request.channel is Channel.SMS and _PLAIN.isdisjoint(request.model_fields_set)
    problems = _times(request, context.now) + _texts(request)
    recipient = address_of(request.channel, request.to, context.region)
    if isinstance(recipient, AddressProblem):
        problems.append(FieldProblem("#/to", recipient.code, recipient.detail))
    elif is_placeholder(recipient):
        problems.append(_PLACEHOLDER)
    else:
        problems += _whereabouts(request, recipient)
    problems += _senders(request, context)
    fallback = None
    if not plain:
        problems += channel_rules.problems(request)
        fallback = _fallback(request, context, problems)
    body = request.body if problems else _encoded(request, context.policy)
    if len(body) > MAX_BODY and request.channel.by_phone and not problems:
        problems.append(TOO_LONG_ENCODED)
    if problems or isinstance(recipient, AddressProblem):
        return problems
    return _made(request, context, recipient, body, fallback)


_PLACEHOLDER = FieldProblem("#/to", "placeholder", "stands for nobody; name whom you write to")


def _made(
    request: SendRequest,
    context: Context,
    recipient: str,
    body: str,
    fallback: Mapping[str, Any] | None,
) -> NewMessage:
    count, encoding = measured(request.channel, body)
    return NewMessage(
        recipient=recipient,
        body=body,
        segments=count,
        encoding=encoding,
        channel=request.channel,
        category=request.category,
        priority=request.priority,
        scheduled_for=request.scheduled_for,
        expires_at=request.expires_at,
        sender_id=context.sender_id(request),
        pool_id=_pool(request, context),
        conversation_id=request.conversation_id,
        metadata=request.metadata,
        draft=request.draft,
        flash=request.flash and (context.flash_offered or not request.flash_fallback),
        content=request.content,
        time_zone=request.time_zone,
        postal_code=request.postal_code,
        lead=request.lead,
        campaign=request.campaign,
        source=request.source,
        use_case=request.use_case,
        agent=request.agent,
        template=request.template,
        traffic=Traffic(request.traffic),
        parts=channel_rules.parts_of(request),
        fallback=fallback,
    )


def measured(channel: Channel, body: str) -> tuple[int, str | None]:
    """Segments and encoding of a text; whatever is no SMS is one message, however long."""
    if channel is not Channel.SMS:
        return 1, None
    found = segments.measure(body)
    return found.segments, found.encoding


def _fallback(
    request: SendRequest, context: Context, problems: list[FieldProblem]
) -> Mapping[str, Any] | None:
    """What is to stand in for a message, as it is kept; what is wrong with it is added to `problems`."""
    if request.fallback is None:
        return None
    if request.fallback.channel is request.channel:
        detail = "must be another channel than the message's own"
        problems.append(FieldProblem("#/fallback/channel", "not_allowed", detail))
        return None
    asked = fallbacks.stand_in(request, request.fallback)
    found = read(asked, context)
    if isinstance(found, NewMessage):
        return fallbacks.kept(asked, found.recipient)
    problems += fallbacks.pointed(found)
    return None


def _senders(request: SendRequest, context: Context) -> list[FieldProblem]:
    problems = _from(request, context)
    if request.pool is not None and request.pool not in context.pools:
        problems.append(
            FieldProblem("#/pool", "unknown_pool", "no sender pool of yours has this name")
        )
    return problems + _use_case(request, context)


def _from(request: SendRequest, context: Context) -> list[FieldProblem]:
    if request.from_ is None:
        return []
    id_ = context.sender_id(request)
    if id_ is None:
        detail = "no active sender of yours; list yours first"
        return [FieldProblem("#/from", "unknown_sender", detail)]
    sender = context.known.get(id_)
    if sender is None or carries(sender, request.channel):
        return []
    detail = f"carries no {request.channel} message; name a sender that does, or leave it out"
    return [FieldProblem("#/from", "not_with_channel", detail)]


def _pool(request: SendRequest, context: Context) -> UUID | None:
    if request.use_case is not None:
        return context.use_cases[request.use_case]
    if request.pool:
        return context.pools[request.pool]
    # The pool of whatever names none is one of numbers.
    return context.default_pool if request.channel.by_phone else None


def _use_case(request: SendRequest, context: Context) -> list[FieldProblem]:
    if request.use_case is None:
        return []
    if request.use_case not in context.use_cases:
        detail = "no use case of yours has this name; bind it to a pool first"
        return [FieldProblem("#/use_case", "unknown_use_case", detail)]
    if request.pool is not None:
        detail = "a use case names the pool already; leave one of the two out"
        return [FieldProblem("#/pool", "not_together", detail)]
    return []


TOO_LONG_ENCODED = FieldProblem(
    "#/body",
    "too_long",
    f"has more than {MAX_BODY} characters once it is written as your policy says; shorten it",
)


def _encoded(request: SendRequest, policy: Policy) -> str:
    """The body as it will be sent."""
    body, smart, usual = request.body, request.smart_encoding, policy.content
    if request.channel is not Channel.SMS:
        return body
    return as_sent(
        body,
        smart_encoding=usual.smart_encoding if smart is None else smart,
        fold_accents=usual.fold_accents,
    )


def _whereabouts(request: SendRequest, recipient: str) -> list[FieldProblem]:
    problems = []
    if request.time_zone is not None:
        problem = places.zone_problem(request.time_zone)
        if problem is not None:
            problems.append(FieldProblem("#/time_zone", "unknown_time_zone", problem))
    if request.postal_code is not None and request.channel.by_phone:
        problem = places.postal_problem(region_of(recipient), request.postal_code)
        if problem is not None:
            problems.append(FieldProblem("#/postal_code", "not_valid", problem))
    return problems


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
    if not request.body and not request.media:
        return [FieldProblem("#/body", "too_short", "must have at least 1 characters")]
    if not storable(request.body):
        detail = "must not hold NUL or unpaired surrogate characters"
        return [FieldProblem("#/body", "not_text", detail)]
    size = channel_rules.size_problem(request.channel, request.body)
    return [] if size is None else [size]
