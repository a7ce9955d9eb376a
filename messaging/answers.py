"""What does an inbound message change, and what is answered to it?

STOP suppresses and cancels, START lifts, YES grants what a double opt-in asked for, HELP is answered.
Who answers is the sender's `reply_owner`: one party only, and we only where it is us.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import suppression
from messaging.domain import segments
from messaging.domain.compliance.facts import Basis, ConsentAction
from messaging.domain.compliance.keywords import Keyword
from messaging.domain.compliance.policy import Replies
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Parts, Priority, Purpose, Traffic
from messaging.domain.new_message import NewMessage
from messaging.runtime import Runtime
from messaging.store import consents, messages
from messaging.store import inbound as store
from messaging.store.consents import ConsentEvent, NewConsent
from messaging.store.inbound import NewInbound
from messaging.store.messages import NewRow
from messaging.store.suppressions import NewSuppression

_SOURCE = "inbound"
_LATEST_REPLY = timedelta(minutes=5)
"""A confirmation within five minutes is presumed allowed; later none is sent. 47 CFR 64.1200(a)(12)."""
_HELP_EVERY = timedelta(minutes=1)
_HELPS_A_DAY = 10
"""Beyond that nobody reads them: it is a machine that answers ours."""
_DAY = timedelta(days=1)
_SUBJECTS = {
    Purpose.OPT_OUT_CONFIRMATION: "You are unsubscribed",
    Purpose.OPT_IN_CONFIRMATION: "You are subscribed again",
    Purpose.HELP: "Help",
}
"""What an answer by e-mail is headed with."""


@dataclass(frozen=True, slots=True)
class Heard:
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to somebody who used a keyword that changed something."""

    purpose: Purpose
    text: str


def obey(db: Connection, heard: Heard) -> Answer | None:
    """Do what a message asks for, in the caller's transaction; the answer, if it is news."""
    match heard.row.keyword:
        case Keyword.STOP:
            return _stop(db, heard)
        case Keyword.START:
            return _start(db, heard)
        case Keyword.YES:
            return _yes(db, heard)
        case Keyword.HELP:
            return _help(db, heard)
        case Keyword.OTHER:
            return None


def reply(
    rt: Runtime, db: Connection, heard: Heard, answer: Answer, conversation_id: UUID
) -> NewRow | None:
    """Put an answer in line, if answering is ours; it leaves from the sender that was written to."""
    if heard.answers_from is None or heard.person is None:
        return None
    row = NewRow(
        id=rt.new_id(),
        tenant_id=heard.row.tenant_id,
        recipient_key=heard.row.recipient_key,
        status=Status.QUEUED,
        message=_worded(heard, answer, heard.person, conversation_id),
        created_at=heard.row.received_at,
    )
    messages.insert(db, [row])
    return row


def _worded(heard: Heard, answer: Answer, person: str, conversation_id: UUID) -> NewMessage:
    measure = segments.measure(answer.text)
    texted = heard.row.channel is Channel.SMS
    mailed = heard.row.channel is Channel.EMAIL
    return NewMessage(
        recipient=person,
        body=answer.text,
        channel=heard.row.channel,
        segments=measure.segments if texted else 1,
        encoding=measure.encoding if texted else None,
        category=Category.TRANSACTIONAL,
        priority=Priority.HIGH,
        expires_at=heard.row.received_at + _LATEST_REPLY,
        sender_id=heard.answers_from,
        conversation_id=conversation_id,
        purpose=answer.purpose,
        traffic=Traffic.SYSTEM_INTERNAL,
        parts=Parts(subject=_SUBJECTS[answer.purpose]) if mailed else None,
    )


def _stop(db: Connection, heard: Heard) -> Answer | None:
    """Suppress and cancel; confirmed once, when it changed something."""
    row = heard.row
    done = suppression.suppress(
        db,
        [
            NewSuppression(row.tenant_id, channel, key, _SOURCE, heard.evidence, at=heard.said_at)
            for channel, key in heard.keys.items()
        ],
    )
    return Answer(Purpose.OPT_OUT_CONFIRMATION, heard.replies.stop) if done.new else None


def _start(db: Connection, heard: Heard) -> Answer | None:
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
    return Answer(Purpose.OPT_IN_CONFIRMATION, heard.replies.start) if any(lifted) else None


def _yes(db: Connection, heard: Heard) -> Answer | None:
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


def _help(db: Connection, heard: Heard) -> Answer | None:
    """Answered also to those who said STOP, but not to an autoresponder that answers our answer."""
    row = heard.row
    before = store.answered(db, row.tenant_id, row.recipient_key, Keyword.HELP, _HELPS_A_DAY)
    if before and before[0] >= row.received_at - _HELP_EVERY:
        return None
    if len(before) == _HELPS_A_DAY and before[-1] >= row.received_at - _DAY:
        return None
    return Answer(Purpose.HELP, heard.replies.help)
