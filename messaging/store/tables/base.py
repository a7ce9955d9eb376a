"""What every table is made of: the metadata, the enums, the types of columns."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ENUM, UUID

from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Category, Channel, Priority, Queue, SelectionReason

metadata = sa.MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)


def enum_(of: type[StrEnum], name: str) -> ENUM:
    """A Postgres enum with the values of one of ours."""
    return ENUM(of, name=name, values_callable=lambda e: [m.value for m in e], metadata=metadata)


status_type = enum_(Status, "message_status")
event_type = enum_(Event, "message_event")
channel_type = enum_(Channel, "channel")
category_type = enum_(Category, "category")
priority_type = enum_(Priority, "priority")
reason_type = enum_(SelectionReason, "selection_reason")
queue_type = enum_(Queue, "ready_queue")

uuid = UUID(as_uuid=True)
time = sa.DateTime(timezone=True)


def created() -> sa.Column[object]:
    """When the row was made, by the database's clock."""
    return sa.Column("created_at", time, nullable=False, server_default=sa.func.now())
