"""What people answer: kept once, read for STOP, START, HELP and YES, acted on, and answered.

    webhook -> verify -> read | lock the person | keep -> suppress or lift -> reply | commit -> hint

All of it is one transaction: a STOP that is kept has suppressed and canceled, and a webhook that comes
twice finds itself and does nothing. Who answers is the number's `reply_owner`: one party only, and we
only where it is us.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import providers, suppression
from messaging.domain import addresses, segments
from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance.facts import Basis, ConsentAction
from messaging.domain.compliance.keywords import Keyword, evidence, read, weigh
from messaging.domain.compliance.policy import Replies
from messaging.domain.lifecycle import Status
from messaging.domain.message import (
    LANE_OF,
    Category,
    Channel,
    Priority,
    ProviderAccount,
    Purpose,
    Traffic,
)
from messaging.domain.new_message import NewMessage
from messaging.domain.registration import ReplyOwner
from messaging.providers.base import InboundMessage, Webhook
from messaging.queues import DISPATCH
from messaging.runtime import Runtime
from messaging.store import consents, messages, sender_stats, suppressions
from messaging.store import inbound as store
from messaging.store.consents import ConsentEvent, NewConsent
from messaging.store.inbound import NewInbound
from messaging.store.messages import NewRow
from messaging.store.suppressions import NewSuppression
from messaging.telemetry import log, tally

_SOURCE = "inbound"
_LATEST_REPLY = timedelta(minutes=5)
"""A confirmation within five minutes is presumed allowed; later none is sent. 47 CFR 64.1200(a)(12)."""
_HELP_EVERY = timedelta(minutes=1)
_HELPS_A_DAY = 10
"""Beyond that nobody reads them: it is a machine that answers ours."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Heard:
    """An inbound message with everything about it that needs no transaction."""

    row: NewInbound
    keys: Mapping[Channel, bytes]
    """What stands for the person, on each channel that a STOP covers."""
    evidence: str
    said_at: datetime | None
    """When it was said, if the provider tells; else it was just now."""
    person: str | None
    """The address a reply goes to; None if it is none that can be written to."""
    sender_id: UUID | None
    """The sender that was written to; None if it is none of the tenant's."""
    answers_from: UUID | None
    """The same, if its replies are ours."""
    replies: Replies


def verify(of: ProviderAccount, webhook: Webhook) -> bool:
    """Whether the account's provider signed this webhook."""
    return providers.get(of.provider).verify(of, webhook)


def receive(rt: Runtime, account: ProviderAccount, webhook: Webhook) -> None:
    """Keep and obey a verified webhook; durable when this returns, and safe to repeat.

    What is no inbound message is counted and dropped.
    """
    messages = providers.get(account.provider).inbound(webhook)
    if not messages:
        log().warning("inbound.unreadable", account_id=str(account.id))
        rt.counters.add(tally("posthorn_inbound_total", keyword=["unreadable"]))
    for message in messages:
        _receive(rt, _hear(rt, account, message))


def _receive(rt: Runtime, heard: _Heard) -> None:
    with rt.engine.begin() as db:
        fresh, reply = _keep(rt, db, heard)
    if reply is not None:
        rt.hints.ring(DISPATCH[LANE_OF[reply.message.priority]])
    if fresh:
        rt.counters.add(tally("posthorn_inbound_total", keyword=[heard.row.keyword.lower()]))


def _hear(rt: Runtime, account: ProviderAccount, message: InboundMessage) -> _Heard:
    """Read a message; the provider's address for the person is normalised as ours are."""
    now = rt.now()
    ours = read(message.body)
    person = addresses.normalise(message.from_, None)
    address = message.from_ if isinstance(person, AddressProblem) else person
    keys = suppression.keys(rt.settings.pepper, Channel.SMS, address)
    known = rt.senders_of(account.tenant_id)
    sender_id = known.names.get(message.to)
    sender = known.candidates.by_id.get(sender_id) if sender_id else None
    row = NewInbound(
        id=rt.new_id(),
        tenant_id=account.tenant_id,
        account_id=account.id,
        channel=Channel.SMS,
        provider_message_id=message.provider_message_id,
        recipient_key=keys[Channel.SMS],
        from_address=address,
        to_address=message.to,
        body=message.body,
        keyword=weigh(ours, message.provider_keyword),
        inferred=ours.inferred and message.provider_keyword != Keyword.STOP,
        language=ours.language,
        provider_keyword=message.provider_keyword,
        at=message.at or now,
        received_at=now,
    )
    return _Heard(
        row=row,
        keys=keys,
        evidence=evidence(ours, account.provider, message.provider_keyword),
        said_at=message.at,
        person=None if isinstance(person, AddressProblem) else person,
        sender_id=sender.id if sender else None,
        answers_from=sender.id if sender and sender.reply_owner is ReplyOwner.SELF else None,
        replies=known.policy.replies,
    )


def _keep(rt: Runtime, db: Connection, heard: _Heard) -> tuple[bool, NewRow | None]:
    """Whether the message is new, and the reply that goes out, if one does."""
    keyword = heard.row.keyword
    if keyword is not Keyword.OTHER:
        # One at a time per person; and a STOP waits for dispatches that hold them anyway.
        suppressions.lock(db, list(heard.keys.values()))
    if not store.add(db, heard.row):
        return False, None
    match keyword:
        case Keyword.STOP:
            answer = _stop(db, heard)
        case Keyword.START:
            answer = _start(db, heard)
        case Keyword.YES:
            answer = _yes(db, heard)
        case Keyword.HELP:
            answer = _help(db, heard)
        case Keyword.OTHER:
            answer = None
    _tell(db, heard, stopped=answer is not None)
    return True, _reply(rt, db, heard, answer) if answer is not None else None


def _tell(db: Connection, heard: _Heard, *, stopped: bool) -> None:
    """Count it for the sender: as an opt-out if that is news, else as a reply."""
    if heard.sender_id is None or (heard.row.keyword is Keyword.STOP and not stopped):
        return
    what = "opted_out" if heard.row.keyword is Keyword.STOP else "replies"
    row = heard.row
    sender_stats.answered(db, row.tenant_id, row.recipient_key, heard.sender_id, what)


@dataclass(frozen=True, slots=True)
class _Answer:
    purpose: Purpose
    text: str


def _stop(db: Connection, heard: _Heard) -> _Answer | None:
    """Suppress and cancel; confirmed once, when it changed something."""
    row = heard.row
    done = suppression.suppress(
        db,
        [
            NewSuppression(row.tenant_id, channel, key, _SOURCE, heard.evidence, at=heard.said_at)
            for channel, key in heard.keys.items()
        ],
    )
    return _Answer(Purpose.OPT_OUT_CONFIRMATION, heard.replies.stop) if done.new else None


def _start(db: Connection, heard: _Heard) -> _Answer | None:
    """Lift what the person asked for themselves; it grants nothing."""
    lifted = [
        suppression.lift(
            db,
            heard.row.tenant_id,
            channel,
            key,
            source=_SOURCE,
            evidence=heard.evidence,
            at=heard.said_at,
        )
        for channel, key in heard.keys.items()
    ]
    return _Answer(Purpose.OPT_IN_CONFIRMATION, heard.replies.start) if any(lifted) else None


def _yes(db: Connection, heard: _Heard) -> _Answer | None:
    """Grant what a double opt-in asked for; without an open one, YES answers some other question."""
    row = heard.row
    asked = _open_asks(db, row)
    if not asked:
        return None
    consents.add(
        db,
        [
            NewConsent(
                tenant_id=row.tenant_id,
                channel=row.channel,
                recipient_key=row.recipient_key,
                category=ask.category,
                action=ConsentAction.GRANT,
                basis=ask.basis or Basis.EXPRESS,
                source=_SOURCE,
                text_version=ask.text_version,
                evidence={"inbound_id": str(row.id), "read": heard.evidence},
                at=row.at,
            )
            for ask in asked
        ],
    )
    return _start(db, heard)


def _open_asks(db: Connection, row: NewInbound) -> list[ConsentEvent]:
    latest: dict[Category, ConsentEvent] = {}
    for event in consents.history(db, row.tenant_id, row.channel, row.recipient_key):
        latest.setdefault(event.category, event)
    return [event for event in latest.values() if event.action is ConsentAction.ASK]


def _help(db: Connection, heard: _Heard) -> _Answer | None:
    """Answered also to those who said STOP, but not to an autoresponder that answers our answer."""
    row = heard.row
    before = store.answered(db, row.tenant_id, row.recipient_key, Keyword.HELP, _HELPS_A_DAY)
    if before and before[0] >= row.received_at - _HELP_EVERY:
        return None
    if len(before) == _HELPS_A_DAY and before[-1] >= row.received_at - _DAY:
        return None
    return _Answer(Purpose.HELP, heard.replies.help)


def _reply(rt: Runtime, db: Connection, heard: _Heard, answer: _Answer) -> NewRow | None:
    """Put an answer in line, if answering is ours; it leaves from the number that was written to."""
    if heard.answers_from is None or heard.person is None:
        return None
    measure = segments.measure(answer.text)
    row = NewRow(
        id=rt.new_id(),
        tenant_id=heard.row.tenant_id,
        recipient_key=heard.row.recipient_key,
        status=Status.QUEUED,
        message=NewMessage(
            recipient=heard.person,
            body=answer.text,
            segments=measure.segments,
            encoding=measure.encoding,
            category=Category.TRANSACTIONAL,
            priority=Priority.HIGH,
            expires_at=heard.row.received_at + _LATEST_REPLY,
            sender_id=heard.answers_from,
            purpose=answer.purpose,
            traffic=Traffic.SYSTEM_INTERNAL,
        ),
        created_at=heard.row.received_at,
    )
    messages.insert(db, [row])
    store.note_reply(db, heard.row.id, row.id)
    return row
