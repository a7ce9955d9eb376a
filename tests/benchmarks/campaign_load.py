"""W14: how fast do a campaign's recipients become messages, and in how much memory?

Against a bare COPY of the very message rows they became, in as large commits. The expansion runs in a
process of its own, as in a worker. On its own it takes any size:
`python -m tests.benchmarks.campaign_load --recipients 1000000`.
"""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from messaging import campaign_drafts, campaigns, expansion
from messaging.domain.campaign import CampaignRequest
from messaging.runtime import Runtime
from messaging.settings import Settings
from tests.benchmarks.machine import Machine, machine
from tests.benchmarks.witness import VoidRunError

_SPAWN = multiprocessing.get_context("spawn")
_CONTACTS = """
WITH people AS (
  INSERT INTO contacts (id, tenant_id, ref, first_name, company)
  SELECT gen_random_uuid(), :tenant, 'lead-' || n, 'Person ' || n, 'Acme'
  FROM generate_series(1, :count) AS n RETURNING id, ref, tenant_id
)
INSERT INTO contact_addresses (contact_id, channel, address, recipient_key, tenant_id)
SELECT id, 'sms', '+99900' || lpad(substr(ref, 6), 8, '0'), decode(md5(ref), 'hex'), tenant_id
FROM people
"""
_REQUEST = {
    "name": "bench",
    "body": "Hi {{first_name}}, our spring sale has begun. Reply STOP to opt out. Acme",
    "audience": {
        "filters": {"conditions": [{"field": "company", "operator": "equals", "value": "Acme"}]}
    },
}


@dataclass(frozen=True, slots=True)
class Expanded:
    """Rows a second, expanded and copied, and the most memory the process took."""

    expanded_per_s: float
    copy_per_s: float
    snapshot_per_s: float
    rss_mb: float


def expand(m: Machine, count: int) -> Expanded:
    """Make contacts, expand a campaign to all of them, then COPY the same message rows again.

    Raises:
        VoidRunError: not everybody has exactly one message.
    """
    _reset(m)
    _run(m, _CONTACTS, tenant=m.tenant.id, count=count)
    m.settle()
    request = CampaignRequest.model_validate(_REQUEST)
    made = campaign_drafts.create(m.rt, m.tenant, request)
    campaigns.start(m.rt, m.tenant, made.id)
    m.checkpoint()
    ours, theirs = _SPAWN.Pipe()
    settings = m.rt.settings.model_copy(update={"campaign_ahead": 2 * count})
    process = _SPAWN.Process(target=_expanding, args=(settings, theirs))
    process.start()
    theirs.close()  # so that there is an end to wait for, should the process die
    snapshot, seconds, rss_mb = ours.recv()
    process.join(60)
    _, counts = campaigns.get(m.rt, m.tenant, made.id)
    different = m.scalar("SELECT count(DISTINCT recipient_key) FROM messages")
    if counts.by_status != {"queued": count} or different != count:
        raise VoidRunError(f"{counts} of {count} recipients, {different} different")
    copied = _copy(m)
    _reset(m)
    return Expanded(count / seconds, count / copied, count / snapshot, rss_mb)


def _expanding(settings: Settings, told: Connection) -> None:
    rt = Runtime.start(settings, name="expansion")
    with rt.engine.connect() as db:
        db.execute(sa.text("SELECT 1"))
    rt.settle()
    began = time.perf_counter()
    while not _one(rt, "SELECT snapshot_at FROM campaigns"):
        with rt.engine.begin() as db:
            expansion.step(rt, db)
    snapshot = time.perf_counter() - began
    began = time.perf_counter()
    while _one(rt, "SELECT EXISTS (SELECT 1 FROM campaigns WHERE expanded_to < targets)"):
        expansion.run(rt)
    seconds = time.perf_counter() - began
    told.send((snapshot, seconds, _peak_mb()))
    rt.close()


def _one(rt: Runtime, query: str) -> Any:
    with rt.engine.connect() as db:
        return db.execute(sa.text(query)).scalar()


def _copy(m: Machine) -> float:
    """Seconds to COPY the message rows that are there into an empty table of them, in as large commits."""
    path = m.folder / "messages.copy"
    with m.rt.engine.connect() as db:
        db.execute(sa.text("SET statement_timeout = 0"))
        cursor = db.connection.cursor()
        everything = "COPY (SELECT * FROM messages ORDER BY id) TO STDOUT"
        with cursor.copy(everything) as rows, path.open("wb") as kept:
            for row in rows:
                kept.write(row)
        db.rollback()
    m.reset()
    m.checkpoint()
    began = time.perf_counter()
    with path.open("rb") as kept:
        while block := [line for _, line in zip(range(expansion.CHUNK), kept, strict=False)]:
            with m.rt.engine.begin() as db:
                cursor = db.connection.cursor()
                with cursor.copy("COPY messages FROM STDIN") as rows:
                    rows.write(b"".join(block))
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def _reset(m: Machine) -> None:
    m.reset()
    _run(m, "TRUNCATE campaigns, campaign_recipients, contacts, contact_addresses")


def _run(m: Machine, statement: str, **values: object) -> None:
    with m.rt.engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))
        db.execute(sa.text(statement), values)


def run(
    recipients: Annotated[int, typer.Option(help="How many people the campaign is to.")] = 100_000,
) -> None:
    """Measure one campaign's expansion."""
    with machine() as m:
        found = expand(m, recipients)
    print(f"recipients            {recipients:>12,}")
    print(f"snapshot rows/s       {found.snapshot_per_s:>12,.0f}")
    print(f"expansion rows/s      {found.expanded_per_s:>12,.0f}")
    print(f"bare COPY rows/s      {found.copy_per_s:>12,.0f}")
    print(f"ratio                 {found.expanded_per_s / found.copy_per_s:>12.3f}   goal >= 0.25")
    print(f"peak RSS, MB          {found.rss_mb:>12,.0f}   goal <= 300")


def _peak_mb() -> float:
    """This process's own peak; `getrusage` also remembers that of whoever forked it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    typer.run(run)
