"""What did somebody write to us, and what becomes of it? Read, then kept and obeyed in one transaction.

    read | lock the person | keep -> suppress or lift -> conversation -> answer, notice | commit -> hint

A STOP that is kept has suppressed and canceled, and a message that comes twice finds itself and does
nothing. The conversation is locked last, as whoever records a send locks it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

from sqlalchemy.engine import Connection

from messaging import answers, suppression
from messaging.answers import Heard
from messaging.domain import recipients
from messaging.domain.addresses import AddressProblem
from messaging.domain.compliance.keywords import OTHER, Keyword, Reading, evidence, read, weigh
from messaging.domain.message import LANE_OF, Channel, ProviderAccount
from messaging.domain.registration import ReplyOwner
from messaging.providers.base import InboundMessage
from messaging.queues import DISPATCH, Task
from messaging.runtime import Runtime, TenantSenders
from messaging.store import conversations, notices, sender_stats, suppressions
from messaging.store import inbound as store
from messaging.store.inbound import NewInbound
from messaging.store.messages import NewRow
from messaging.telemetry import tally

_LONGEST_ID = 200
_LONGEST_SHORT_CODE = 6


@dataclass(frozen=True, slots=True)
class Kept:
    """An inbound message that is new and kept, and the reply to it, if one goes out."""

    keyword: Keyword
    reply: NewRow | None
    told: int
    """Endpoints of the tenant that are to be told."""


def hear(
    rt: Runtime,
    known: TenantSenders,
    account: ProviderAccount,
    message: InboundMessage,
    *,
    whole: bool = True,
) -> Heard:
    """Read a message; the provider's address for the person is normalised as ours are.

    Of a text that is not `whole` only a STOP counts: what is missing may have said more.
    """
    now, message = rt.now(), storable(message)
    channel = home(message.channel)
    person = _address(channel, message.from_)
    address = person or message.from_
    keys = suppression.keys(rt.settings.pepper, channel, address)
    ours, opinion = _read(channel, message)
    keyword = weigh(ours, opinion)
    if not whole and keyword is not Keyword.STOP:
        keyword = Keyword.OTHER
    to = _address(channel, message.to) or message.to
    spellings = (to, message.to, to.lower())  # nobody tells letters of either size apart in a mail
    sender_id = next((known.names[each] for each in spellings if each in known.names), None)
    sender = known.candidates.by_id.get(sender_id) if sender_id else None
    # Beyond telephones nobody answers for us.
    answers_us = sender and (channel is not Channel.SMS or sender.reply_owner is ReplyOwner.SELF)
    row = NewInbound(
        id=rt.new_id(),
        tenant_id=account.tenant_id,
        account_id=account.id,
        channel=channel,
        provider_message_id=message.provider_message_id,
        recipient_key=keys[channel],
        from_address=address,
        to_address=to,
        body=message.body,
        keyword=keyword,
        inferred=ours.inferred and opinion != Keyword.STOP,
        language=ours.language,
        provider_keyword=opinion,
        at=message.at or now,
        received_at=now,
        media=list(message.media) or None,
    )
    return Heard(
        row=row,
        keys=keys,
        evidence=evidence(ours, account.provider, opinion),
        said_at=message.at,
        person=person,
        sender_id=sender.id if sender else None,
        answers_from=sender.id if sender and answers_us else None,
        replies=known.policy.replies,
    )


def home(channel: Channel) -> Channel:
    """Where a conversation on this channel belongs: a phone is one person, texts and pictures."""
    return Channel.SMS if channel.by_phone else channel


def keep(rt: Runtime, db: Connection, heard: Heard) -> Kept | None:
    """Keep and obey a message, in the caller's transaction; None if it was kept before.

    Call `announce` when that is committed.
    """
    row = heard.row
    if row.keyword is not Keyword.OTHER:
        # One at a time per person; and a STOP waits for dispatches that hold them anyway.
        suppressions.lock(db, list(heard.keys.values()))
    if not store.add(db, row):
        return None
    answer = answers.obey(db, heard)
    _tell(db, heard, stopped=answer is not None)
    conversation_id = conversations.join(
        db, rt.new_id(), row.tenant_id, row.channel, row.recipient_key, heard.sender_id
    )
    reply = answers.reply(rt, db, heard, answer, conversation_id) if answer is not None else None
    store.note(db, row.id, conversation_id, reply.id if reply else None)
    told = notices.told_inbound(
        db, row.tenant_id, row.id, conversation_id, row.keyword, row.channel
    )
    return Kept(row.keyword, reply, told)


def announce(rt: Runtime, kept: Kept) -> None:
    """Hint that an answer waits, and a notice, and count."""
    if kept.reply is not None:
        rt.hints.ring(DISPATCH[LANE_OF[kept.reply.message.priority]])
    if kept.told:
        rt.hints.ring(Task.NOTICES)
    rt.counters.add(tally("posthorn_inbound_total", keyword=[kept.keyword.lower()]))


def _tell(db: Connection, heard: Heard, *, stopped: bool) -> None:
    """Count it for the sender: as an opt-out if that is news, else as a reply."""
    if heard.sender_id is None or (heard.row.keyword is Keyword.STOP and not stopped):
        return
    what = "opted_out" if heard.row.keyword is Keyword.STOP else "replies"
    row = heard.row
    sender_stats.answered(db, row.tenant_id, row.recipient_key, heard.sender_id, what)


def _read(channel: Channel, message: InboundMessage) -> tuple[Reading, str | None]:
    """What we read in a text, and what its provider did.

    A mail quotes what it answers, so in one only a keyword on its own counts; and only telephones'
    providers act on keywords themselves.
    """
    ours = read(message.body)
    if channel is Channel.SMS:
        return ours, message.provider_keyword
    return OTHER if channel is Channel.EMAIL and ours.inferred else ours, None


def _address(channel: Channel, raw: str) -> str | None:
    """An address as ours are spelled; None if it is none that can be written to."""
    bare = channel.by_phone and raw.isascii() and raw.isdigit() and len(raw) > _LONGEST_SHORT_CODE
    # Some providers leave the + of a number away.
    found = recipients.address_of(channel, f"+{raw}" if bare else raw, None)
    return None if isinstance(found, AddressProblem) else found


def storable(message: InboundMessage) -> InboundMessage:
    """The same without what no database takes: NUL, halves of characters, ids that fit no index."""
    id_ = _plain(message.provider_message_id)
    if len(id_) > _LONGEST_ID:
        id_ = blake2b(id_.encode(), digest_size=32).hexdigest()
    piece = message.fragment
    if piece is not None:
        piece = replace(piece, reference=_plain(piece.reference))
    return replace(
        message,
        fragment=piece,
        provider_message_id=id_,
        from_=_plain(message.from_),
        to=_plain(message.to),
        body=_plain(message.body),
        media=tuple(map(_plain, message.media)),
    )


def _plain(text: str) -> str:
    return text.replace("\0", "").encode(errors="replace").decode()
