"""Is a contact in an audience? Answered in Python, to be compared with what Postgres says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from messaging.domain.audience import Audience, Condition, Group, Logic
from messaging.domain.audience_values import Kind, Operator
from messaging.domain.contact import Contact
from messaging.domain.folding import folded
from messaging.domain.message import Channel

_OPPOSITE = {
    Operator.NOT_EQUALS: Operator.EQUALS,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_EXISTS: Operator.EXISTS,
}
_CHANNELS = {"email": Channel.EMAIL, "phone": Channel.SMS, "instagram_id": Channel.INSTAGRAM_DM}
_ASKS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUALS: lambda have, want: bool(have == want),
    Operator.IN: lambda have, want: bool(have == want),
    Operator.CONTAINS: lambda have, want: want in have,
    Operator.STARTS_WITH: lambda have, want: bool(have.startswith(want)),
    Operator.ENDS_WITH: lambda have, want: bool(have.endswith(want)),
    Operator.GT: lambda have, want: bool(have > want),
    Operator.GTE: lambda have, want: bool(have >= want),
    Operator.LT: lambda have, want: bool(have < want),
    Operator.LTE: lambda have, want: bool(have <= want),
}


def fits(contact: Contact, audience: Audience) -> bool:
    """Whether every criterion means this contact."""
    leads = audience.lead_ids
    return (
        (leads is None or contact.ref in leads or str(contact.id) in leads)
        and (audience.keyword is None or audience.keyword in contact.search)
        and (audience.assignees is None or contact.assignee in audience.assignees)
        and (audience.filters is None or _holds(contact, audience.filters))
    )


def _holds(contact: Contact, node: Group | Condition) -> bool:
    if isinstance(node, Group):
        found = [_holds(contact, member) for member in node.members]
        return all(found) if node.logic is Logic.AND else any(found)
    opposite = _OPPOSITE.get(node.operator)
    if opposite is not None:
        return not _asked(contact, node, opposite)
    return _asked(contact, node, node.operator)


def _asked(contact: Contact, asked: Condition, operator: Operator) -> bool:
    known = [_plain(value) for value in _values(contact, asked)]
    if operator is Operator.EXISTS:
        return bool(known)
    if asked.field.kind is Kind.TAGS:
        operator = Operator.EQUALS
    return any(
        type(have) is type(want) and _ASKS[operator](have, want)
        for have in known
        for want in asked.values
    )


def _values(contact: Contact, asked: Condition) -> list[Any]:
    field = asked.field
    if field.kind is Kind.TAGS:
        return list(contact.tags)
    if field.kind is Kind.ADDRESS:
        return list(contact.addresses.get(_CHANNELS[field.name], ()))
    if field.kind is Kind.ATTRIBUTE:
        found = contact.attributes.get(field.name)
    else:
        found = getattr(contact, field.name)
    return [] if found is None else [found]


def _plain(value: Any) -> str | bool | Decimal | datetime:
    if isinstance(value, str):
        return folded(value)
    if isinstance(value, bool | datetime):
        return value
    return Decimal(repr(value))
