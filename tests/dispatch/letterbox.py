"""Everybody who writes to us, on every channel, as their providers' adapters tell of it."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from messaging import inbound
from messaging.domain.message import Capability, Channel, Sender
from messaging.domain.registration import SenderKind
from messaging.providers.base import InboundMessage, Webhook
from messaging.runtime import Runtime
from tests.world import RECIPIENT, World

MAIL, DESK = "ana@example.com", "desk@example.org"
FAN, PAGE = "9000000000001", "17800000000000001"


def said(
    world: World,
    body: str,
    channel: Channel = Channel.SMS,
    id_: str | None = None,
    **changes: Any,
) -> InboundMessage:
    """What a provider would make of somebody's words."""
    from_, to = {
        Channel.EMAIL: (MAIL, DESK),
        Channel.INSTAGRAM_DM: (FAN, PAGE),
    }.get(channel, (RECIPIENT, world.sender.address))
    fields: dict[str, Any] = {
        "provider_message_id": id_ or world.rt.new_id().hex,
        "from_": from_,
        "to": to,
        "body": body,
        "provider_keyword": None,
        "at": None,
        "channel": channel,
    }
    return InboundMessage(**(fields | changes))


def hears(world: World, *said: InboundMessage, rt: Runtime | None = None) -> None:
    """A provider posts these in one webhook."""
    with patch("messaging.inbound.providers.get") as get:
        get.return_value.inbound.return_value = list(said)
        inbound.receive(rt or world.rt, world.account, Webhook("", {}, b""))


def desk(world: World, **changes: Any) -> Sender:
    fields: dict[str, Any] = {
        "channel": Channel.EMAIL,
        "capabilities": frozenset({Capability.EMAIL}),
        "kind": SenderKind.EMAIL,
        "campaign": None,
    }
    return world.add_sender(DESK, **(fields | changes))


def page(world: World) -> Sender:
    return world.add_sender(
        PAGE,
        channel=Channel.INSTAGRAM_DM,
        capabilities=frozenset({Capability.INSTAGRAM_DM}),
        kind=SenderKind.INSTAGRAM,
        campaign=None,
    )


def threads(world: World) -> list[Any]:
    return world.rows("SELECT * FROM conversations ORDER BY id")


def suppressed_on(world: World) -> set[str]:
    return {row["channel"] for row in world.rows("SELECT channel FROM suppressions")}
