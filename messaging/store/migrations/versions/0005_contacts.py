"""Contacts: people with their addresses, as a tenant knows them."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE contacts (
    id UUID NOT NULL,
    tenant_id UUID NOT NULL,
    ref TEXT,
    first_name TEXT,
    last_name TEXT,
    company TEXT,
    assignee TEXT,
    campaign TEXT,
    agent TEXT,
    source TEXT,
    time_zone TEXT,
    postal_code TEXT,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    attributes JSONB DEFAULT '{}' NOT NULL,
    search TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    modified_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT contacts_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX contacts_ref ON contacts (tenant_id, ref) WHERE ref IS NOT NULL;
CREATE INDEX contacts_tenant ON contacts (tenant_id, id);

CREATE TABLE contact_addresses (
    contact_id UUID NOT NULL,
    channel channel NOT NULL,
    address TEXT NOT NULL,
    recipient_key BYTEA NOT NULL,
    tenant_id UUID NOT NULL,
    position SMALLINT DEFAULT '0' NOT NULL,
    CONSTRAINT contact_addresses_pkey PRIMARY KEY (contact_id, channel, address),
    CONSTRAINT contact_addresses_contact_id_fkey FOREIGN KEY(contact_id) REFERENCES contacts (id) ON DELETE CASCADE
);
CREATE INDEX contact_addresses_key ON contact_addresses (tenant_id, recipient_key);
"""

_DOWN = """
DROP TABLE contact_addresses;
DROP TABLE contacts;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
