"""Which rows does an audience mean? A condition over `contacts c`, everything of it bound.

The text of the condition is made of constants of this module and names of parameters; whatever a
caller wrote is a parameter's value. No LIKE is used, so no letter has a meaning of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.audience import Audience, Condition, Group
from messaging.domain.audience_values import Field, Kind, Operator
from messaging.domain.folding import capitals
from messaging.domain.message import Channel
from messaging.store import contacts

Where = tuple[str, dict[str, Any]]

_PREFIX = "aud"
_TEXTS = {
    name: f"c.{name}"
    for name in (
        "first_name", "last_name", "company", "assignee", "source", "campaign", "agent",
        "postal_code", "time_zone", "ref",
    )
} | {"name": "nullif(concat_ws(' ', c.first_name, c.last_name), '')"}  # fmt: skip
_CHANNELS = {"email": "email", "phone": "sms", "instagram_id": "instagram_dm"}
_POSITIVE = {
    Operator.NOT_EQUALS: Operator.EQUALS,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.NOT_IN: Operator.IN,
    Operator.NOT_EXISTS: Operator.EXISTS,
}
_SIGNS = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}


def where(tenant_id: UUID, audience: Audience) -> Where:
    """The condition for an audience of a tenant, over `contacts c`, and the values of its parameters.

    Their names begin with `aud_`. It is never NULL.
    """
    made = _Making({f"{_PREFIX}_tenant": tenant_id})
    parts = [f"c.tenant_id = :{_PREFIX}_tenant"]
    if audience.lead_ids is not None:
        refs, ids = list(audience.lead_ids), [contacts.id_of(ref) for ref in audience.lead_ids]
        named = f"c.ref = ANY(CAST({made.bind(refs)} AS text[]))"
        ids_ = made.bind([one for one in ids if one is not None])
        parts.append(f"coalesce({named} OR c.id = ANY(CAST({ids_} AS uuid[])), false)")
    if audience.keyword is not None:
        parts.append(f"strpos(c.search, {made.bind(audience.keyword)}) > 0")
    if audience.assignees is not None:
        assignees = made.bind(list(audience.assignees))
        parts.append(f"coalesce(c.assignee = ANY(CAST({assignees} AS text[])), false)")
    if audience.filters is not None:
        parts.append(made.tree(audience.filters))
    return "(" + " AND ".join(parts) + ")", made.values


@dataclass(slots=True)
class _Making:
    values: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        """A parameter with this value, as the text names it."""
        name = f"{_PREFIX}_{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def tree(self, node: Group | Condition) -> str:
        if isinstance(node, Condition):
            return self.condition(node)
        return "(" + f" {node.logic.value} ".join(map(self.tree, node.members)) + ")"

    def condition(self, asked: Condition) -> str:
        operator = _POSITIVE.get(asked.operator)
        if operator is None:
            return f"coalesce({self.asked(asked.field, asked.operator, asked.values)}, false)"
        return f"NOT coalesce({self.asked(asked.field, operator, asked.values)}, false)"

    def asked(self, what: Field, operator: Operator, values: tuple[Any, ...]) -> str:
        if what.kind is Kind.TEXT:
            text = _TEXTS[what.name]
            return f"{text} IS NOT NULL" if operator is Operator.EXISTS else self.text(
                text, operator, values
            )  # fmt: skip
        if what.kind is Kind.ADDRESS:
            return self._address(what, operator, values)
        if what.kind is Kind.TAGS:
            return self._tags(operator, values)
        if what.kind is Kind.TIME:
            return self._either(
                f"c.created_at {_SIGNS.get(operator, '=')} CAST({self.bind(v)} AS timestamptz)"
                for v in values
            )
        return self._attribute(what, operator, values)

    @staticmethod
    def _either(parts: Any) -> str:
        return "(" + " OR ".join(parts) + ")"

    def folded(self, text: str, value: str) -> str:
        """A text folded as far as comparing it with `value` takes it."""
        large, small = capitals(value)
        if not large:
            return f"lower({text})"
        return f"translate(lower({text}), {self.bind(large)}, {self.bind(small)})"

    def text(self, text: str, operator: Operator, values: tuple[Any, ...]) -> str:
        return self._either(self._one(text, operator, v) for v in values)

    def _one(self, text: str, operator: Operator, value: str) -> str:
        have, want = self.folded(text, value), f"CAST({self.bind(value)} AS text)"
        if operator is Operator.CONTAINS:
            return f"strpos({have}, {want}) > 0"
        if operator is Operator.STARTS_WITH:
            return f"starts_with({have}, {want})"
        if operator is Operator.ENDS_WITH:
            return f"right({have}, length({want})) = {want}"
        sign = _SIGNS.get(operator, "=")
        return f'{have} {sign} {want} COLLATE "C"'

    def _address(self, what: Field, operator: Operator, values: tuple[Any, ...]) -> str:
        channel = self.bind(_CHANNELS[what.name])
        asked = "" if operator is Operator.EXISTS else " AND " + self.text(
            "a.address", operator, values
        )  # fmt: skip
        return f"""EXISTS (SELECT 1 FROM contact_addresses a WHERE a.contact_id = c.id
        AND a.channel = CAST({channel} AS channel){asked})"""  # noqa: S608 - see the module

    def _tags(self, operator: Operator, values: tuple[Any, ...]) -> str:
        if operator is Operator.EXISTS:
            return "c.tags <> '{}'"
        one = self.text("t.tag", Operator.EQUALS, values)
        return f"EXISTS (SELECT 1 FROM unnest(c.tags) AS t(tag) WHERE {one})"  # noqa: S608 - above

    def _attribute(self, what: Field, operator: Operator, values: tuple[Any, ...]) -> str:
        name = f"CAST({self.bind(what.name)} AS text)"
        if operator is Operator.EXISTS:
            return f"jsonb_exists(c.attributes, {name})"
        return self._either(self._typed(name, operator, v) for v in values)

    def _typed(self, name: str, operator: Operator, value: Any) -> str:
        """A question to an attribute, answered yes only where it is of the value's own type."""
        kind = f"jsonb_typeof(c.attributes -> {name})"
        text = f"(c.attributes ->> {name})"
        if isinstance(value, str):
            return f"({kind} = 'string' AND {self._one(text, operator, value)})"
        if isinstance(value, bool):
            return f"({kind} = 'boolean' AND {text} = {self.bind('true' if value else 'false')})"
        number = f"CASE WHEN {kind} = 'number' THEN CAST({text} AS numeric) END"
        return f"{number} {_SIGNS.get(operator, '=')} CAST({self.bind(value)} AS numeric)"


def recipients(tenant_id: UUID, audience: Audience, channel: Channel) -> Where:
    """A SELECT of everybody in an audience who has an address on a channel, each person once.

    Its columns are `contact_id`, `recipient_key` and `address`; the contact who was there first
    speaks for an address that several have. It is meant to stand in an INSERT or a CTE.
    """
    condition, values = where(tenant_id, audience)
    text = f"""
    SELECT DISTINCT ON (a.recipient_key) c.id AS contact_id, a.recipient_key, a.address
    FROM contacts c JOIN contact_addresses a ON a.contact_id = c.id
      AND a.channel = CAST(:{_PREFIX}_channel AS channel) AND a.position = 0
    WHERE {condition}
    ORDER BY a.recipient_key, c.id
    """  # noqa: S608 - see the module
    return text, {**values, f"{_PREFIX}_channel": channel.value}


@dataclass(frozen=True, slots=True)
class Reach:
    """How many people an audience is."""

    contacts: int
    without_address: int
    """Those that have none on the channel."""
    recipients: int
    """Different people among the others."""


def reach(db: Connection, tenant_id: UUID, audience: Audience, channel: Channel) -> Reach:
    """How many contacts an audience has, and how many people they are on a channel."""
    condition, values = where(tenant_id, audience)
    query = sa.text(f"""
    SELECT count(*) AS contacts, count(*) FILTER (WHERE a.recipient_key IS NULL) AS without_address,
           count(DISTINCT a.recipient_key) AS recipients
    FROM contacts c LEFT JOIN contact_addresses a ON a.contact_id = c.id
      AND a.channel = CAST(:{_PREFIX}_channel AS channel) AND a.position = 0
    WHERE {condition}
    """)  # noqa: S608 - see the module
    row = db.execute(query, {**values, f"{_PREFIX}_channel": channel.value}).one()
    return Reach(row.contacts, row.without_address, row.recipients)


def unknown(db: Connection, tenant_id: UUID, lead_ids: tuple[str, ...]) -> list[str]:
    """Those of some lead ids that no contact of the tenant's has, in order."""
    found = db.execute(
        _KNOWN,
        {
            "tenant": tenant_id,
            "refs": list(lead_ids),
            "ids": [one for one in map(contacts.id_of, lead_ids) if one is not None],
        },
    ).all()
    known = {row.ref for row in found} | {str(row.id) for row in found}
    return [ref for ref in lead_ids if ref not in known and str(contacts.id_of(ref)) not in known]


_KNOWN = sa.text("""
SELECT c.id, c.ref FROM contacts c WHERE c.tenant_id = :tenant
  AND (c.ref = ANY(CAST(:refs AS text[])) OR c.id = ANY(CAST(:ids AS uuid[])))
""")
