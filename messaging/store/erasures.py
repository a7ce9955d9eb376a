"""Requests to erase a person, how far each has come, and the statements that empty what names them.

A person is a tenant, a channel and a keyed hash of the address, so the request itself names nobody.
What is emptied stays as a row: ids, times, status, segments and keys. Each statement takes only what
is not empty yet, so all of them may be repeated.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel

EMPTIED = """
recipient = '', body = '', metadata = NULL, postal_code = NULL, time_zone = NULL, lead = NULL,
parts = NULL, erased_at = clock_timestamp()
"""
"""What becomes of the columns of `messages` that name a person."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A request to erase somebody, as its tenant may see it."""

    id: UUID
    channel: Channel
    requested_at: datetime
    """When it was last asked for; everything of the person from before then goes."""
    finished_at: datetime | None
    messages: int
    """Emptied so far, to the person and from them."""
    receipts: int
    """Emptied so far."""


@dataclass(frozen=True, slots=True)
class Job:
    """An unfinished request that this transaction has for itself."""

    id: UUID
    tenant_id: UUID
    channel: Channel
    recipient_key: bytes
    until: datetime

    @property
    def whose(self) -> dict[str, object]:
        """The person, as the statements name them."""
        return {
            "tenant": self.tenant_id,
            "channel": self.channel.value,
            "key": self.recipient_key,
            "until": self.until,
        }


_PERSON = """
{row}.recipient_key = :key AND {row}.tenant_id = :tenant
AND {row}.channel = CAST(:channel AS channel)
"""
_OF_PERSON = _PERSON.format(row="m") + " AND m.created_at <= CAST(:until AS timestamptz)"

# What was taken just before by a server whose clock is ahead counts as before, too.
_REQUEST = sa.text(f"""
INSERT INTO erasures AS e (id, tenant_id, channel, recipient_key, created_at)
SELECT :id, :tenant, CAST(:channel AS channel), :key, greatest(CAST(:now AS timestamptz),
  (SELECT max(m.created_at) FROM messages m WHERE {_PERSON.format(row="m")}),
  (SELECT max(i.received_at) FROM inbound_messages i WHERE {_PERSON.format(row="i")}),
  (SELECT max(c.recorded_at) FROM consent_events c WHERE {_PERSON.format(row="c")}),
  (SELECT max(c.created_at) FROM contacts c JOIN contact_addresses a ON a.contact_id = c.id
   WHERE {_PERSON.format(row="a")}))
ON CONFLICT (tenant_id, channel, recipient_key) DO UPDATE SET
  created_at = greatest(e.created_at, excluded.created_at), due_at = now(), finished_at = NULL
RETURNING e.id, e.channel, e.created_at, e.finished_at, e.messages, e.receipts
""")  # noqa: S608 - constants of this module


def request(
    db: Connection, erasure_id: UUID, tenant_id: UUID, channel: Channel, key: bytes, now: datetime
) -> Erasure:
    """Ask for a person to be erased; asking again opens the same request again."""
    values = {
        "id": erasure_id,
        "tenant": tenant_id,
        "channel": channel.value,
        "key": key,
        "now": now,
    }
    id_, at, *rest = db.execute(_REQUEST, values).one()
    return Erasure(id_, Channel(at), *rest)


_FIND = sa.text("""
SELECT id, channel, created_at, finished_at, messages, receipts FROM erasures
WHERE id = :id AND tenant_id = :tenant
""")


def find(db: Connection, tenant_id: UUID, erasure_id: UUID) -> Erasure | None:
    """A request; None if there is none, or it is another tenant's."""
    row = db.execute(_FIND, {"id": erasure_id, "tenant": tenant_id}).one_or_none()
    return Erasure(row[0], Channel(row[1]), *row[2:]) if row else None


_DUE = sa.text("""
UPDATE erasures SET due_at = now() + make_interval(secs => :again)
WHERE id IN (SELECT id FROM erasures WHERE finished_at IS NULL AND due_at <= now()
             ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED)
RETURNING id
""")


def due(db: Connection, limit: int, again: timedelta) -> list[UUID]:
    """Up to `limit` unfinished requests to work on; each is due `again` if it is not finished then."""
    values = {"limit": limit, "again": again.total_seconds()}
    return list(db.execute(_DUE, values).scalars())


_TAKE = sa.text("""
SELECT id, tenant_id, channel, recipient_key, created_at FROM erasures
WHERE id = :id AND finished_at IS NULL FOR UPDATE SKIP LOCKED
""")


def take(db: Connection, erasure_id: UUID) -> Job | None:
    """An unfinished request, until the transaction ends; None if it is done, or somebody's already."""
    row = db.execute(_TAKE, {"id": erasure_id}).one_or_none()
    if row is None:
        return None
    return Job(
        row.id, row.tenant_id, Channel(row.channel), bytes(row.recipient_key), row.created_at
    )


_COUNT = sa.text("""
UPDATE erasures SET messages = messages + :messages, receipts = receipts + :receipts WHERE id = :id
""")


def count(db: Connection, job: Job, *, messages: int = 0, receipts: int = 0) -> None:
    """Note how many more are empty now."""
    if messages or receipts:
        db.execute(_COUNT, {"id": job.id, "messages": messages, "receipts": receipts})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that has not left yet."""

    id: UUID
    epoch: int
    status: Status


_WAITING = sa.text(f"""
SELECT m.id, m.epoch, m.status FROM messages m
WHERE {_OF_PERSON} AND m.status = ANY(CAST(:statuses AS message_status[]))
ORDER BY m.id LIMIT :limit FOR UPDATE OF m
""")  # noqa: S608 - as above


def waiting(db: Connection, job: Job, statuses: Collection[Status], limit: int) -> list[Waiting]:
    """The person's messages in these states, locked; under `suppressions.lock`."""
    values = job.whose | {"statuses": [s.value for s in statuses], "limit": limit}
    return [Waiting(row.id, row.epoch, Status(row.status)) for row in db.execute(_WAITING, values)]


# A contact is a person, all addresses of theirs; who else has this address goes with it.
_CONTACTS = sa.text(f"""
DELETE FROM contacts WHERE id = ANY(ARRAY(
  SELECT c.id FROM contact_addresses a JOIN contacts c ON c.id = a.contact_id
  WHERE {_PERSON.format(row="a")} AND c.created_at <= CAST(:until AS timestamptz) LIMIT :limit))
""")  # noqa: S608 - as above


def forget_contacts(db: Connection, job: Job, limit: int) -> int:
    """Delete up to `limit` contacts with the person's address; returns how many there were."""
    return db.execute(_CONTACTS, job.whose | {"limit": limit}).rowcount


# A snapshot that is being taken may have read the contact before it was deleted.
_SNAPSHOTS = sa.text(
    "SELECT 1 FROM campaigns WHERE tenant_id = :tenant AND state = 'snapshot' ORDER BY id FOR SHARE"
)
_TARGETS = sa.text("""
UPDATE campaign_recipients r SET address = '', fields = NULL, about = NULL, contact_id = NULL,
  state = CASE r.state WHEN 'waiting' THEN 'skipped' ELSE r.state END,
  reason = CASE r.state WHEN 'waiting' THEN 'erased' ELSE r.reason END
FROM campaigns g
WHERE g.tenant_id = :tenant AND g.created_at <= CAST(:until AS timestamptz)
  AND r.campaign_id = g.id AND r.recipient_key = :key AND r.address <> ''
""")


def forget_targets(db: Connection, job: Job) -> None:
    """Empty what campaigns have of the person, once no contact is left; who was to get it is skipped."""
    db.execute(_SNAPSHOTS, job.whose)
    db.execute(_TARGETS, job.whose)


# Never while an attempt is open: only recipient and body can tell what became of it.
_MESSAGES = sa.text(f"""
WITH over AS MATERIALIZED (
  SELECT m.id FROM messages m
  WHERE {_OF_PERSON} AND m.erased_at IS NULL AND m.status = ANY(CAST(:statuses AS message_status[]))
    AND NOT EXISTS (SELECT 1 FROM open_attempts o WHERE o.message_id = m.id)
  ORDER BY m.id LIMIT :limit FOR NO KEY UPDATE OF m
), alone AS (
  DELETE FROM fallbacks WHERE message_id = ANY(ARRAY(SELECT id FROM over))
)
UPDATE messages SET {EMPTIED} WHERE id = ANY(ARRAY(SELECT id FROM over))
""")  # noqa: S608 - as above


def empty_messages(db: Connection, job: Job, statuses: Collection[Status], limit: int) -> int:
    """Empty up to `limit` messages in these states without an open attempt; returns how many."""
    values = job.whose | {"statuses": [s.value for s in statuses], "limit": limit}
    return db.execute(_MESSAGES, values).rowcount


# A receipt in line to be applied is needed for that, and is emptied by it (`receipts.note`).
_RECEIPTS = sa.text(f"""
WITH applied AS MATERIALIZED (
  SELECT r.id FROM messages m JOIN raw_receipts r ON r.message_id = m.id
  WHERE {_OF_PERSON} AND m.erased_at IS NOT NULL AND (r.body <> '' OR r.url <> '')
    AND NOT EXISTS (SELECT 1 FROM pending_receipts p WHERE p.receipt_id = r.id)
  LIMIT :limit FOR UPDATE OF r SKIP LOCKED
)
UPDATE raw_receipts SET url = '', body = '' WHERE id = ANY(ARRAY(SELECT id FROM applied))
""")  # noqa: S608 - as above


def empty_receipts(db: Connection, job: Job, limit: int) -> int:
    """Empty up to `limit` applied receipts of messages that are empty; returns how many."""
    return db.execute(_RECEIPTS, job.whose | {"limit": limit}).rowcount


_INBOUND = sa.text(f"""
UPDATE inbound_messages SET from_address = '', body = '', media = NULL WHERE id = ANY(ARRAY(
  SELECT i.id FROM inbound_messages i
  WHERE {_PERSON.format(row="i")} AND i.received_at <= CAST(:until AS timestamptz)
    AND (i.from_address <> '' OR i.body <> '' OR i.media IS NOT NULL) LIMIT :limit))
""")  # noqa: S608 - as above


def empty_inbound(db: Connection, job: Job, limit: int) -> int:
    """Empty up to `limit` messages that the person wrote; returns how many."""
    return db.execute(_INBOUND, job.whose | {"limit": limit}).rowcount


_EVIDENCE = sa.text(f"""
UPDATE consent_events c SET evidence = NULL WHERE c.evidence IS NOT NULL
  AND {_PERSON.format(row="c")} AND c.recorded_at <= CAST(:until AS timestamptz)
""")  # noqa: S608 - as above
# Somebody else's message was to be said to them, should it fail.
_FALLBACKS = sa.text(f"""
DELETE FROM fallbacks f
WHERE {_PERSON.format(row="f")} AND f.created_at <= CAST(:until AS timestamptz)
""")  # noqa: S608 - as above
_LOOKUPS = sa.text("""
DELETE FROM pending_lookups p WHERE p.tenant_id = :tenant AND p.recipient_key = :key
  AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = p.message_id AND m.erased_at IS NULL)
""")
# A piece of a text is no message before all are there; it waits five minutes for the others.
_PIECES = sa.text(f"""
DELETE FROM inbound_fragments f
WHERE {_PERSON.format(row="f")} AND NOT f.joined AND f.received_at <= CAST(:until AS timestamptz)
""")  # noqa: S608 - as above


def forget_rest(db: Connection, job: Job) -> None:
    """Empty what proves the person's consent (not the consent), and ask nobody about their number.

    Pieces of texts that wait for the others go, too, and nothing is sent to them in another message's
    place.
    """
    db.execute(_EVIDENCE, job.whose)
    db.execute(_FALLBACKS, job.whose)
    db.execute(_PIECES, job.whose)
    db.execute(_LOOKUPS, {"tenant": job.tenant_id, "key": job.recipient_key})


_FINISH = sa.text(f"""
UPDATE erasures SET finished_at = CAST(:now AS timestamptz) WHERE id = :id
  AND NOT EXISTS (SELECT 1 FROM messages m WHERE {_OF_PERSON} AND m.erased_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM messages m JOIN raw_receipts r ON r.message_id = m.id
                  WHERE {_OF_PERSON} AND (r.body <> '' OR r.url <> ''))
""")  # noqa: S608 - as above


def finish(db: Connection, job: Job, now: datetime) -> bool:
    """Close a request if nothing is left to empty; False if something still is in flight."""
    return db.execute(_FINISH, job.whose | {"id": job.id, "now": now}).rowcount == 1
