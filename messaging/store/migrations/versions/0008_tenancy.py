"""Tenancy: scopes, kinds and limits of API keys, who changed what, and messages of test keys."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE api_keys
  ADD COLUMN kind TEXT DEFAULT 'live' NOT NULL,
  ADD COLUMN scopes TEXT[],
  ADD COLUMN requests_per_minute INTEGER,
  ADD COLUMN last_used_at TIMESTAMP WITH TIME ZONE;
CREATE INDEX api_keys_tenant ON api_keys (tenant_id);

ALTER TABLE messages ADD COLUMN sandboxed BOOLEAN DEFAULT false NOT NULL;

CREATE TABLE audit_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id UUID NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    key_id TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    target TEXT,
    fields TEXT[] DEFAULT '{}' NOT NULL,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_tenant_id_fkey FOREIGN KEY(tenant_id) REFERENCES tenants (id)
);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, id);

-- What was written down stays as it was written.
CREATE FUNCTION audit_log_stays() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'the audit log is only appended to'; END$$;
CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_log_stays();
"""

_DOWN = """
DROP TABLE audit_log;
DROP FUNCTION audit_log_stays();
ALTER TABLE messages DROP COLUMN sandboxed;
DROP INDEX api_keys_tenant;
ALTER TABLE api_keys DROP COLUMN kind, DROP COLUMN scopes, DROP COLUMN requests_per_minute,
  DROP COLUMN last_used_at;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
