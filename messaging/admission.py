"""May what was read be kept? The rules, asked at the door.

A block that is known now is an answer now: a single message is refused with its reason, an entry of
a list is kept in its blocked status. A rule that only says "later" is asked again under the claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from messaging.domain import compliance, fallbacks
from messaging.domain.channel_rules import size_problem
from messaging.domain.compliance import Block, Facts, Reason, of_recipient
from messaging.domain.compliance.content import first_marketing
from messaging.domain.compliance.places import place_of
from messaging.domain.compliance.verdicts import ALLOW
from messaging.domain.compliance.wording import WORDS
from messaging.domain.errors import FieldProblem
from messaging.domain.lifecycle import Event, Status, advance
from messaging.domain.message import Category, Channel, Message
from messaging.domain.reading import TOO_LONG_ENCODED, measured
from messaging.judgement import complete, judgement
from messaging.store import facts
from messaging.store.facts import Person
from messaging.store.messages import Move, NewRow
from messaging.store.verdicts import Judgement
from messaging.submission import Draft, Prepared, Refused, Taken


@dataclass
class Admitted:
    """What one transaction keeps."""

    rows: list[NewRow] = field(default_factory=list)
    blocks: list[Move] = field(default_factory=list)
    """The steps of rows that are kept in a blocked status."""
    judgements: list[Judgement] = field(default_factory=list)


def admit(db: Connection, prepared: Sequence[Prepared]) -> Admitted:
    """Judge every row; the entries of `prepared` say afterwards what became of each."""
    admitted = Admitted()
    asked = []
    for one in prepared:
        for draft in one.drafts:
            marketing = draft.row.message.category is Category.MARKETING
            if draft.row.status is Status.DRAFT and not marketing:
                admitted.rows.append(draft.row)  # judged when it is sent
            else:
                asked.append((one, draft))
    people = [_person(one, draft.row) for one, draft in asked]
    found = facts.of_people(db, people)
    met: dict[Person, datetime] = {}
    for (one, draft), who, (known, first) in zip(asked, people, found, strict=True):
        too_long = _introduce(one, draft) if first and not _met(met, who) else None
        if too_long is not None:
            one.entries[draft.entry] = Refused([too_long])
            continue
        if draft.row.status is Status.DRAFT:
            admitted.rows.append(draft.row)
        elif _judge(admitted, one, draft, known) and first:
            met[who._replace(at=_ANY_TIME)] = who.at
    return admitted


_ANY_TIME = datetime.min.replace(tzinfo=UTC)


def _met(met: Mapping[Person, datetime], who: Person) -> bool:
    """Whether what was admitted before in this transaction says already who writes."""
    before = met.get(who._replace(at=_ANY_TIME))
    return before is not None and before <= who.at < before + timedelta(days=who.notice_days)


def _person(one: Prepared, row: NewRow) -> Person:
    return Person(
        row.tenant_id,
        row.message.channel,
        row.recipient_key,
        row.message.category,
        one.known.policy.content.notice_days,
        row.message.scheduled_for or one.now,
    )


def _introduce(one: Prepared, draft: Draft) -> FieldProblem | None:
    """Let a first marketing message say who writes and how to stop it; a problem if it grows too long."""
    new, policy = draft.row.message, one.known.policy
    if new.channel is Channel.EMAIL:
        return None  # what it has to say is put under it when it is sent
    body = first_marketing(new.body, policy.brand, policy.content.opt_out_notice)
    if body == new.body:
        return None
    too_long = size_problem(new.channel, body)
    if too_long is not None:
        return TOO_LONG_ENCODED if new.channel.by_phone else too_long
    count, encoding = measured(new.channel, body)
    draft.row.message = replace(new, body=body, segments=count, encoding=encoding)
    return None


def _judge(admitted: Admitted, one: Prepared, draft: Draft, known: Facts) -> bool:
    """Keep or refuse one row; whether it may go, as far as is known now."""
    row = draft.row
    message = _message(row)
    complete(known, message, one.known, place_of(message).country)
    verdict = compliance.judge(message, known, row.message.scheduled_for or one.now)
    if not isinstance(verdict, Block) or _may_pass(verdict, row, message, known, one.now):
        admitted.rows.append(row)
        return True
    kept = judgement("intake", message, known, verdict, one.now)
    admitted.judgements.append(kept)
    if one.submission.bulk or _falls_back(row, verdict):
        _keep_blocked(admitted, one, draft, verdict)
        return False
    kept.message_id, kept.recipient_key = None, row.recipient_key.hex()
    words = WORDS[verdict.reason]
    said = f"{words.title}: {verdict.detail}" if verdict.detail else words.title
    problem = FieldProblem(words.field, verdict.reason.value, f"{said}; {words.remedy}")
    one.entries[draft.entry] = Refused([problem], verdict.reason)
    return False


def _may_pass(verdict: Block, row: NewRow, message: Message, known: Facts, now: datetime) -> bool:
    """Whether the cause of a block can still go away: a list to be renewed, a person to write first."""
    if verdict.reason is Reason.OUTSIDE_WINDOW:
        return row.message.scheduled_for is not None
    stale = verdict.reason is Reason.DNC_STALE
    return stale and of_recipient.do_not_call(message, known, now) is ALLOW


def _falls_back(row: NewRow, verdict: Block) -> bool:
    """Whether a message that can never arrive is kept all the same, for its stand-in's sake.

    Only if it is the recipient's address that stands in its way: what is wrong at the caller's, such
    as no sender, is worth an answer.
    """
    if row.message.fallback is None or verdict.event is Event.REFUSED:
        return False
    after = advance(Status.QUEUED, verdict.event)
    return after is not None and fallbacks.serves(row.message.channel, after, verdict.reason)


def _keep_blocked(admitted: Admitted, one: Prepared, draft: Draft, verdict: Block) -> None:
    row = draft.row
    row.status = Status.QUEUED
    after = advance(Status.QUEUED, verdict.event)
    if after is None:  # pragma: no cover - every block leads out of `queued`, as a test asserts
        raise AssertionError(verdict.event)
    admitted.rows.append(row)
    admitted.blocks.append(
        Move(row.id, 0, Status.QUEUED, verdict.event, after, reason=verdict.reason)
    )
    one.entries[draft.entry] = Taken(row.id, after)


def _message(row: NewRow) -> Message:
    """A row as the rules know messages."""
    new = row.message
    return Message(
        id=row.id,
        tenant_id=row.tenant_id,
        channel=new.channel,
        recipient=new.recipient,
        recipient_key=row.recipient_key,
        body=new.body,
        segments=new.segments,
        category=new.category,
        priority=new.priority,
        status=row.status,
        epoch=0,
        attempts=0,
        created_at=row.created_at,
        expires_at=new.expires_at,
        sender_id=new.sender_id,
        pool_id=new.pool_id,
        flash=new.flash,
        content=new.content,
        time_zone=new.time_zone,
        postal_code=new.postal_code,
        purpose=new.purpose,
        parts=new.parts,
        sandboxed=new.sandboxed,
    )
