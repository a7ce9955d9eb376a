"""A seeded random walk over real servers: crashes, receipts and clocks in any order, invariants after."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from messaging import intake, maintenance, reconcile, telemetry
from messaging.domain.errors import ConflictError
from messaging.domain.failures import Failure, Kind
from messaging.domain.lifecycle import CORRECTIONS, FINAL, TRANSITIONS, Event, Status
from messaging.domain.message import Priority, Queue
from messaging.store import claims
from messaging.window import Result
from tests.carrier import Carrier, Reply, accepted, listing, refused
from tests.world import World

STEPS = 120

# Answers that come without the message being taken, each up to its share of the throws.
REFUSALS: list[tuple[float, Callable[[], Reply]]] = [
    (0.12, lambda: refused(429, 20429, Retry_After="1")),
    (0.20, lambda: refused(503, 20503)),
    (
        0.25,
        lambda: Failure(Kind.NOT_SENT, "connect", "The provider did not accept the connection."),
    ),
    (0.30, lambda: refused(400, 21211)),
    (0.36, lambda: refused(500, 20500)),
]


class Telephony:
    """The carrier's side of the story: what it really took, whatever it answered."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.took: dict[str, tuple[UUID, str]] = {}
        self.bodies: dict[str, dict[str, str]] = {}

    def __call__(self, request: httpx.Request) -> Reply:
        form = {k: v[0] for k, v in parse_qs(request.read().decode()).items()}
        url = form["StatusCallback"].split("#")[0]
        message_id = UUID(parse_qs(urlsplit(url).query)["m"][0])
        roll = self.rng.random()
        for below, refusal in REFUSALS:
            if roll < below:
                return refusal()
        sid = f"SM{secrets.token_hex(16)}"
        self.took[sid] = (message_id, url)
        self.bodies[sid] = form
        if roll < 0.5:
            return Failure(Kind.AMBIGUOUS, "timeout", "The provider did not answer in time.")
        return accepted(sid)


class Walk:
    """The steps, each of which leaves the system as some crash or course of events would."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.carrier = Telephony(rng)
        world.carrier.answer = self.carrier
        self.ids: list[UUID] = []
        self.canceled: set[UUID] = set()
        self.steps: Sequence[Callable[[], object]] = (
            [self.put] * 3
            + [self.send] * 5
            + [self.receipt] * 6
            + [self.hours_pass] * 2
            + [self.die_before_open, self.die_after_open, self.die_after_reply, self.look_up]
            + [self.sweep, self.sweep, self.cancel, self.scheduled, self.draft]
        )

    def put(self) -> None:
        for _ in range(self.rng.randint(1, 4)):
            self.ids += self.world.put(
                body=f"Message {len(self.ids)}", priority=self.rng.choice(list(Priority))
            )

    def scheduled(self) -> None:
        at = self.world.rt.now() + timedelta(seconds=self.rng.uniform(-60, 60))
        body = f"Message {len(self.ids)}"
        self.ids += self.world.put(1, Status.SCHEDULED, body=body, scheduled_for=at)

    def draft(self) -> None:
        draft = self.world.put_one(Status.DRAFT, body=f"Message {len(self.ids)}")
        self.ids.append(draft)
        if self.rng.random() < 0.8:
            intake.submit_draft(self.world.rt, self.world.tenant, draft)

    def send(self) -> None:
        for queue in Queue:
            limit = 1 if queue is Queue.SUSPECT else 20
            self.world.take(queue, limit)
        self.world.settle()

    def die_before_open(self) -> None:
        queue = self.rng.choice(list(Queue))
        with self.world.rt.engine.begin() as db:
            limit = 1 if queue is Queue.SUSPECT else 3
            claims.claim(db, queue, limit, timedelta(seconds=60), self.world.rt.new_id())

    def die_after_open(self) -> None:
        """The worker dies after its commit: before, or after, the request went out."""
        self.world.take(limit=2)
        went_out = self.rng.random() < 0.5
        for ticket in self.world.window._incoming:
            if went_out and isinstance(ticket.request, httpx.Request):
                self.carrier(ticket.request)
        self._forget()

    def die_after_reply(self) -> None:
        """A worker answers for calls that another part of the system has given up on."""
        self.world.take(limit=3)
        tickets = list(self.world.window._incoming)
        self._forget()
        replies = [
            Result(t, self.carrier(t.request), 0.1)
            for t in tickets
            if isinstance(t.request, httpx.Request)
        ]
        self.hours_pass()
        self.sweep()
        self.receipt()
        self.world.window._record(replies)

    def _forget(self) -> None:
        self.world.window = self.world.a_window()

    def receipt(self) -> None:
        """Receipts come early, late, twice and out of order, by address or by id."""
        for _ in range(self.rng.randint(0, 4)):
            if not self.carrier.took:
                return
            sid = self.rng.choice(list(self.carrier.took))
            word = self.rng.choice(["queued", "sent", "delivered", "delivered", "undelivered"])
            url = self.carrier.took[sid][1] if self.rng.random() < 0.8 else None
            for _ in range(self.rng.choice([1, 1, 2])):
                self.world.report(sid, word, url)
        if self.rng.random() < 0.7:
            self.world.applied()

    def hours_pass(self) -> None:
        seconds = self.rng.choice([5, 70, 700])
        for table, columns in {
            "ready": ["due_at"],
            "scheduled": ["due_at"],
            "claims": ["lease_until"],
            "open_attempts": ["check_at", "started_at", "doubt_since", "absent_since"],
        }.items():
            aged = ", ".join(f"{c} = {c} - make_interval(secs => :s)" for c in columns)
            self.world.run(f"UPDATE {table} SET {aged}", s=seconds)
        if seconds >= 70:  # no circuit stays open for longer
            self.world.rt.redis.delete("posthorn:circuits")
            self.world.rt.breakers._read_at = 0.0

    def sweep(self) -> None:
        maintenance.sweep(self.world.rt)

    def cancel(self) -> None:
        if not self.ids:
            return
        message_id = self.rng.choice(self.ids)
        try:
            intake.cancel(self.world.rt, self.world.tenant, message_id)
        except ConflictError:
            return
        self.canceled.add(message_id)

    def look_up(self) -> None:
        reconcile.settle_in_doubt(self.world.rt, Carrier(self._list))

    def _list(self, _request: httpx.Request) -> Reply:
        """The provider's own list; sometimes it fails."""
        if self.rng.random() < 0.2:
            return refused(500, 20500)
        return listing(*map(self._entry, self.carrier.took))

    def _entry(self, sid: str) -> dict[str, object]:
        message_id, _ = self.carrier.took[sid]
        started = self.world.rows(
            "SELECT started_at FROM open_attempts WHERE message_id = :id", id=message_id
        )
        at = started[0]["started_at"] if started else self.world.rt.now()
        form = self.carrier.bodies[sid]
        return {
            "sid": sid,
            "status": "sent",
            "to": form["To"],
            "from": form["From"],
            "body": form["Body"],
            "direction": "outbound-api",
            "date_created": at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        }

    def check(self) -> None:
        """What must hold after every step."""
        world = self.world
        stuck = world.rows("""
        SELECT m.id, m.status FROM messages m WHERE
          (m.status = 'queued' AND NOT EXISTS (SELECT 1 FROM ready r
             WHERE r.message_id = m.id AND r.epoch = m.epoch)
           AND NOT EXISTS (SELECT 1 FROM claims c WHERE m.id = ANY (c.message_ids)))
          OR (m.status = 'scheduled' AND NOT EXISTS
             (SELECT 1 FROM scheduled s WHERE s.message_id = m.id))
          OR ((m.status = 'sending') <> EXISTS (SELECT 1 FROM open_attempts o
             WHERE o.message_id = m.id AND o.epoch = m.epoch))""")
        assert stuck == []
        twice = world.rows("""
        SELECT message_id FROM attempts WHERE outcome = 'accepted'
        GROUP BY 1 HAVING count(*) > 1""")
        assert twice == []

    def check_carrier(self) -> None:
        """No message was taken twice, none after it was called off."""
        taken = [message_id for message_id, _ in self.carrier.took.values()]
        assert len(taken) == len(set(taken))
        assert not self.canceled & set(taken)

    def check_paths(self) -> None:
        """Each message's events are a path through the lifecycle's table, ending where it is."""
        found = self.world.rows("SELECT message_id, event, status FROM message_events ORDER BY id")
        at: dict[UUID, Status] = {}
        for row in found:
            after = Status(row["status"])
            if row["message_id"] in at:
                before, event = at[row["message_id"]], Event(row["event"])
                known = TRANSITIONS.get(before, {}) | CORRECTIONS.get(before, {})
                assert known[event] is after
            at[row["message_id"]] = after
        stored = {r["id"]: r["status"] for r in self.world.rows("SELECT id, status FROM messages")}
        assert stored == {message_id: status.value for message_id, status in at.items()}
        assert set(stored) == set(self.ids)

    def finish(self) -> None:
        """Let the world calm down: everything must come to an end."""
        for _ in range(60):
            self.hours_pass()
            self.sweep()
            self.send()
            self.world.applied()
            self.look_up()
            open_ends = self.world.rows(
                "SELECT 1 FROM messages WHERE status IN ('queued', 'scheduled', 'sending')"
            )
            if not open_ends:
                return
        raise AssertionError(self.world.rows("SELECT status, count(*) FROM messages GROUP BY 1"))


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_no_message_is_lost_and_none_is_sent_twice(
    world: World, seed: int
) -> None:
    telemetry.configure("error", json=True)
    rng = random.Random(seed)
    walk = Walk(world, rng)
    for _ in range(STEPS):
        rng.choice(walk.steps)()
        walk.check()
    walk.check_carrier()
    walk.finish()
    walk.check()
    walk.check_carrier()
    walk.check_paths()
    ends = {Status(world.status(i)) for i in walk.ids}
    assert ends <= FINAL | {Status.SENT, Status.DRAFT}
    accepted_ids = {message_id for message_id, _ in walk.carrier.took.values()}
    settled = {Status.SENT, Status.DELIVERED, Status.UNDELIVERABLE}
    assert {Status(world.status(i)) for i in accepted_ids} <= settled
