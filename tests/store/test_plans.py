"""The hot statements on a large database: which index each uses, and how many pages it reads.

A million messages by default; POSTHORN_TEST_PLAN_ROWS sets another number. No timings: pages do not
depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from messaging import store
from messaging.domain.lifecycle import Event, Status
from messaging.domain.message import Channel, Queue, SelectionReason
from messaging.store import (
    attempts,
    backlog,
    claims,
    conversations,
    facts,
    idempotency,
    messages,
    migrate,
    receipts,
    suppressions,
    views,
)
from messaging.store import suppression_reads as reads
from messaging.store.attempts import SettledBy, Settlement
from messaging.store.messages import Move
from messaging.store.suppressions import NewSuppression
from messaging.store.views import Filters
from tests.conftest import NewDatabase
from tests.store.large_database import ROWS, fill
from tests.store.plans import LARGE, explain

TENANT = UUID(int=1)
BATCH = 250


@pytest.fixture(scope="module")
def large(new_database: NewDatabase) -> Iterator[Engine]:
    engine = store.connect(new_database("plans"), name="plans")
    migrate.upgrade(engine)
    fill(engine)
    yield engine
    engine.dispose()


def some(engine: Engine, status: str, count: int = BATCH) -> list[UUID]:
    query = "SELECT id FROM messages WHERE status = CAST(:status AS message_status) LIMIT :count"
    with engine.connect() as db:
        return list(db.execute(sa.text(query), {"status": status, "count": count}).scalars())


def attempted(ids: list[UUID]) -> list[Move]:
    return [
        Move(
            i,
            0,
            Status.QUEUED,
            Event.ATTEMPTED,
            Status.SENDING,
            account_id=TENANT,
            sender_id=TENANT,
            selection_reason=SelectionReason.HEALTHY_POOL,
        )
        for i in ids
    ]


def accepted(ids: list[UUID]) -> list[Move]:
    return [Move(i, 1, Status.SENDING, Event.ACCEPTED, Status.SENT, counts=True) for i in ids]


def settlements(ids: list[UUID]) -> list[Settlement]:
    return [
        Settlement(i, 1, "accepted", SettledBy.REPLY, provider_message_id=f"SM{n}")
        for n, i in enumerate(ids)
    ]


LEASE = timedelta(seconds=60)
SIDS = [f"SM{md5(str(n).encode()).hexdigest()}" for n in range(3, ROWS, ROWS // BATCH)]
KEYS = [bytes([n]) * 16 for n in range(BATCH)]
STOPS = [NewSuppression(TENANT, Channel.SMS, key, "inbound") for key in KEYS]

# What is done to how many rows; the index it must use; pages it may touch per row.
Case = tuple[str, Callable[[Engine], Callable[[Connection], object]], int, set[str], float]
CASES: list[Case] = [
    (
        "claim",
        lambda _e: lambda db: claims.claim(db, Queue.NORMAL, BATCH, LEASE, UUID(int=7)),
        BATCH,
        {"ready_next", "ready_tenant"},
        14,
    ),
    ("facts", lambda e: partial_(facts.gather, some(e, "queued")), BATCH, {"messages_pkey"}, 20),
    (
        "open",
        lambda e: partial_(messages.move, attempted(some(e, "queued"))),
        BATCH,
        {"messages_pkey"},
        40,
    ),
    (
        "record",
        lambda e: partial_(messages.move, accepted(some(e, "sending"))),
        BATCH,
        {"messages_pkey"},
        30,
    ),
    (
        "settle",
        lambda e: partial_(attempts.settle, settlements(some(e, "sending"))),
        BATCH,
        {"open_attempts_pkey"},
        30,
    ),
    (
        "doubt",
        lambda e: partial_(attempts.doubt, [(i, 1, "x") for i in some(e, "sending")], LEASE),
        BATCH,
        {"open_attempts_pkey"},
        20,
    ),
    ("promote", lambda _e: partial_(backlog.promote_due, BATCH), BATCH, {"scheduled_next"}, 60),
    (
        "expire",
        lambda _e: partial_(attempts.expire_leases, BATCH, LEASE),
        BATCH,
        {"open_attempts_check"},
        40,
    ),
    (
        "doubtful",
        lambda _e: partial_(attempts.take_doubtful, 50, LEASE),
        50,
        {"open_attempts_check"},
        60,
    ),
    (
        "alike",
        lambda e: partial_(attempts.alike, some(e, "sending", 1)[0], LEASE),
        1,
        {"messages_recipient"},
        200,
    ),
    ("owners", lambda _e: partial_(receipts.owners, SIDS), BATCH, {"attempts_provider_message"}, 8),
    ("known", lambda _e: partial_(attempts.known, SIDS), BATCH, {"attempts_provider_message"}, 8),
    (
        "targets",
        lambda e: partial_(receipts.targets, some(e, "sent")),
        BATCH,
        {"messages_pkey"},
        12,
    ),
    ("wake", lambda _e: partial_(receipts.wake, SIDS), BATCH, {"pending_receipts_parked"}, 8),
    (
        "stick",
        lambda e: partial_(facts.stick, [(i, i, TENANT) for i in some(e, "sent")]),
        BATCH,
        {"messages_pkey"},
        40,
    ),
    (
        "suppressed",
        lambda _e: lambda db: suppressions.among(db, TENANT, Channel.SMS, KEYS),
        BATCH,
        {"suppressions_pkey"},
        8,
    ),
    ("hold", lambda e: partial_(suppressions.hold, some(e, "queued")), BATCH, {"messages_pkey"}, 8),
    (
        "told",
        lambda _e: partial_(suppressions.add, STOPS),
        BATCH,
        {"suppression_events_person"},
        40,
    ),
    (
        "in the pipe",
        lambda _e: partial_(suppressions.waiting, STOPS, [Status.SCHEDULED, Status.QUEUED]),
        BATCH,
        {"messages_recipient"},
        40,
    ),
    ("suppressions", lambda _e: partial_(reads.page, TENANT, None, 100), 100, set(), 8),
    (
        "suppressions of somebody",
        lambda _e: partial_(reads.of_person, TENANT, Channel.SMS, KEYS[0]),
        1,
        {"suppressions_pkey"},
        8,
    ),
    (
        "keys",
        lambda _e: lambda db: idempotency.find(db, [(TENANT, f"k{n}") for n in range(BATCH)]),
        BATCH,
        {"idempotency_keys_pkey"},
        8,
    ),
    (
        "message",
        lambda e: partial_(views.message, TENANT, some(e, "sent", 1)[0]),
        1,
        set(),
        12,
    ),
    (
        "events",
        lambda e: partial_(views.events, some(e, "sent", 1)[0]),
        1,
        {"message_events_message"},
        12,
    ),
    (
        "attempts",
        lambda e: partial_(views.attempts, some(e, "sent", 1)[0]),
        1,
        {"attempts_message", "open_attempts_pkey"},
        20,
    ),
    (
        "page",
        lambda _e: partial_(views.page, TENANT, Filters(), None, 50),
        50,
        {"messages_tenant"},
        8,
    ),
    (
        "page by recipient",
        lambda _e: partial_(views.page, TENANT, Filters(recipient_key=KEYS[0]), None, 50),
        1,
        {"messages_recipient"},
        100,
    ),
    (
        "conversation",
        lambda _e: partial_(conversations.page, TENANT, KEYS[:2], None, 50),
        1,
        {"messages_recipient"},
        100,
    ),
    ("queues due", lambda _e: backlog.queues_due, 4, {"ready_next"}, 10),
    ("lanes", lambda _e: views.lanes, 30_000, {"ready_next"}, 2),
]


def partial_(function: Callable[..., object], *arguments: Any) -> Callable[[Connection], object]:
    return lambda db: function(db, *arguments)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("make", "rows", "indexes", "pages"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_hot_statement_uses_its_index_and_reads_few_pages(
    large: Engine,
    make: Callable[[Engine], Callable[[Connection], object]],
    rows: int,
    indexes: set[str],
    pages: float,
) -> None:
    plans = explain(large, make(large))
    assert plans
    used = set().union(*(plan.indexes for plan in plans))
    scanned = set().union(*(plan.scanned for plan in plans))
    touched = sum(plan.pages for plan in plans)
    print(f"{touched} pages for {rows} rows, by {sorted(used)}")
    assert scanned & LARGE == set()
    assert indexes <= used
    assert touched <= rows * pages


def test_what_a_claim_takes_it_finds_again_by_its_place(large: Engine) -> None:
    plans = explain(large, lambda db: claims.claim(db, Queue.NORMAL, BATCH, LEASE, UUID(int=7)))
    alone, _look, _depths, shared = plans
    assert ("Tid Scan", "ready") in alone.kinds & shared.kinds
    assert alone.pages <= 40  # nothing is taken while others wait
    promoted, _locked, _moved = explain(large, lambda db: backlog.promote_due(db, BATCH))
    assert ("Tid Scan", "scheduled") in promoted.kinds
