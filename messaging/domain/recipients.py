"""Who is at this address, on the channel they are to be written to?"""

from __future__ import annotations

import re

from messaging.domain import addresses, emails
from messaging.domain.addresses import AddressProblem
from messaging.domain.message import Channel

_INSTAGRAM = re.compile(r"[0-9]{5,25}", re.ASCII)
_NOT_INSTAGRAM = AddressProblem(
    "not_an_instagram_id",
    "People on Instagram are written to by the numeric id their own messages came with; send that.",
)


_PLACEHOLDERS = frozenset({"placeholder@example.com"})
"""What the unified document writes where nobody is meant; its number, +1234567890, is none anyway."""


def is_placeholder(address: str) -> bool:
    """Whether an address stands for nobody, and is never written to, though somebody may have kept it."""
    return address.lower() in _PLACEHOLDERS


def address_of(channel: Channel, raw: str, region: str | None) -> str | AddressProblem:
    """The one true spelling of a recipient's address on a channel, or what is wrong with it.

    `region` (ISO 3166 alpha-2) is where a number without a country code is taken to be; other channels
    do not look at it. A person on Instagram is an id that is only good for the account they wrote to.
    """
    if channel is Channel.EMAIL:
        return emails.normalise(raw)
    if channel is Channel.INSTAGRAM_DM:
        text = raw.strip()
        return text if _INSTAGRAM.fullmatch(text) else _NOT_INSTAGRAM
    return addresses.normalise(raw, region)
