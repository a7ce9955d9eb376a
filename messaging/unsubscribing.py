"""How does the reader of an e-mail end it with one click, and what ends then?

Every e-mail that is not transactional carries an address of ours in List-Unsubscribe (RFC 8058). It names
the message under a keyed hash, so it tells nothing of the person and nobody can make one up. A POST to
it suppresses marketing to that person by e-mail, and what else the e-mail was (a notification): the
CAN-SPAM Act lets receipts and codes go on (15 USC 7702(17), 7704(a)(4)). It works as long as the
message's row is there, erased or not, and doing it again changes nothing.
"""

from __future__ import annotations

import hmac
import re
from hashlib import blake2b
from uuid import UUID

from messaging import suppression
from messaging.domain import mail_footer
from messaging.domain.message import Category, Channel, Message, Parts
from messaging.domain.suppression_request import Source
from messaging.providers.base import Outbound
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store import sender_stats, suppression_reads, unsubscribes
from messaging.store.suppressions import ALL, NewSuppression
from messaging.store.unsubscribes import Mailed

PATH = "/unsubscribe/"
_TOKEN = re.compile(r"([0-9a-f]{32})([0-9a-f]{24})", re.ASCII)


def _seal(settings: Settings, message_id: UUID) -> str:
    text = b"unsubscribe:%s" % message_id.bytes  # another prefix than a receipt's address has
    return blake2b(text, digest_size=12, key=settings.callback_key).hexdigest()


def address(settings: Settings, message_id: UUID) -> str:
    """Where one POST unsubscribes the recipient of a message."""
    base = settings.public_url.rstrip("/")
    return f"{base}{PATH}{message_id.hex}{_seal(settings, message_id)}"


def named(settings: Settings, token: str) -> UUID | None:
    """The message that the last part of such an address names; None for any other text."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    message_id = UUID(found[1])
    return message_id if hmac.compare_digest(found[2], _seal(settings, message_id)) else None


def complete(rt: Runtime, message: Message, out: Outbound) -> None:
    """Give an e-mail that is not transactional its way out; marketing says it in its text, too."""
    if message.category is Category.TRANSACTIONAL:
        return
    out.unsubscribe_url = url = address(rt.settings, message.id)
    if message.category is not Category.MARKETING:
        return
    policy = rt.senders_of(message.tenant_id).policy
    who = (policy.brand, policy.postal_address, url)
    out.body = mail_footer.under_text(out.body, *who)
    parts = out.parts
    if parts is not None and parts.html is not None:
        html = mail_footer.under_html(parts.html, *who)
        out.parts = Parts(parts.subject, html, parts.media, parts.from_name, parts.reply_to)


def unsubscribe(rt: Runtime, message_id: UUID) -> bool:
    """Suppress the reader of an e-mail, durably when this returns; whether that was news."""
    with rt.engine.connect() as db:
        mailed = unsubscribes.mailed(db, message_id)
        if mailed is None or mailed.category is Category.TRANSACTIONAL:
            return False
        held = suppression_reads.of_person(
            db, mailed.tenant_id, Channel.EMAIL, mailed.recipient_key
        )
    scopes = {Category.MARKETING.value, mailed.category.value} - {h.scope for h in held}
    if not scopes or any(h.scope == ALL for h in held):
        return False  # a link that is followed a thousand times writes once
    with rt.engine.begin() as db:
        done = suppression.suppress(db, [_row(mailed, scope) for scope in sorted(scopes)])
        if done.new and mailed.sender_id is not None:
            sender_stats.answered(
                db, mailed.tenant_id, mailed.recipient_key, mailed.sender_id, "opted_out"
            )
    return done.new > 0


def _row(mailed: Mailed, scope: str) -> NewSuppression:
    return NewSuppression(
        mailed.tenant_id,
        Channel.EMAIL,
        mailed.recipient_key,
        Source.INBOUND.value,
        f"one-click unsubscribe from message {mailed.message_id}",
        scope=scope,
    )
