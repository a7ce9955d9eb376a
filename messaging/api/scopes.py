"""Which scope does a request need? By its address and method, for every door at once.

What is not in the table needs a key that may do everything: a new route is closed until somebody says
what it belongs to, and a test says which ones nobody did.
"""

from __future__ import annotations

from messaging.domain.scopes import Scope

_READ, _SEND = Scope.MESSAGES_READ, Scope.MESSAGES_SEND

PARTS: dict[str, Scope] = {
    "accounts": Scope.ACCOUNTS,
    "audit": Scope.AUDIT,
    "audiences": Scope.CONTACTS,
    "balance": Scope.BILLING,
    "billing": Scope.BILLING,
    "bindings": Scope.SENDERS,
    "brands": Scope.SENDERS,
    "budgets": Scope.BILLING,
    "campaigns": Scope.CAMPAIGNS,
    "consents": Scope.SUPPRESSIONS,
    "contacts": Scope.CONTACTS,
    "conversations": _READ,
    "dnc": Scope.SUPPRESSIONS,
    "endpoints": Scope.ENDPOINTS,
    "erasures": Scope.SUPPRESSIONS,
    "inbound": _READ,
    "keys": Scope.KEYS,
    "lanes": _READ,
    "numbers": Scope.SUPPRESSIONS,
    "policy": Scope.POLICY,
    "pools": Scope.SENDERS,
    "preview": _READ,
    "prices": Scope.BILLING,
    "registration": Scope.SENDERS,
    "rules": _READ,
    "senders": Scope.SENDERS,
    "statistics": _READ,
    "suppressions": Scope.SUPPRESSIONS,
    "templates": Scope.SENDERS,
    "tendlc-campaigns": Scope.SENDERS,
    "use-cases": Scope.SENDERS,
}
"""By what follows `/v1/`; messages are told apart by what is done with them."""

FACADES = frozenset({"leadsail", "leadping", "liguelead", "unified", "usecase"})
"""What else an address may begin with: each sends by POST and reads by GET."""


def needed(method: str, path: str) -> Scope | None:
    """The scope that a request needs; None if only a key that may do everything will do.

    `path` is the decoded path of the request, or a route's, with names in braces.
    """
    _, first, *rest = path.split("/")
    if first in FACADES:
        return _READ if method in {"GET", "HEAD"} else _SEND
    if first != "v1" or not rest:
        return None
    if rest[0] != "messages":
        return PARTS.get(rest[0])
    reads = method in {"GET", "HEAD"} or rest[1:] in (["search"], ["preview"])
    return _READ if reads else _SEND
