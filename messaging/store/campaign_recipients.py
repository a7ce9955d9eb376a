"""Whom a campaign is to: written down once, read in order, marked as messages are made for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.campaign import CONTACT_FIELDS, attribute
from messaging.domain.message import Channel


@dataclass(frozen=True, slots=True)
class NewRecipient:
    """Somebody to be written down."""

    recipient_key: bytes
    address: str
    fields: Mapping[str, Any] | None
    about: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody there is no message for yet."""

    n: int
    recipient_key: bytes
    address: str
    fields: dict[str, Any]
    about: dict[str, str]
    is_first: bool
    """Whether marketing would be the first in a while."""


_STAGE = """
CREATE TEMP TABLE staged_recipients (n INT, recipient_key BYTEA, address TEXT, fields TEXT, about TEXT)
ON COMMIT DROP
"""
_UNSTAGE = sa.text("""
WITH fresh AS (
  SELECT DISTINCT ON (s.recipient_key) s.* FROM staged_recipients s
  WHERE NOT EXISTS (SELECT 1 FROM campaign_recipients r
                    WHERE r.campaign_id = :campaign AND r.recipient_key = s.recipient_key)
  ORDER BY s.recipient_key, s.n
), added AS (
  INSERT INTO campaign_recipients (campaign_id, recipient_key, n, address, fields, about)
  SELECT :campaign, recipient_key, :base + row_number() OVER (ORDER BY n), address,
         CAST(fields AS json), CAST(about AS json)
  FROM fresh RETURNING 1
)
SELECT count(*) FROM added
""")


def add(db: Connection, campaign_id: UUID, base: int, people: Iterable[NewRecipient]) -> int:
    """Write people down behind the first `base`, each once; how many are new.

    The campaign must be locked, or two lists would get the same places.
    """
    db.execute(sa.text(_STAGE))
    cursor = db.connection.cursor()
    with cursor.copy("COPY staged_recipients FROM STDIN") as copy:
        for n, who in enumerate(people):
            texts = (_json(who.fields), _json(who.about))
            copy.write_row((n, who.recipient_key, who.address, *texts))
    found: int = db.execute(_UNSTAGE, {"campaign": campaign_id, "base": base}).scalar_one()
    db.execute(sa.text("DROP TABLE staged_recipients"))
    return found


def _json(value: Mapping[str, Any] | None) -> str | None:
    return orjson.dumps(value).decode() if value else None


_SNAPSHOT = """
INSERT INTO campaign_recipients
  (campaign_id, n, recipient_key, address, contact_id, fields, about)
SELECT :campaign, :base + row_number() OVER (ORDER BY who.contact_id), who.* FROM (
  SELECT DISTINCT ON (a.recipient_key) a.recipient_key, a.address, c.id AS contact_id,
         json_strip_nulls(json_build_object({fields})) AS fields,
         json_strip_nulls(json_build_object(
           'lead', coalesce(c.ref, c.id::text), 'agent', c.agent, 'source', c.source,
           'time_zone', c.time_zone, 'postal_code', c.postal_code)) AS about
  FROM contacts c JOIN contact_addresses a ON a.contact_id = c.id
    AND a.channel = CAST(:channel AS channel) AND a.position = 0
  WHERE {where} {those}
  ORDER BY a.recipient_key, c.id LIMIT :most
) AS who
"""
_STEP = """
AND c.id <= :reached AND (CAST(:after AS uuid) IS NULL OR c.id > CAST(:after AS uuid))
AND NOT EXISTS (SELECT 1 FROM campaign_recipients r
                WHERE r.campaign_id = :campaign AND r.recipient_key = a.recipient_key)
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some contacts of a tenant, in the order they came, and how many recipients there are already."""

    after: UUID | None
    reached: UUID
    base: int


_REACHED = sa.text("""
SELECT id FROM (
  SELECT id FROM contacts WHERE tenant_id = :tenant
    AND (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid))
  ORDER BY id LIMIT :size
) AS next ORDER BY id DESC LIMIT 1
""")


def stretch(
    db: Connection, tenant_id: UUID, after: UUID | None, base: int, size: int
) -> Stretch | None:
    """The next `size` contacts behind one, or all there are; None if there is none."""
    values = {"tenant": tenant_id, "after": after, "size": size}
    reached = db.execute(_REACHED, values).scalar()
    return None if reached is None else Stretch(after, reached, base)


def snapshot(
    db: Connection,
    campaign_id: UUID,
    channel: Channel,
    names: Sequence[str],
    where: tuple[str, Mapping[str, Any]],
    among: Stretch | None = None,
    most: int | None = None,
) -> int:
    """Write down every contact that `where` means, with their fields as they are now; how many.

    One statement. Whoever shares an address with another is written to once. Only the fields `names`,
    those the text speaks of, are kept. A stretch is looked at after the one before, with the campaign
    locked; `most` is for a look at some of them.
    """
    condition, values = where
    fields, named = _fields(names)
    those = _STEP if among is not None else ""
    statement = sa.text(_SNAPSHOT.format(fields=fields, where=condition, those=those))
    on = Channel.SMS if channel.by_phone else channel
    found = {"campaign": campaign_id, "channel": on.value, "most": most, "base": 0}
    if among is not None:
        found |= {"after": among.after, "reached": among.reached, "base": among.base}
    return db.execute(statement, {**found, **named, **values}).rowcount


def _fields(names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The pairs of `json_build_object` for some fields, and the values of its parameters."""
    pairs: list[str] = []
    values: dict[str, str] = {}
    for i, name in enumerate(names):
        inner = attribute(name)
        if inner is not None:
            pairs.append(f"CAST(:f{i} AS text), c.attributes -> CAST(:a{i} AS text)")
            values |= {f"f{i}": name, f"a{i}": inner}
        elif name in CONTACT_FIELDS:
            pairs.append(f"'{name}', c.{name}")
    return ", ".join(pairs), values


_READ = """
SELECT r.n, r.recipient_key, r.address, r.fields::text, r.about::text, {first} AS is_first
FROM campaign_recipients r
WHERE r.campaign_id = :campaign AND r.n > :after AND r.state = 'waiting' ORDER BY r.n LIMIT :limit
"""
_FIRST = """NOT EXISTS (
  SELECT 1 FROM messages o
  WHERE o.recipient_key = r.recipient_key AND o.tenant_id = :tenant AND o.category = 'MARKETING'
    AND o.channel = CAST(:channel AS channel)
    AND o.status IN ('scheduled', 'queued', 'sending', 'sent', 'delivered')
    AND o.created_at > now() - make_interval(days => :days))"""
_READ_ANY, _READ_FIRST = (sa.text(_READ.format(first=first)) for first in ("false", _FIRST))


def waiting(
    db: Connection,
    campaign_id: UUID,
    after: int,
    limit: int,
    marketing: tuple[UUID, Channel, int] | None = None,
) -> list[Waiting]:
    """The next ones in order; `marketing` (tenant, channel, days) asks whether it would be their first."""
    values: dict[str, object] = {"campaign": campaign_id, "after": after, "limit": limit}
    statement = _READ_ANY
    if marketing is not None:
        tenant_id, channel, days = marketing
        values |= {"tenant": tenant_id, "channel": channel.value, "days": days}
        statement = _READ_FIRST
    return [
        Waiting(n, key, address, orjson.loads(fields or "{}"), orjson.loads(about or "{}"), first)
        for n, key, address, fields, about, first in db.execute(statement, values).all()
    ]


_SKIP = sa.text("""
UPDATE campaign_recipients r SET state = 'skipped', reason = v.reason
FROM unnest(CAST(:places AS int[]), CAST(:reasons AS text[])) AS v(n, reason)
WHERE r.campaign_id = :campaign AND r.n = v.n
""")
_MARK = sa.text("""
UPDATE campaign_recipients r
SET state = 'expanded', message_id = CAST(CAST(:chunk AS text) || lpad(to_hex(r.n), 8, '0') AS uuid)
WHERE r.campaign_id = :campaign AND r.n > :after AND r.n <= :reached AND r.state = 'waiting'
""")


class Chunk:
    """The ids of the messages that are made at once: one base, and each recipient's place in it."""

    def __init__(self, base: UUID) -> None:
        self.prefix = str(base)[:-8]

    def message_id(self, n: int) -> str:
        """The id of the message to the recipient at place `n`."""
        return f"{self.prefix}{n:08x}"


def mark(
    db: Connection,
    campaign_id: UUID,
    chunk: Chunk,
    after: int,
    reached: int,
    skipped: Mapping[int, str],
) -> int:
    """Say what became of those who waited at the places behind `after`, up to `reached`.

    For each there is the chunk's message now, unless they were skipped: then there is a reason.
    Returns for how many there is a message: fewer than were made if somebody was erased meanwhile.
    """
    if skipped:
        reasons = list(skipped.values())
        db.execute(_SKIP, {"campaign": campaign_id, "places": list(skipped), "reasons": reasons})
    values = {"campaign": campaign_id, "chunk": chunk.prefix, "after": after, "reached": reached}
    return db.execute(_MARK, values).rowcount


# Whoever may have got it is never written to again.
_AGAIN = sa.text("""
UPDATE campaign_recipients r SET state = 'waiting', message_id = NULL, reason = NULL
FROM messages m
WHERE r.campaign_id = :campaign AND m.id = r.message_id AND m.status = 'failed'
  AND m.status_reason IS DISTINCT FROM 'unknown_outcome'
  AND (CAST(:reasons AS text[]) IS NULL OR m.status_reason = ANY(CAST(:reasons AS text[])))
""")


def try_again(db: Connection, campaign_id: UUID, reasons: Sequence[str] | None) -> int:
    """Let those whose message failed wait for another; for any reason if `reasons` is None."""
    values = {"campaign": campaign_id, "reasons": None if reasons is None else list(reasons)}
    return db.execute(_AGAIN, values).rowcount


@dataclass(frozen=True, slots=True)
class RecipientView:
    """A recipient as their tenant may see them."""

    n: int
    to: str
    contact_id: UUID | None
    state: str
    """waiting, skipped, canceled, or the status of their message."""
    reason: str | None
    message_id: UUID | None


_VIEW = sa.text("""
SELECT * FROM (
  SELECT r.n, r.address, r.contact_id,
         CASE WHEN r.state = 'waiting' AND :canceled THEN 'canceled'
              ELSE coalesce(m.status::text, r.state) END AS state,
         coalesce(r.reason, m.status_reason) AS reason, r.message_id
  FROM campaign_recipients r LEFT JOIN messages m ON m.id = r.message_id
  WHERE r.campaign_id = :campaign AND r.n > :after
) AS shown
WHERE CAST(:state AS text) IS NULL OR state = :state ORDER BY n LIMIT :limit
""")


def page(
    db: Connection, campaign_id: UUID, *, canceled: bool, state: str | None, after: int, limit: int
) -> list[RecipientView]:
    """Recipients in order, behind place `after`; those in one state if it is given."""
    values = {"campaign": campaign_id, "canceled": canceled, "state": state}
    rows = db.execute(_VIEW, values | {"after": after, "limit": limit})
    return [RecipientView(*row) for row in rows]
