"""W11: what does choosing a sender cost among five hundred, beside a million conversations?

Half of the recipients are in a conversation with one of the senders, for the others one near them is
looked for. Once beside ten senders and no history, in turns; and once in this process, where the time
spent on choosing can be told from the rest of a batch.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch
from uuid import UUID

import sqlalchemy as sa

from messaging import dispatch, outcomes, routing
from messaging.dispatch import Summary
from messaging.domain import addresses, areas
from messaging.domain.message import Channel, Queue, Sender
from messaging.store import senders
from messaging.window import Window
from tests import registered
from tests.benchmarks.drain import INSTANT, Round, timed, warm
from tests.benchmarks.machine import Machine, recipients
from tests.benchmarks.witness import VoidRunError
from tests.carrier import Carrier

_TALK = sa.text("""
INSERT INTO conversations (id, tenant_id, channel, recipient_key, sender_id)
SELECT gen_random_uuid(), :tenant, 'sms', key, sender
FROM unnest(CAST(:keys AS bytea[]), CAST(:senders AS uuid[])) AS v(key, sender)
""")
# Strangers: their keys begin like nobody's.
_STRANGERS = sa.text("""
INSERT INTO conversations (id, tenant_id, channel, recipient_key, sender_id)
SELECT gen_random_uuid(), :tenant, 'sms', substr(sha256(('talk' || n)::bytea), 1, 16), :sender
FROM generate_series(1, :count) AS v(n)
""")


def bare(m: Machine, count: int) -> Round:
    """Ten senders, and nobody was ever written to."""
    with warm(m) as group:
        return timed(m, group, count, INSTANT)


def among_many(m: Machine, count: int, fleet: int, codes: int, pairs: int) -> Round:
    """`fleet` senders of as many area codes as `codes`, beside `pairs` conversations."""
    with _fleet(m, fleet, codes) as ids, warm(m) as group:
        _talk(m, ids, pairs)
        return timed(m, group, count, INSTANT)


def share(m: Machine, count: int, fleet: int, codes: int, pairs: int) -> float:
    """Of the time that batches take from the claim to the last result, what choosing adds to the rest.

    The carrier answers at once and costs next to nothing, so the rest is what Posthorn itself does.

    Raises:
        VoidRunError: fewer messages went than were handed in.
    """
    m.reset()
    with _fleet(m, fleet, codes) as ids:
        _talk(m, ids, pairs)
        m.submit(m.requests(count))
        m.settle()
        m.rt.forget(m.tenant.id)
        window = Window(Carrier(), m.rt.settings.window, lambda r: outcomes.record(m.rt, r))
        choosing, whole, summary = 0.0, 0.0, Summary()
        choose = routing.choose

        def watched(*arguments: object) -> object:
            nonlocal choosing
            began = time.perf_counter()
            found = choose(*arguments)  # type: ignore[arg-type]
            choosing += time.perf_counter() - began
            return found

        with patch.object(routing, "choose", watched):
            while True:
                began = time.perf_counter()
                limit = m.rt.settings.claim_batch
                if not dispatch.take(m.rt, window, Queue.LOW, limit, summary):
                    break
                window.step(0)
                whole += time.perf_counter() - began
        window.drain(5)
    if summary.sent != count:
        raise VoidRunError(f"{summary.sent} of {count} messages were put on the wire: {summary}")
    return choosing / (whole - choosing)


@contextlib.contextmanager
def _fleet(m: Machine, count: int, codes: int) -> Iterator[list[UUID]]:
    """Senders beside the usual ten for the length of the block; their ids."""
    known = sorted({to[:5] for to in recipients() if areas.area_of(to) is not None})
    step = max(1, len(known) // codes)
    chosen = known[::step][:codes]
    with m.rt.engine.begin() as db:
        usual = senders.read(db, m.tenant.id, m.rt.sealer).senders[0]
        verified = registered.campaign(m.rt, db, m.tenant.id)
        made = [
            replace(
                usual,
                id=m.rt.new_id(),
                address=f"{chosen[n % codes]}5551{n // codes:03}",
                is_default=False,
                campaign=verified,
            )
            for n in range(count)
        ]
        senders.add_senders(db, made)
    m.rt.forget(m.tenant.id)
    try:
        yield [sender.id for sender in made]
    finally:
        _remove(m, made)


def _remove(m: Machine, made: list[Sender]) -> None:
    ids = [sender.id for sender in made]
    with m.rt.engine.begin() as db:
        for statement in (
            "DELETE FROM sender_pool_members WHERE sender_id = ANY(:ids)",
            "DELETE FROM senders WHERE id = ANY(:ids)",
        ):
            db.execute(sa.text(statement), {"ids": ids})
    m.rt.forget(m.tenant.id)


def _talk(m: Machine, ids: list[UUID], pairs: int) -> None:
    """Every other recipient is in a conversation with one of the senders, and many strangers are."""
    pepper = m.rt.settings.pepper
    people = recipients()[::2]
    keys = [addresses.key(pepper, Channel.SMS.value, to) for to in people]
    with m.rt.engine.begin() as db:
        db.execute(sa.text("SET LOCAL statement_timeout = 0"))
        values = {"tenant": m.tenant.id, "keys": keys}
        db.execute(_TALK, values | {"senders": [ids[n % len(ids)] for n in range(len(keys))]})
        strangers = {"tenant": m.tenant.id, "sender": ids[0], "count": pairs - len(keys)}
        db.execute(_STRANGERS, strangers)
        db.execute(sa.text("ANALYZE conversations"))
