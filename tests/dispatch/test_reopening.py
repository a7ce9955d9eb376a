"""Two thousand messages come in at night: when do they go out in the morning, and how fast?

The world's clock is put forward and the database's is not, so what falls due by the one is made due
by the other.
"""

from __future__ import annotations

import itertools
import time as clock
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from messaging import maintenance
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category
from messaging.domain.new_message import NewMessage
from messaging.store import messages
from messaging.store.messages import NewRow
from tests.carrier import Reply, accepted
from tests.daylight import NIGHT, agreed, next_time, zone_in
from tests.world import World

COUNT = 2_000
OPENS, CLOSES = time(8), time(21)
"""Of 47 CFR 64.1200(c)(1), which is all that holds in California."""
MARGIN = timedelta(minutes=10)
SPREAD = timedelta(minutes=30)
SENDERS, MPS = 4, 75.0
_CALIFORNIA = (209, 213, 310, 323, 408, 415, 424, 442, 510, 530, 559, 562, 619, 626, 628, 650, 657,
               661, 707, 714)  # fmt: skip
PEOPLE = [f"+1{area}5550{n}" for area in _CALIFORNIA for n in range(100, 200)]


@dataclass(frozen=True)
class Handed:
    """A message as the carrier got it."""

    at: datetime
    """By the world's clock."""
    moment: float
    """By a clock that nobody moves."""
    sender: str
    validity: timedelta


@dataclass
class Night:
    """A place where it is night, and the morning after."""

    world: World
    zone: str
    opens: datetime
    handed: list[Handed] = field(default_factory=list)

    @property
    def closes(self) -> datetime:
        return next_time(CLOSES, self.zone, self.opens)

    def ask(self, request: httpx.Request) -> Reply:
        form = dict(httpx.QueryParams(request.read().decode()))
        validity = timedelta(seconds=int(form["ValidityPeriod"]))
        now = self.world.rt.now()
        self.handed.append(Handed(now, clock.monotonic(), form["From"], validity))
        return accepted()

    def put(self, people: Sequence[str]) -> list[UUID]:
        """A marketing message for each."""
        rt = self.world.rt
        now = rt.now()
        rows = []
        for person in people:
            new = NewMessage(person, "Hello", 1, category=Category.MARKETING, time_zone=self.zone)
            key = self.world.key(person)
            rows.append(NewRow(rt.new_id(), self.world.tenant.id, key, Status.QUEUED, new, now))
        with rt.engine.begin() as db:
            messages.insert(db, rows)
        return [row.id for row in rows]

    def move_to(self, at: datetime) -> None:
        """Put the world's clock forward, and let the clock-driven work be done."""
        self.world.rt.ahead += at - self.world.rt.now()
        for table in ("scheduled", "ready"):
            fall_due = f"UPDATE {table} SET due_at = now() WHERE due_at <= :now"
            self.world.run(fall_due, now=self.world.rt.now())
        maintenance.promote_due(self.world.rt)

    def dispatch(self) -> None:
        """Take whatever is due as long as anything is."""
        while self.world.ready():
            self.move_to(self.world.rt.now())
            self.world.send()

    def waiting(self) -> list[datetime]:
        """When each deferred message is due, in order."""
        return [row["due_at"] for row in self.world.rows("SELECT due_at FROM scheduled ORDER BY 1")]


@pytest.fixture
def night(world: World) -> Night:
    now = world.rt.now()
    zone = zone_in(NIGHT, now)
    made = Night(world, zone, next_time(OPENS, zone, now))
    assert timedelta(hours=1) < made.opens - now < timedelta(hours=12)
    world.carrier.answer = made.ask
    world.change("senders", world.sender.id, mps=MPS)
    for n in range(1, SENDERS):
        world.add_sender(f"+120255502{n:02}", mps=MPS)
    agreed(world, *PEOPLE)
    return made


def statuses(world: World) -> Counter[str]:
    rows = world.rows("SELECT status, count(*) AS n FROM messages GROUP BY 1")
    return Counter({row["status"]: row["n"] for row in rows})


def too_fast(moments: Sequence[float], mps: float) -> list[tuple[int, float]]:
    """(messages, seconds) of every stretch in which a sender sent more than its rate and one burst.

    What was granted is on its way to the carrier for a moment: half a second is its allowance.
    """
    found = []
    for i, j in itertools.combinations(range(0, len(moments), 5), 2):
        seconds = moments[j] - moments[i]
        if j - i + 1 > mps * (seconds + 1.5):
            found.append((j - i + 1, seconds))
    return found


def test_a_night_of_messages_goes_out_over_half_an_hour_at_the_senders_rate(night: Night) -> None:
    world = night.world
    ids = night.put(PEOPLE)
    night.dispatch()
    assert night.handed == []
    assert statuses(world) == {"scheduled": COUNT}
    reasons = {world.row(i)["scheduled_reason"].partition(":")[0] for i in ids[::100]}
    assert reasons == {"quiet_hours"}

    dues = night.waiting()
    assert night.opens <= dues[0]
    assert dues[-1] < night.opens + SPREAD
    minutes = Counter((due - night.opens) // timedelta(minutes=1) for due in dues)
    assert set(minutes) == set(range(30))
    assert max(minutes.values()) < 2 * COUNT / 30
    assert min(minutes.values()) > COUNT / 30 / 2

    # Ten minutes in, a third has gone and nobody else; after half an hour of sleep, all the rest.
    early = bisect_right(dues, night.opens + timedelta(minutes=10))
    night.move_to(night.opens + timedelta(minutes=10))
    night.dispatch()
    assert 0 <= len(night.handed) - early <= COUNT / 30
    night.move_to(night.opens + SPREAD)
    night.dispatch()
    assert statuses(world) == {"sent": COUNT}
    assert len(night.handed) == COUNT

    by_sender = defaultdict(list)
    for one in night.handed:
        by_sender[one.sender].append(one.moment)
    assert len(by_sender) == SENDERS
    assert not [rush for moments in by_sender.values() for rush in too_fast(moments, MPS)]
    assert min(one.at for one in night.handed) >= night.opens
    assert max(one.at + one.validity for one in night.handed) <= night.closes


def test_each_goes_out_no_earlier_than_its_own_place_in_the_spread(night: Night) -> None:
    night.put(PEOPLE[:200])
    night.dispatch()
    dues = night.waiting()
    for minute in range(-1, 32):
        at = night.opens + timedelta(minutes=minute)
        night.move_to(at)
        night.dispatch()
        assert (
            bisect_left(dues, at) <= len(night.handed) <= bisect_right(dues, night.world.rt.now())
        )
    assert len(night.handed) == 200


@pytest.mark.parametrize(
    ("before_close", "goes"),
    [
        (timedelta(hours=12), True),
        (timedelta(hours=2), True),
        (MARGIN + timedelta(minutes=1), True),
        (MARGIN - timedelta(seconds=1), False),
        (timedelta(minutes=1), False),
        (timedelta(seconds=-1), False),
    ],
)
def test_nothing_goes_out_that_could_arrive_after_the_close(
    night: Night, before_close: timedelta, goes: bool
) -> None:
    world = night.world
    night.put(PEOPLE[:50])
    night.dispatch()
    night.move_to(night.closes - before_close)
    night.dispatch()
    if goes:
        assert len(night.handed) == 50
        for one in night.handed:
            assert timedelta(0) < one.validity <= timedelta(hours=10)
            assert one.at + one.validity <= night.closes
        return
    assert night.handed == []
    assert statuses(world) == {"scheduled": 50}
    tomorrow = next_time(OPENS, night.zone, night.closes)
    dues = night.waiting()
    assert tomorrow <= dues[0]
    assert dues[-1] < tomorrow + SPREAD


def test_a_tenant_decides_how_long_it_takes(night: Night) -> None:
    wishes = {"opens": "09:30", "spread_minutes": 5, "closing_margin_minutes": 60}
    night.world.change("tenants", night.world.tenant.id, policy={"quiet_hours": wishes})
    night.put(PEOPLE[:300])
    night.dispatch()
    opens = next_time(time(9, 30), night.zone, night.world.rt.now())
    dues = night.waiting()
    assert opens <= dues[0]
    assert dues[-1] < opens + timedelta(minutes=5)
    assert dues[-1] - dues[0] > timedelta(minutes=4)
    night.move_to(night.closes - timedelta(minutes=59))
    night.dispatch()
    assert night.handed == []


def test_what_its_sender_cannot_carry_in_time_waits_for_the_next_day(night: Night) -> None:
    """Held up by the rate until the close, it is judged again and not sent by inertia."""
    world = night.world
    for row in world.rows("SELECT id FROM senders"):
        world.change("senders", row["id"], mps=1.0)
    night.put(PEOPLE[:100])
    night.dispatch()
    night.move_to(night.closes - MARGIN - timedelta(seconds=20))
    world.send()
    gone = len(night.handed)
    assert SENDERS <= gone < 20
    night.move_to(night.closes - MARGIN + timedelta(seconds=1))
    night.dispatch()
    assert len(night.handed) == gone
    assert statuses(world) == {"sent": gone, "scheduled": 100 - gone}
    local = {due.astimezone(ZoneInfo(night.zone)).date() for due in night.waiting()}
    assert local == {next_time(OPENS, night.zone, night.closes).date()}
