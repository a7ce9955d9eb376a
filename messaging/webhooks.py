"""What a provider posts to us: whose is it, is it signed, which events are in it? Then it is kept.

    webhook -> account -> verify -> keep raw | 204 | announce ... `receipts.apply`

Nothing is believed before its signature, and a provider gets its answer only when its events are
durable. What is signed by nobody costs no database write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from uuid import UUID

from sqlalchemy.engine import Connection

from messaging import callbacks, providers
from messaging.domain.message import ProviderAccount
from messaging.providers.base import Provider, Webhook
from messaging.queues import Task
from messaging.runtime import DatabaseError, Runtime
from messaging.store import accounts, raw_receipts
from messaging.store.raw_receipts import RawReceipt

_PLAIN = re.compile(r"[!-~]{1,200}")
"""An event's key that can be kept as it is."""


def known(rt: Runtime, account_ids: Sequence[UUID]) -> dict[UUID, ProviderAccount]:
    """Those of the accounts that there are, by one query; none of a provider unknown here."""
    with rt.reading() as db:
        found = accounts.find_accounts(db, account_ids, rt.sealer)
    return {id_: of for id_, of in found.items() if providers.find(of.provider) is not None}


def account(rt: Runtime, provider: str, account_id: UUID) -> ProviderAccount | None:
    """The account a webhook address names, if that provider is its provider."""
    found = known(rt, [account_id]).get(account_id)
    return found if found is not None and found.provider == provider else None


def verify(rt: Runtime, of: ProviderAccount, webhook: Webhook) -> list[RawReceipt] | None:
    """The events to keep of a webhook; None if its signature is not this account's.

    An event's key is unique for an account and for the attempt its address names: what proves
    nothing by itself may, when it comes to an attempt's own address.
    """
    provider = providers.get(of.provider)
    if not provider.verify(of, webhook):
        return None
    url = webhook.url
    message_id, epoch = callbacks.named(rt.settings, url) or (None, None)
    at = f"@{message_id.hex}.{epoch}" if message_id is not None else ""
    return [
        RawReceipt(of.id, url, event.body, message_id, epoch, _key(event.key) + at)
        for event in provider.events(webhook)
        if not (provider.mixed and _is_inbound(provider, webhook, event.body))
    ]


def verify_named(
    rt: Runtime, provider: str, username: str, url: str, headers: Mapping[str, str], body: bytes
) -> list[RawReceipt] | None:
    """The events to keep of a webhook that names its account by its user name at the provider.

    None if none of the accounts of that name signed it; several tenants may have the same.
    """
    with rt.reading() as db:
        found = accounts.named(db, provider, username, rt.sealer)
    webhook = Webhook(url, headers, body, rt.now())
    verified = [verify(rt, of, webhook) for of in found]
    believed = [receipts for receipts in verified if receipts is not None]
    return [receipt for receipts in believed for receipt in receipts] if believed else None


def _key(given: str) -> str:
    """A key of at most 200 printable characters: what a provider calls an event may be anything."""
    if _PLAIN.fullmatch(given):
        return given
    return blake2b(given.encode(errors="surrogatepass"), digest_size=32).hexdigest()


def _is_inbound(provider: Provider, webhook: Webhook, event: bytes) -> bool:
    """Whether an event is what somebody wrote: that is kept as a message, and nowhere else."""
    return bool(provider.inbound(Webhook(webhook.url, webhook.headers, event, webhook.at)))


def mixed(of: ProviderAccount) -> bool:
    """Whether receipts and inbound messages of an account come in one webhook."""
    return providers.get(of.provider).mixed


def holds_message(of: ProviderAccount, webhook: Webhook) -> bool:
    """Whether somebody's message is in a verified webhook."""
    return bool(providers.get(of.provider).inbound(webhook))


def asks(of: ProviderAccount) -> bool:
    """Whether an account's provider asks by GET if a webhook is ours."""
    return providers.get(of.provider).challenge is not None


def challenge(of: ProviderAccount, query: Mapping[str, str]) -> str | None:
    """The answer to such a question; None if it is not the account's provider that asks."""
    answer = providers.get(of.provider).challenge
    return answer(of, query) if answer is not None else None


def keep(db: Connection, receipts: Sequence[RawReceipt]) -> None:
    """Store receipts; commit, then `announce` them, when no provider waits any more."""
    raw_receipts.keep(db, receipts)


class Keeper:
    """Keeps groups of webhooks, each in one statement that is its own transaction.

    On a connection of its own: to borrow one, and to begin and commit on it, would be three more
    journeys a group. For one thread.
    """

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._connection: Connection | None = None

    def keep(self, group: Sequence[Sequence[RawReceipt]]) -> None:
        """Store every receipt of a group; durable when this returns, and safe to repeat.

        Raises:
            DatabaseError: nothing of the group is kept.
        """
        receipts = [receipt for part in group for receipt in part]
        try:
            keep(self._held(), receipts)
        except DatabaseError as error:
            self.close()
            if not (error.connection_invalidated or _is_deadlock(error)):
                raise
            # It was cut while nobody used it, or somebody keeps the same events in another order.
            try:
                keep(self._held(), receipts)
            except DatabaseError:
                self.close()
                raise

    def close(self) -> None:
        """Give the connection back, or what is left of it."""
        held, self._connection = self._connection, None
        if held is not None:
            held.close()

    def _held(self) -> Connection:
        if self._connection is None:
            connection = self._rt.engine.connect()
            self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        return self._connection


def _is_deadlock(error: DatabaseError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "40P01"


def announce(rt: Runtime) -> None:
    """Hint that receipts are waiting."""
    rt.hints.ring(Task.RECEIPTS_APPLY)
