"""A large database, a million messages unless told otherwise, and everything in proportion.

POSTHORN_TEST_PLAN_ROWS sets another number.
"""

from __future__ import annotations

import os

import sqlalchemy as sa
from sqlalchemy.engine import Engine

ROWS = int(os.environ.get("POSTHORN_TEST_PLAN_ROWS", "1000000"))
STEP = max(10, ROWS // 100_000)
"""Every so many messages one is scheduled, and one is on its way: a hundred thousand of each."""

# Ids are shaped like UUIDv7: ordered by time. Tenant 1 has a hundredth of everything.
_ID = """(lpad(to_hex(1700000000000 + g / 4), 12, '0') || '7' || substr(md5(g::text), 1, 3) || '8'
  || substr(md5(g::text), 4, 15))::uuid"""
_TENANT = "lpad(to_hex(1 + g % 100), 32, '0')::uuid"
_KEY = "decode(md5((g % :people)::text), 'hex')"
_FILL = {
    "messages": f"""
      INSERT INTO messages (id, tenant_id, channel, category, priority, status, epoch, segments,
        recipient_key, recipient, body, created_at, queued_at)
      SELECT {_ID}, {_TENANT}, 'sms', 'TRANSACTIONAL', 'NORMAL',
        (CASE WHEN g % 5 = 0 THEN 'queued' WHEN g % :step = 1 THEN 'scheduled'
              WHEN g % :step = 2 THEN 'sending' ELSE 'sent' END)::message_status,
        (g % 5 <> 0)::int, 1, {_KEY}, '+12025550123', 'Hello', now(), now()
      FROM generate_series(1, :rows) g""",
    "ready": f"""
      INSERT INTO ready (queue, due_at, message_id, epoch, tenant_id)
      SELECT (ARRAY['high', 'normal', 'low'])[1 + g % 3]::ready_queue,
        now() + make_interval(secs => 600.0 * (g - :rows * 0.5) / :rows), {_ID}, 0, {_TENANT}
      FROM generate_series(5, :rows, 5) g""",
    "scheduled": f"""
      INSERT INTO scheduled (due_at, message_id)
      SELECT now() + make_interval(secs => 600.0 * (g - :rows * 0.5) / :rows), {_ID}
      FROM generate_series(1, :rows, :step) g""",
    "open_attempts": f"""
      INSERT INTO open_attempts
        (message_id, epoch, account_id, sender_id, selection_reason, started_at, check_at, doubt_since)
      SELECT {_ID}, 1, {_TENANT}, {_TENANT}, 'HealthyPool', now(),
        now() + make_interval(secs => 600.0 * (g - :rows * 0.05) / :rows),
        CASE WHEN g % (2 * :step) = 2 THEN now() END
      FROM generate_series(2, :rows, :step) g""",
    "attempts": f"""
      INSERT INTO attempts (message_id, epoch, account_id, sender_id, selection_reason, started_at,
        outcome, settled_by, provider_message_id)
      SELECT {_ID}, 1, {_TENANT}, {_TENANT}, 'HealthyPool', now(), 'accepted', 'reply',
        'SM' || md5(g::text)
      FROM generate_series(1, :rows) g WHERE g % 5 > 2""",
    "message_events": f"""
      INSERT INTO message_events (message_id, event, status)
      SELECT {_ID}, 'submitted', 'queued' FROM generate_series(1, :rows) g""",
    "conversations": f"""
      INSERT INTO conversations (id, tenant_id, channel, recipient_key, sender_id)
      SELECT gen_random_uuid(), t.tenant, 'sms', t.key, t.tenant FROM
        (SELECT DISTINCT {_TENANT} AS tenant, {_KEY} AS key FROM generate_series(1, :rows, 7) g) t""",
    "suppressions": f"""
      INSERT INTO suppressions (tenant_id, channel, recipient_key, kind, scope, source, since)
      SELECT {_TENANT}, 'sms', {_KEY}, 'opt_out', 'all', 'api', now()
      FROM generate_series(1, :rows, :step) g ON CONFLICT DO NOTHING""",
    "suppression_events": f"""
      INSERT INTO suppression_events
        (tenant_id, channel, recipient_key, action, kind, scope, source, at)
      SELECT {_TENANT}, 'sms', {_KEY}, 'suppress', 'opt_out', 'all', 'api', now()
      FROM generate_series(1, :rows, :step) g""",
    "idempotency_keys": f"""
      INSERT INTO idempotency_keys (tenant_id, key, fingerprint, results)
      SELECT {_TENANT}, 'k' || g, '\\x00', '[]' FROM generate_series(1, :rows, :step) g""",
    "pending_receipts": """
      INSERT INTO pending_receipts (receipt_id, due_at, provider_message_id)
      SELECT g, now() + interval '1 day', 'SM' || md5((-g)::text) FROM generate_series(1, :rows, :step) g""",
}


def fill(engine: Engine) -> None:
    """Put the rows into a migrated, empty database, and let the planner know them."""
    with engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))
        db.execute(sa.text("SET LOCAL synchronous_commit = off"))
        for statement in _FILL.values():
            names = {"rows": ROWS, "people": ROWS // 10, "step": STEP}
            wanted = {name: value for name, value in names.items() if f":{name}" in statement}
            db.execute(sa.text(statement), wanted)
    with engine.connect() as db:
        db.execute(sa.text("SET statement_timeout = 0"))
        db.execute(sa.text("ANALYZE"))
        db.commit()
