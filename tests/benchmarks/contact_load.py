"""How fast does a file of contacts come in, in how much memory, and how long does a search take?

Against a bare COPY of the very rows it became. The import runs in a process of its own, as that of a
terminal does. The searches are those of a keyword that few, many or none have, over everybody:
`python -m tests.benchmarks.contact_load --search-among 1000000`.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from messaging import contact_files, contacts
from messaging.contacts import Listing
from messaging.domain.contact_csv import MAX_ROWS
from messaging.domain.message import Channel
from messaging.runtime import Runtime
from messaging.settings import Settings
from messaging.store.tenants import Tenant
from tests.benchmarks.machine import Machine, machine, recipients
from tests.benchmarks.witness import VoidRunError

_SPAWN = multiprocessing.get_context("spawn")
_TABLES = ("contacts", "contact_addresses")
_HEAD = (
    "ref,first_name,last_name,phones,emails,tags,company,assignee,attributes.plan,attributes.seats"
)
_LOT = 100_000
_MORE = """
WITH one AS (
  SELECT n, uuidv7() AS id FROM generate_series(CAST(:first AS int), :last) AS n
), people AS (
  INSERT INTO contacts (id, tenant_id, ref, first_name, company, search)
  SELECT id, :tenant, 'more-' || n, 'Person' || n % 5000, 'Company ' || n % 997,
         concat_ws(E'\\n', 'person' || n % 5000, 'company ' || n % 997,
                   '+99900' || lpad(n::text, 8, '0'), 'person' || n || '@example.com')
  FROM one
)
INSERT INTO contact_addresses (contact_id, channel, address, recipient_key, tenant_id)
SELECT id, 'sms', '+99900' || lpad(n::text, 8, '0'), decode(md5(n::text), 'hex'), :tenant FROM one
"""
_TIMES = 5
SEARCHES = {"one": "person77@example", "many": "company 1", "none": "nobody at all"}
"""A keyword by how many have it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Contacts a second, imported and copied, and the most memory the process took."""

    imported_per_s: float
    copied_per_s: float
    rss_mb: float


def load(m: Machine, rows: int) -> Loaded:
    """Import a file of `rows` new contacts, then COPY what became of them into the emptied tables.

    Raises:
        VoidRunError: not every row is a contact with its addresses.
    """
    _empty(m)
    file = m.folder / "contacts.csv"
    file.write_text(_file(rows))
    m.checkpoint()
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_importing, args=(m.rt.settings, m.tenant, file, theirs))
    process.start()
    theirs.close()
    seconds, rss_mb = ours.recv()
    process.join(60)
    kept = (
        m.scalar("SELECT count(*) FROM contacts"),
        m.scalar("SELECT count(*) FROM contact_addresses"),
    )
    if kept != (rows, 3 * rows):
        raise VoidRunError(f"{kept[0]} contacts with {kept[1]} addresses of {rows} rows")
    copied = _copy(m)
    _empty(m)
    return Loaded(rows / seconds, rows / copied, rss_mb)


def searches(m: Machine, count: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of the first page, and of counting everybody, by keyword, among `count` contacts."""
    _empty(m)
    for first in range(1, count + 1, _LOT):
        last = min(first + _LOT - 1, count)
        _run(m, _MORE, tenant=m.tenant.id, first=first, last=last)
    m.settle()
    m.checkpoint()
    found = {name: (_page(m, keyword), _count(m, keyword)) for name, keyword in SEARCHES.items()}
    _empty(m)
    return found


def _file(rows: int) -> str:
    people = recipients()
    lines = (
        f"lead-{n:07d},Person{n % 5000},Family{n % 7919},{people[n % len(people)]},"
        f"person{n}@example.com,vip;spring,Company {n % 997},agent-{n % 20},pro,{n % 50}"
        for n in range(rows)
    )
    return "\n".join((_HEAD, *lines))


def _importing(settings: Settings, tenant: Tenant, file: Path, told: Connection) -> None:
    rt = Runtime.start(settings, name="import")
    with rt.engine.connect() as db:
        db.execute(sa.text("SELECT 1"))
    began = time.perf_counter()
    contact_files.import_file(rt, tenant, file.read_bytes())
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text()
    told.send((seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1024))
    rt.close()


def _copy(m: Machine) -> float:
    """Seconds to COPY the rows that are there into their tables once more, one commit for all."""
    files = [m.folder / f"{table}.copy" for table in _TABLES]
    with m.rt.engine.connect() as db:
        db.execute(sa.text("SET statement_timeout = 0"))
        for table, path in zip(_TABLES, files, strict=True):
            out = f"COPY (SELECT * FROM {table}) TO STDOUT"
            with db.connection.cursor().copy(out) as rows, path.open("wb") as kept:
                for row in rows:
                    kept.write(row)
        db.rollback()
    _empty(m)
    m.checkpoint()
    began = time.perf_counter()
    with m.rt.engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))
        for table, path in zip(_TABLES, files, strict=True):
            with (
                db.connection.cursor().copy(f"COPY {table} FROM STDIN") as rows,
                path.open("rb") as kept,
            ):
                while block := kept.read(1 << 20):
                    rows.write(block)
    return time.perf_counter() - began


def _page(m: Machine, keyword: str) -> float:
    listing = Listing(keyword)
    return _typical(lambda: contacts.page(m.rt, m.tenant, listing, None, 50))


def _count(m: Machine, keyword: str) -> float:
    asked = contacts.audience_of({"search_keyword": keyword})
    return _typical(lambda: contacts.search(m.rt, m.tenant, asked, Channel.SMS, None, 1))


def _typical(ask: Callable[[], object]) -> float:
    spent = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        ask()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def _empty(m: Machine) -> None:
    _run(m, f"TRUNCATE {', '.join(_TABLES)}")


def _run(m: Machine, statement: str, **values: object) -> None:
    with m.rt.engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))
        db.execute(sa.text(statement), values)


def run(
    rows: Annotated[int, typer.Option(help="Of the file.", max=MAX_ROWS)] = 100_000,
    search_among: Annotated[int, typer.Option(help="Contacts; 0 leaves searching out.")] = 0,
) -> None:
    """Measure an import of contacts and, if asked to, searches among many."""
    with machine() as m:
        found = load(m, rows)
        print(f"import rows/s         {found.imported_per_s:>12,.0f}")
        print(f"bare COPY rows/s      {found.copied_per_s:>12,.0f}")
        print(f"ratio                 {found.imported_per_s / found.copied_per_s:>12.3f}")
        print(f"peak RSS, MB          {found.rss_mb:>12,.0f}", flush=True)
        if search_among:
            for name, (page, count) in searches(m, search_among).items():
                print(f"keyword that {name} has: page {page:,.0f} ms, with count {count:,.0f} ms")


if __name__ == "__main__":
    typer.run(run)
