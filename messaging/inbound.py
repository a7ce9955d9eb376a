"""What people answer: every message of a verified webhook is kept once, obeyed, and answered.

webhook -> verify -> messages, each by itself -> a piece of one? put aside until all are there -> keep
"""

from __future__ import annotations

from messaging import fragments, hearing, providers
from messaging.domain.message import ProviderAccount
from messaging.providers.base import InboundMessage, Webhook
from messaging.runtime import DatabaseError, Runtime
from messaging.telemetry import log, tally


def verify(of: ProviderAccount, webhook: Webhook) -> bool:
    """Whether the account's provider signed this webhook."""
    return providers.get(of.provider).verify(of, webhook)


def receive(rt: Runtime, account: ProviderAccount, webhook: Webhook) -> None:
    """Keep and obey a verified webhook; durable when this returns, and safe to repeat.

    Many providers post several messages at once: each is kept by itself, so that none that we misread
    keeps a STOP from being heard. What is no inbound message is counted and dropped.

    Raises:
        DatabaseError: Postgres is away; nothing but whole messages was kept.
    """
    provider = providers.get(account.provider)
    messages = provider.inbound(webhook)
    if not messages and not provider.mixed:
        log().warning("inbound.unreadable", account_id=str(account.id))
        rt.counters.add(tally("posthorn_inbound_total", keyword=["unreadable"]))
    failed: Exception | None = None
    for message in messages:
        try:
            _receive(rt, account, message)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - raised when the others are heard
            failed = failed or error
    if failed is not None:
        raise failed


def _receive(rt: Runtime, account: ProviderAccount, message: InboundMessage) -> None:
    known = rt.senders_of(account.tenant_id)
    if fragments.is_piece(message):
        fragments.receive(rt, known, account, message)
        return
    heard = hearing.hear(rt, known, account, message)
    with rt.engine.begin() as db:
        kept = hearing.keep(rt, db, heard)
    if kept is not None:
        hearing.announce(rt, kept)
