"""When is a text that comes in pieces whole? When all are there, in any order, or after five minutes.

    piece -> lock its text | keep the piece -> all there? join -> hear, keep and obey it | commit

Keywords are read in the whole text. A piece that is repeated is known by its id, also long after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.engine import Connection

from messaging import hearing
from messaging.domain import addresses
from messaging.domain.message import ProviderAccount
from messaging.hearing import Kept
from messaging.providers.base import InboundMessage
from messaging.runtime import DatabaseError, Runtime, TenantSenders
from messaging.store import accounts
from messaging.store import fragments as store
from messaging.store.fragments import Piece
from messaging.telemetry import log

_WAITS = timedelta(minutes=5)
_KNOWN_FOR = timedelta(days=2)
"""Longer than any provider posts a webhook again."""
_MOST_PIECES = 255
"""What the header of a concatenated SMS can count to. 3GPP TS 23.040, 9.2.3.24.1."""
_BATCH = 100


def is_piece(message: InboundMessage) -> bool:
    """Whether a message must wait for others; what is numbered impossibly is taken as it is."""
    part = message.fragment
    return part is not None and 2 <= part.total <= _MOST_PIECES and 1 <= part.number <= part.total


def receive(
    rt: Runtime, known: TenantSenders, account: ProviderAccount, message: InboundMessage
) -> None:
    """Keep a piece, and the whole message with the last of them; safe to repeat."""
    piece = _piece(rt, known, account, hearing.storable(message))
    done = []
    with rt.engine.begin() as db:
        store.lock(db, piece.reference)
        if not store.add(db, piece):
            return
        pieces = store.waiting(db, piece.reference)
        if len({each.number for each in pieces}) < len(pieces):
            # Telephones number their texts over and over: this piece begins another one.
            done.append(_join(rt, db, known, account, [p for p in pieces if not _same(p, piece)]))
            pieces = [piece]
        if len(pieces) == piece.total:
            done.append(_join(rt, db, known, account, pieces))
    _announce(rt, done)


def give_up(rt: Runtime) -> int:
    """Handle texts whose missing pieces did not come, with what is there; returns how many."""
    before = rt.now() - _WAITS
    with rt.engine.connect() as db:
        late = store.overdue(db, before, _BATCH)
        owners = accounts.find_accounts(db, list({id_ for id_, _ in late}), rt.sealer)
    given_up = 0
    for account_id, reference in late:
        try:
            given_up += _give_up(rt, owners[account_id], reference)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - one text must not hold up all others
            # Not the text of the error: it may quote the message.
            log().error("fragments.broken", account_id=str(account_id), error=type(error).__name__)
    return given_up


def _give_up(rt: Runtime, account: ProviderAccount, reference: bytes) -> bool:
    known = rt.senders_of(account.tenant_id)
    with rt.engine.begin() as db:
        store.lock(db, reference)
        pieces = store.waiting(db, reference)
        done = [_join(rt, db, known, account, pieces)] if pieces else []
    _announce(rt, done)
    return bool(done)


def prune(rt: Runtime, batch: int = 1000) -> int:
    """Forget pieces that nobody repeats any more; returns how many."""
    pruned, took = 0, batch
    while took == batch:
        with rt.engine.begin() as db:
            took = store.prune(db, rt.now() - _KNOWN_FOR, batch)
        pruned += took
    return pruned


def _piece(
    rt: Runtime, known: TenantSenders, account: ProviderAccount, message: InboundMessage
) -> Piece:
    part = message.fragment
    if part is None:
        raise ValueError("only a piece of a text is put aside")
    row = hearing.hear(rt, known, account, message).row
    text = (account.id.hex, row.from_address, row.to_address, part.reference, str(part.total))
    return Piece(
        account_id=account.id,
        provider_message_id=row.provider_message_id,
        number=part.number,
        total=part.total,
        tenant_id=account.tenant_id,
        recipient_key=row.recipient_key,
        reference=addresses.key(rt.settings.pepper, "fragment", "\0".join(text)),
        channel=row.channel,
        from_address=row.from_address,
        to_address=row.to_address,
        body=row.body,
        provider_keyword=row.provider_keyword,
        at=message.at,
        received_at=row.received_at,
    )


def _same(one: Piece, other: Piece) -> bool:
    mine = (one.provider_message_id, one.number)
    return mine == (other.provider_message_id, other.number)


def _join(
    rt: Runtime,
    db: Connection,
    known: TenantSenders,
    account: ProviderAccount,
    pieces: Sequence[Piece],
) -> Kept | None:
    """Make one message of what is there of a text, in its order, and keep it."""
    ordered = sorted(pieces, key=lambda piece: piece.number)
    first, said = ordered[0], [piece.at for piece in ordered if piece.at is not None]
    opinions = [piece.provider_keyword for piece in ordered if piece.provider_keyword]
    whole = InboundMessage(
        provider_message_id=first.provider_message_id,
        from_=first.from_address,
        to=first.to_address,
        body="".join(piece.body for piece in ordered),
        provider_keyword=opinions[0] if opinions else None,
        at=min(said) if said else None,
        channel=first.channel,
    )
    heard = hearing.hear(rt, known, account, whole, whole=len(ordered) == first.total)
    # Without a time of its provider's, it was written when its first piece came.
    came = min(piece.received_at for piece in ordered)
    heard = replace(heard, row=replace(heard.row, at=heard.said_at or came))
    kept = hearing.keep(rt, db, heard)
    store.close(db, ordered)
    return kept


def _announce(rt: Runtime, done: Sequence[Kept | None]) -> None:
    for kept in done:
        if kept is not None:
            hearing.announce(rt, kept)
