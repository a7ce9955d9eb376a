"""When evidence is scarce: whose patience decides, what a receipt puts right, and what counts as ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from messaging import callbacks, providers, reconcile, telemetry
from messaging.providers import twilio
from messaging.providers.base import DeliveryReport, Doubt, Sighting
from messaging.store import views
from messaging.store.views import Filters
from tests.carrier import Reply, listing, refused
from tests.dispatch.doubting import Desk, age, in_doubt, look
from tests.world import World


@pytest.fixture(autouse=True)
def _quiet() -> None:
    telemetry.configure("error", json=True)


@pytest.mark.parametrize(
    ("category", "hours"), [("TRANSACTIONAL", 1), ("NOTIFICATION", 2), ("MARKETING", 3)]
)
def test_how_long_is_waited_is_the_tenants_choice_by_category(
    world: World, category: str, hours: int
) -> None:
    (message_id,) = in_doubt(world)
    world.run("UPDATE messages SET category = CAST(:c AS category)", c=category)
    policy = (
        '{"in_doubt": {"transactional_hours": 1, "notification_hours": 2, "marketing_hours": 3}}'
    )
    world.run("UPDATE tenants SET policy = CAST(:p AS jsonb)", p=policy)
    world.forget_senders()
    age(world, 60 * hours - 1)
    assert look(world, listing()) == "1 absent so far"
    (opened,) = world.rows("SELECT check_at - now() AS wait FROM open_attempts")
    assert opened["wait"] <= timedelta(minutes=1)
    age(world, 2)
    assert look(world, refused(500, 20500)) == "1 unknown for good"
    assert world.row(message_id)["status_reason"] == "unknown_outcome"


@pytest.mark.parametrize(
    ("word", "status", "events"),
    [
        ("sent", "sent", ["accepted"]),
        ("delivered", "delivered", ["delivered"]),
        ("undelivered", "undeliverable", ["undelivered"]),
        ("failed", "failed", ["failed"]),
    ],
)
def test_any_receipt_puts_an_unknown_outcome_right(
    world: World, word: str, status: str, events: list[str]
) -> None:
    (message_id,) = in_doubt(world)
    age(world, 24 * 60 + 1)
    look(world, refused(500, 20500))
    failed_at = world.row(message_id)["failed_at"]
    assert failed_at is not None
    world.report("SM7", word, world.callback(message_id, 1))
    world.report("SM7", word)
    assert world.applied() == "1 applied, 1 parked"
    row = world.row(message_id)
    assert (row["status"], row["status_reason"]) == (status, None)
    assert (row["provider_message_id"], row["attempts"]) == ("SM7", 1)
    assert row["sent_at"] is not None
    assert world.events(message_id)[3:] == events
    (attempt,) = world.attempts(message_id)
    assert (attempt["outcome"], attempt["settled_by"]) == ("accepted", "receipt")
    assert attempt["provider_message_id"] == "SM7"
    assert world.applied() == "1 duplicate"  # known by the provider's id, too


class Listing:
    """A provider whose listing shows too little, and a desk that answers for it."""

    def __init__(
        self, world: World, monkeypatch: pytest.MonkeyPatch, *, named: bool = False
    ) -> None:
        self.world, self.sids = world, ["SM1"]
        self.reports: dict[str, DeliveryReport | None] = {}
        self.asked: list[str] = []
        self.named = named
        fake = replace(twilio.PROVIDER, sightings=self._sightings, fetched=self._fetched)
        monkeypatch.setitem(providers.PROVIDERS, "twilio", fake)

    def _sightings(self, _reply: httpx.Response, _doubt: Doubt) -> list[Sighting]:
        return [Sighting(s, "sent", None, certain=self.named, named=self.named) for s in self.sids]

    def _fetched(self, reply: httpx.Response) -> DeliveryReport | None:
        return self.reports.get(reply.json()["sid"])

    def look(self) -> str:
        def answer(request: httpx.Request) -> Reply:
            sid = request.url.path.rsplit("/", 1)[1].removesuffix(".json")
            if sid.startswith("SM"):
                self.asked.append(sid)
            return httpx.Response(200, json={"sid": sid})

        return reconcile.settle_in_doubt(self.world.rt, Desk(answer))


def told(reference: str | None = None, callback_url: str | None = None) -> DeliveryReport:
    return DeliveryReport("SM1", None, "sent", reference=reference, callback_url=callback_url)


def test_what_a_listing_cannot_tell_apart_counts_only_if_it_carries_our_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = in_doubt(world, 2)
    desk = Listing(world, monkeypatch)
    desk.sids = ["SM1", "SM2", "SM3"]
    desk.reports = {
        "SM1": told(reference="somebody-else"),
        "SM2": told(callback_url=world.callback(first, 1)),
        "SM3": told(reference=callbacks.reference(second, 1)),
    }
    age(world, 2)
    assert desk.look() == "2 accepted"
    assert sorted(desk.asked) == sorted(["SM1", "SM2", "SM3"] * 2)
    ids = [world.row(i)["provider_message_id"] for i in (first, second)]
    assert ids == ["SM2", "SM3"]


def test_what_turns_out_to_be_somebody_elses_is_an_absence(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message_id,) = in_doubt(world)
    desk = Listing(world, monkeypatch)
    earlier = world.callback(message_id, 7)
    desk.reports = {"SM1": told(callback_url=earlier)}
    age(world, 2)
    assert desk.look() == "1 absent so far"
    desk.reports = {"SM1": told(callback_url="https://other.example/hook")}
    age(world, 11)
    assert desk.look() == "1 unsent"


@pytest.mark.parametrize("report", [None, DeliveryReport("SM1", None, "sent")])
def test_what_carries_no_name_at_all_decides_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, report: DeliveryReport | None
) -> None:
    in_doubt(world)
    desk = Listing(world, monkeypatch)
    desk.reports = {"SM1": report}
    age(world, 2)
    assert desk.look() == "1 no answer"
    assert world.open_attempts()[0]["absences"] == 0


def test_more_than_can_be_asked_about_decides_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_doubt(world)
    desk = Listing(world, monkeypatch)
    desk.sids = [f"SM{n}" for n in range(11)]
    desk.reports = {sid: told(reference="somebody-else") for sid in desk.sids}
    age(world, 2)
    assert desk.look() == "1 no answer"
    assert len(desk.asked) == 10


def test_a_sighting_that_gives_our_reference_is_proof_beside_twins(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_doubt(world, 2)
    desk = Listing(world, monkeypatch, named=True)
    age(world, 2)
    assert desk.look() == "1 absent so far, 1 accepted"  # the second knows whose it is
    assert desk.asked == []


def test_a_provider_that_cannot_be_asked_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message_id,) = in_doubt(world)
    fake = replace(twilio.PROVIDER, lookup=None, sightings=None)
    monkeypatch.setitem(providers.PROVIDERS, "twilio", fake)
    age(world, 2)
    assert look(world) == "1 waiting for a receipt"
    (opened,) = world.rows("SELECT check_at - now() AS wait, absences FROM open_attempts")
    assert timedelta(minutes=59) < opened["wait"] <= timedelta(hours=1)
    age(world, 24 * 60)
    assert look(world) == "1 unknown for good"
    assert world.row(message_id)["status_reason"] == "unknown_outcome"


def test_a_message_in_doubt_says_so_and_since_when(world: World) -> None:
    (message_id,) = in_doubt(world)

    def since() -> datetime | None:
        with world.rt.engine.connect() as db:
            found = views.message(db, world.tenant.id, message_id)
            (listed,) = views.page(db, world.tenant.id, Filters(), None, 10)
        assert found is not None
        assert found.in_doubt_since == listed.in_doubt_since
        return found.in_doubt_since

    assert since() == world.open_attempts()[0]["doubt_since"] is not None
    assert world.status(message_id) == "sending"
    world.report("SM1", "sent", world.callback(message_id, 1))
    world.applied()
    assert since() is None
