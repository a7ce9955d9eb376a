"""The people a tenant knows: kept, changed and found, some thousands to a statement.

Every statement names the tenant. A contact's addresses are rows of their own, each under the key that
messages to it carry, so that a STOP and an erasure find them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.contact import WORDS, Contact
from messaging.domain.message import Channel
from messaging.domain.request import storable

COLUMNS = ", ".join(f"c.{name}" for name in ("id", "ref", *WORDS, "tags", "attributes"))
SELECT = f"""
SELECT {COLUMNS}, c.created_at, c.modified_at,
  (SELECT json_object_agg(x.channel, x.addresses) FROM (
     SELECT a.channel, json_agg(a.address ORDER BY a.position) AS addresses
     FROM contact_addresses a WHERE a.contact_id = c.id GROUP BY a.channel) x) AS addresses
FROM contacts c
"""  # noqa: S608 - names of columns
"""Whole contacts, as `contact_of` reads them; what follows begins with WHERE."""


def contact_of(row: sa.Row[Any]) -> Contact:
    """A row of `SELECT` as a value."""
    fields = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's names
    addresses = fields["addresses"] or {}
    fields["tags"] = tuple(fields["tags"])
    fields["addresses"] = {Channel(name): tuple(known) for name, known in addresses.items()}
    return Contact(**fields)


_FIND = sa.text(f"""
{SELECT} WHERE c.tenant_id = :tenant AND (c.ref = :name OR c.id = :id)
ORDER BY c.ref IS NOT DISTINCT FROM :name DESC LIMIT 1
""")


def find(db: Connection, tenant_id: UUID, name: str) -> Contact | None:
    """A contact by its `ref`, or else by its id as text; None if the tenant has none such."""
    if not storable(name):
        return None
    values = {"tenant": tenant_id, "name": name, "id": id_of(name)}
    row = db.execute(_FIND, values).one_or_none()
    return contact_of(row) if row else None


def id_of(name: str) -> UUID | None:
    """The id a name may be."""
    try:
        return UUID(name)
    except ValueError:
        return None


_LOCKED = sa.text(f"""
{SELECT} WHERE c.tenant_id = :tenant AND c.ref = ANY(CAST(:refs AS text[]))
ORDER BY c.ref FOR UPDATE OF c
""")


def by_refs(db: Connection, tenant_id: UUID, refs: Sequence[str]) -> dict[str, Contact]:
    """Those contacts with these refs that there are, held until the transaction ends."""
    rows = db.execute(_LOCKED, {"tenant": tenant_id, "refs": list(refs)})
    return {row.ref: contact_of(row) for row in rows}


_HOLD = sa.text(f"{SELECT} WHERE c.tenant_id = :tenant AND c.id = :id FOR UPDATE OF c")


def hold(db: Connection, tenant_id: UUID, contact_id: UUID) -> Contact | None:
    """A contact, held until the transaction ends; None if the tenant has none such."""
    row = db.execute(_HOLD, {"tenant": tenant_id, "id": contact_id}).one_or_none()
    return contact_of(row) if row else None


@dataclass(frozen=True, slots=True)
class Kept:
    """A contact as it is to be, and what stands for each of its addresses."""

    contact: Contact
    keys: Mapping[Channel, Sequence[bytes]]


_SET = ", ".join(f"{name} = excluded.{name}" for name in (*WORDS, "tags", "attributes", "search"))
_WORDS = ", ".join(WORDS)
_PUT = sa.text(f"""
INSERT INTO contacts AS c (id, tenant_id, ref, {_WORDS}, tags, attributes, search, created_at)
SELECT g.id, :tenant, g.ref, {", ".join(f"g.{name}" for name in WORDS)},
       ARRAY(SELECT json_array_elements_text(g.tags)), g.attributes, g.search,
       CAST(:now AS timestamptz)
FROM json_to_recordset(CAST(:rows AS json)) AS g(
  n int, id uuid, ref text, {", ".join(f"{name} text" for name in WORDS)}, tags json,
  attributes jsonb, search text)
ORDER BY g.n
ON CONFLICT (tenant_id, ref) WHERE ref IS NOT NULL DO UPDATE
SET {_SET}, modified_at = excluded.created_at
RETURNING c.id, c.ref, c.modified_at IS NULL AS new
""")  # noqa: S608 - names of columns
_CHANGE = sa.text(f"""
UPDATE contacts c SET
  {", ".join(f"{name} = g.{name}" for name in WORDS)}, attributes = g.attributes, search = g.search,
  tags = ARRAY(SELECT json_array_elements_text(g.tags)), modified_at = CAST(:now AS timestamptz)
FROM json_to_recordset(CAST(:rows AS json)) AS g(
  id uuid, {", ".join(f"{name} text" for name in WORDS)}, tags json, attributes jsonb, search text)
WHERE c.id = g.id AND c.tenant_id = :tenant
""")  # noqa: S608 - names of columns
_FORGET = sa.text("DELETE FROM contact_addresses WHERE contact_id = ANY(CAST(:ids AS uuid[]))")
_ADDRESSES = sa.text("""
INSERT INTO contact_addresses (contact_id, channel, address, recipient_key, tenant_id, position)
SELECT g.contact_id, g.channel, g.address, decode(g.key, 'hex'), :tenant, g.position
FROM json_to_recordset(CAST(:rows AS json)) AS g(
  contact_id uuid, channel channel, address text, key text, position smallint)
""")


def put(
    db: Connection, tenant_id: UUID, kept: Sequence[Kept], now: datetime
) -> tuple[dict[UUID, UUID], int]:
    """Write contacts whole, up to some thousands; those with the `ref` of another become that one.

    No ref may be there twice. The ids they have now by the ids they were given, and how many are new.
    """
    rows = [{"n": n, **_row(one.contact)} for n, one in enumerate(kept)]
    values = {"tenant": tenant_id, "rows": _json(rows), "now": now}
    done = db.execute(_PUT, values).all()
    by_ref = {row.ref: row.id for row in done if row.ref is not None}
    ids = {
        one.contact.id: one.contact.id if one.contact.ref is None else by_ref[one.contact.ref]
        for one in kept
    }
    known = [row.id for row in done if not row.new]
    _write_addresses(db, tenant_id, [(ids[one.contact.id], one) for one in kept], known)
    return ids, len(done) - len(known)


def change(db: Connection, tenant_id: UUID, kept: Kept, now: datetime) -> None:
    """Write a contact that is held."""
    values = {"tenant": tenant_id, "rows": _json([_row(kept.contact)]), "now": now}
    db.execute(_CHANGE, values)
    _write_addresses(db, tenant_id, [(kept.contact.id, kept)], [kept.contact.id])


def _write_addresses(
    db: Connection,
    tenant_id: UUID,
    kept: Sequence[tuple[UUID, Kept]],
    known: Sequence[UUID],
) -> None:
    if known:
        db.execute(_FORGET, {"ids": list(known)})
    rows = [
        {
            "contact_id": contact_id,
            "channel": channel.value,
            "address": address,
            "key": key.hex(),
            "position": position,
        }
        for contact_id, one in kept
        for channel, known_at in one.contact.addresses.items()
        for position, (address, key) in enumerate(zip(known_at, one.keys[channel], strict=True))
    ]
    if rows:
        db.execute(_ADDRESSES, {"tenant": tenant_id, "rows": _json(rows)})


def _row(contact: Contact) -> dict[str, Any]:
    words = {name: getattr(contact, name) for name in WORDS}
    return words | {
        "id": contact.id,
        "ref": contact.ref,
        "tags": contact.tags,
        "attributes": contact.attributes,
        "search": contact.search,
    }


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows).decode()


_DELETE = sa.text("DELETE FROM contacts WHERE id = :id AND tenant_id = :tenant")


def delete(db: Connection, tenant_id: UUID, contact_id: UUID) -> bool:
    """Forget a contact; False if the tenant has none such."""
    return db.execute(_DELETE, {"id": contact_id, "tenant": tenant_id}).rowcount == 1


def page(
    db: Connection,
    where: tuple[str, Mapping[str, Any]],
    before: UUID | None,
    limit: int,
) -> list[Contact]:
    """Up to `limit` contacts that a condition over `c` holds for, newest first, older than `before`."""
    sql, values = where
    query = sa.text(f"""
    {SELECT} WHERE {sql} AND (CAST(:before AS uuid) IS NULL OR c.id < :before)
    ORDER BY c.id DESC LIMIT :limit
    """)
    return [
        contact_of(row) for row in db.execute(query, {**values, "before": before, "limit": limit})
    ]


_NAMES = sa.text("""
SELECT DISTINCT jsonb_object_keys(attributes) AS name FROM contacts
WHERE tenant_id = :tenant ORDER BY name
""")


def attribute_names(db: Connection, tenant_id: UUID) -> list[str]:
    """What the attributes of a tenant's contacts are called, in order of the alphabet."""
    return list(db.execute(_NAMES, {"tenant": tenant_id}).scalars())


_THREADS = sa.text("""
SELECT v.id, v.channel, v.sender_id, v.created_at FROM conversations v
WHERE v.tenant_id = :tenant AND (v.channel, v.recipient_key) IN (
  SELECT a.channel, a.recipient_key FROM contact_addresses a
  WHERE a.contact_id = :id AND a.tenant_id = :tenant)
ORDER BY v.id DESC
""")


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation with a contact."""

    id: UUID
    channel: Channel
    sender_id: UUID | None
    created_at: datetime


def threads(db: Connection, tenant_id: UUID, contact_id: UUID) -> list[Thread]:
    """The conversations with a contact, on any of its addresses."""
    rows = db.execute(_THREADS, {"tenant": tenant_id, "id": contact_id})
    return [Thread(row.id, Channel(row.channel), row.sender_id, row.created_at) for row in rows]
