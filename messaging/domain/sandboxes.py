"""Which provider accounts can reach nobody? Those of this machine, and those that are said to be a sandbox."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from uuid import UUID

from messaging.domain.message import ProviderAccount

OPTION = "sandbox"
"""An option that every account may have, whatever its provider."""
OPTION_VALUES = ("true", "false", "")
_HOST = re.compile(r"(?i:https?)://(?:\[([^\]/?#]+)\]|([^:/?#@]+))(?:[:/?#]|\Z)")


def is_sandbox(account: ProviderAccount) -> bool:
    """Whether what is handed to this account reaches no person.

    That is so of one that was declared to be a sandbox, and of one whose HTTP address is this machine's
    own, unless that was denied. A mail relay on this machine is an ordinary thing, so it must be declared.
    """
    said = account.options.get(OPTION)
    if said:
        return said == "true"
    return _is_here(account.base_url)


def live(accounts: Collection[ProviderAccount]) -> frozenset[UUID]:
    """The accounts for messages of live keys, where others were declared to be sandboxes.

    Empty where that tells nothing apart: where none was declared, or all were.
    """
    left = frozenset(a.id for a in accounts if a.options.get(OPTION) != "true")
    return left if len(left) < len(accounts) else frozenset()


def _is_here(url: str) -> bool:
    found = _HOST.match(url)
    if found is None:
        return False
    host = found[1] or found[2]
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
