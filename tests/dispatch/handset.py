"""Somebody's telephone, and what a test sees of the answers to it."""

from __future__ import annotations

from datetime import datetime
from unittest.mock import patch
from urllib.parse import urlencode

from sqlalchemy.engine import RowMapping

from messaging import inbound
from messaging.providers.base import InboundMessage, Webhook
from tests.world import PUBLIC_URL, RECIPIENT, World


class Handset:
    """Somebody's telephone: it writes to a sender, and the provider tells us."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sent = 0
        world.change("senders", world.sender.id, reply_owner="self")

    def says(self, body: str, sid: str | None = None, **fields: str) -> str:
        self.sent += 1
        sid = sid or f"SM{self.sent:032d}"
        form = {
            "MessageSid": sid,
            "SmsStatus": "received",
            "From": RECIPIENT,
            "To": self.world.sender.address,
            "Body": body,
        }
        account = self.world.account
        url = f"{PUBLIC_URL}/webhooks/twilio/{account.id}/inbound"
        inbound.receive(self.world.rt, account, Webhook(url, {}, urlencode(form | fields).encode()))
        return sid

    def says_at(self, body: str, at: datetime, keyword: str | None = None) -> None:
        """As `says`, from a provider that tells when it was said."""
        self.sent += 1
        told = InboundMessage(
            f"SM{self.sent:032d}", RECIPIENT, self.world.sender.address, body, keyword, at
        )
        adapter = "messaging.inbound.providers.get"
        with patch(adapter) as get:
            get.return_value.inbound.return_value = [told]
            inbound.receive(self.world.rt, self.world.account, Webhook("", {}, b""))


def replies(world: World) -> list[RowMapping]:
    return world.rows("SELECT * FROM messages WHERE purpose IS NOT NULL ORDER BY id")


def purposes(world: World) -> list[str]:
    return [row["purpose"] for row in replies(world)]


def suppressed(world: World) -> bool:
    return bool(
        world.rows(
            "SELECT 1 FROM suppressions WHERE tenant_id = :t AND recipient_key = :k",
            t=world.tenant.id,
            k=world.key(),
        )
    )


def kept(world: World) -> list[RowMapping]:
    return world.rows("SELECT * FROM inbound_messages ORDER BY id")
