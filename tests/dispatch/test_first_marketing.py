"""Who gets told, with a first marketing message, who writes and how to stop it?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from messaging import intake
from messaging.domain import request
from messaging.domain.compliance import Reason
from messaging.domain.compliance.facts import Basis, ConsentAction
from messaging.domain.message import Category, Channel
from messaging.domain.request import SendRequest
from messaging.store import consents, dnc
from messaging.store.consents import NewConsent
from messaging.submission import Entry, Refused, Submission, Taken
from tests.daylight import agreed
from tests.world import RECIPIENT, World

OTHER = "+12025550124"
SHORT = {"body": "Sale at bit.ly/x"}
"""Refused as marketing, for a link that does not say where it leads."""


@pytest.fixture(autouse=True)
def brand(world: World) -> None:
    world.change("tenants", world.tenant.id, policy={"brand": "Acme"})
    agreed(world, RECIPIENT, OTHER)


def submit(world: World, *asked: dict[str, Any], key: str | None = None) -> list[Entry]:
    defaults = {"to": RECIPIENT, "body": "Sale", "category": "MARKETING"}
    requests = [SendRequest.model_validate(defaults | changes) for changes in asked or ({},)]
    fingerprint = request.fingerprint(requests)
    handed_in = Submission(world.tenant, [*requests], key, fingerprint, "test", bulk=True)
    return intake.submit(world.rt, handed_in).entries


def told(world: World, entries: list[Entry]) -> list[bool]:
    """Of each, whether it says who writes and how to stop it."""
    found = []
    for entry in entries:
        assert isinstance(entry, Taken)
        row = world.row(entry.id)
        whole = row["body"].startswith("Acme: Sale") and row["body"].endswith("opt out")
        assert whole or "Acme" not in row["body"]
        found.append(whole)
    return found


def test_a_list_of_a_thousand_tells_each_person_once(world: World) -> None:
    entries = submit(world, *[{}, {"to": OTHER}] * 500)
    assert told(world, entries) == [True, True] + [False] * 998
    assert told(world, submit(world)) == [False]


def test_who_was_refused_has_not_been_told(world: World) -> None:
    refused, kept = submit(world, SHORT, {})
    assert isinstance(refused, Taken)
    assert refused.status == "blocked_compliance"
    assert told(world, [kept]) == [True]


@pytest.mark.parametrize("fate", ["canceled", "failed", "blocked_compliance", "undeliverable"])
def test_what_did_not_arrive_told_nobody(world: World, fate: str) -> None:
    (first,) = submit(world)
    assert isinstance(first, Taken)
    world.run("UPDATE messages SET status = CAST(:fate AS message_status)", fate=fate)
    assert told(world, submit(world)) == [True]


def test_a_message_for_later_does_not_speak_for_one_that_goes_now(world: World) -> None:
    later = {"scheduled_for": world.rt.now() + timedelta(days=7)}
    assert told(world, submit(world, later)) == [True]
    assert told(world, submit(world, {}, later)) == [True, False]


def test_one_that_goes_now_does_not_speak_for_one_after_its_time(world: World) -> None:
    after = {"scheduled_for": world.rt.now() + timedelta(days=31)}
    within = {"scheduled_for": world.rt.now() + timedelta(days=29)}
    assert told(world, submit(world, {}, after)) == [True, True]
    assert told(world, submit(world, within, after)) == [False, False]


def test_a_draft_tells_and_does_not_count(world: World) -> None:
    assert told(world, submit(world, {"draft": True}, {})) == [True, True]


def test_a_repeated_request_is_kept_once_and_as_it_was(world: World) -> None:
    entries = submit(world, key="k")
    assert submit(world, key="k") == entries
    assert told(world, entries) == [True]


def test_the_notice_counts_before_the_limit(world: World) -> None:
    (refused,) = submit(world, {"body": "x" * 1600})
    assert isinstance(refused, Refused)
    assert [p.code for p in refused.problems] == ["too_long"]
    (kept,) = submit(world, {"body": "x" * 150})
    assert isinstance(kept, Taken)
    row = world.row(kept.id)
    assert (row["segments"], len(row["body"])) == (2, 150 + len("Acme:  Reply STOP to opt out"))


def agreed_anew(world: World, basis: Basis) -> None:
    said = NewConsent(
        tenant_id=world.tenant.id,
        channel=Channel.SMS,
        recipient_key=world.key(),
        category=Category.MARKETING,
        action=ConsentAction.GRANT,
        basis=basis,
        source="web",
        text_version=None,
        evidence=None,
        at=world.rt.now(),
    )
    with world.rt.engine.begin() as db:
        consents.add(db, [said])


@pytest.mark.parametrize(("age", "status"), [(1, "scheduled"), (40, "blocked_compliance")])
def test_a_list_that_will_be_stale_by_then_can_still_be_renewed(
    world: World, age: int, status: str
) -> None:
    world.change("tenants", world.tenant.id, policy={"marketing_consent": "attested_elsewhere"})
    agreed_anew(world, Basis.EXPRESS)
    with world.rt.engine.begin() as db:
        dnc.replace(db, world.tenant.id, "US", [], world.rt.now() - timedelta(days=age))
    (entry,) = submit(world, {"scheduled_for": world.rt.now() + timedelta(days=60)})
    assert isinstance(entry, Taken)
    assert entry.status == status
    if status != "scheduled":
        assert world.row(entry.id)["status_reason"] == Reason.DNC_STALE
