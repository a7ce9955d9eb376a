"""Every judgement that was made: which rule decided, from which inputs, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection


@dataclass(slots=True)  # not frozen: made for every message, and freezing doubles its price
class Judgement:
    """One verdict, as it is kept."""

    at: datetime
    tenant_id: UUID
    message_id: UUID | None
    """None for what was refused at intake, which has no message."""
    recipient_key: str | None
    """Hexadecimal; set where there is no message."""
    stage: str
    """`intake` or `dispatch`."""
    outcome: str
    """`allow`, `defer` or `block`."""
    version: str
    """Of the rules and of the law's data."""
    rule: str | None = None
    reason: str | None = None
    detail: str | None = None
    until: datetime | None = None
    """Defer: when it is asked again. Allow: until when it may be delivered."""
    inputs: dict[str, Any] | None = None
    """What the rules saw that was not the ordinary case."""
    trace: dict[str, Any] | None = None
    """Under the claim: whom selection chose, whom it passed over, and why."""


_KEEP = sa.text("""
INSERT INTO verdicts (at, tenant_id, message_id, recipient_key, stage, outcome, version, rule, reason,
                      detail, until, inputs, trace)
SELECT at, tenant_id, message_id, decode(recipient_key, 'hex'), stage, outcome, version, rule, reason,
       detail, until, inputs, trace
FROM json_to_recordset(CAST(:rows AS json)) AS v(
  at timestamptz, tenant_id uuid, message_id uuid, recipient_key text, stage text, outcome text,
  version text, rule text, reason text, detail text, until timestamptz, inputs jsonb, trace jsonb)
""")


def keep(db: Connection, judgements: Sequence[Judgement]) -> None:
    """Write judgements down."""
    if judgements:
        db.execute(_KEEP, {"rows": orjson.dumps(judgements).decode()})


_OF_MESSAGE = sa.text("""
SELECT at, tenant_id, message_id, encode(recipient_key, 'hex'), stage, outcome, version, rule, reason,
       detail, until, inputs, trace
FROM verdicts WHERE message_id = :id ORDER BY at, id
""")


def of_message(db: Connection, message_id: UUID) -> list[Judgement]:
    """Every judgement of one message, oldest first."""
    return [Judgement(*row) for row in db.execute(_OF_MESSAGE, {"id": message_id})]
