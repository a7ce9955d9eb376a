"""Whose webhook it is: accounts are remembered for a moment, and nobody's webhook costs nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from messaging.api.known_accounts import FRESH_SECONDS
from messaging.providers import PROVIDERS
from messaging.providers.base import Webhook
from messaging.runtime import Runtime
from messaging.store import tables as t
from tests.api.posting import EACH, Poster, a_poster, each_provider, exchange
from tests.world import at_once, kill_backends

MIXED = [name for name in EACH if PROVIDERS[name].mixed]
ASKING = [name for name in EACH if PROVIDERS[name].challenge is not None]


@pytest.fixture
def poster(rt: Runtime, address: str, caller: Any, name: str) -> Poster:
    return a_poster(rt, address, caller, name)


@contextmanager
def statements(rt: Runtime) -> Iterator[list[str]]:
    """What the process asks its database during the block."""
    said: list[str] = []

    def note(_db: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    event.listen(rt.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(rt.engine, "before_cursor_execute", note)


@each_provider
def test_a_bad_signature_costs_no_statement(poster: Poster) -> None:
    forged = poster.receipt(key=2)
    began = time.monotonic()
    assert poster.post(forged) == 403  # the account is looked up
    with statements(poster.rt) as said:
        for _ in range(20):
            assert poster.post(forged) == 403
            assert poster.post(poster.receipt(key=2), poster.path("inbound")) == 403
    looked_up = [s for s in said if "FROM provider_accounts" in s]
    assert len(said) == len(looked_up) <= (time.monotonic() - began) / FRESH_SECONDS
    assert poster.kept() == []


def test_names_of_nobody_are_no_flood_of_queries(rt: Runtime, address: str, caller: Any) -> None:
    ours = a_poster(rt, address, caller, "twilio")
    names = [f"/webhooks/twilio/{rt.new_id()}/status" for _ in range(200)]
    answers: list[int] = []

    def strangers(part: int) -> None:
        answers.extend(exchange(address, "POST", n, {}, b"a=b") for n in names[part::8])

    began = time.monotonic()
    with statements(rt) as said:
        at_once(*[lambda part=part: strangers(part) for part in range(8)])
        assert ours.post(ours.receipt()) == 204
        queries = [s for s in said if "FROM provider_accounts" in s]
        seconds = time.monotonic() - began
        assert answers == [403] * len(names)
        assert len(queries) <= 2 + seconds / 0.05
        queries.clear()
        said.clear()
        again = time.monotonic()
        for n in names[-5:]:
            assert exchange(address, "POST", n, {}, b"a=b") == 403
        remembered = time.monotonic() - again < FRESH_SECONDS / 2
    assert not remembered or len(said) <= 5


@each_provider
def test_a_secret_is_replaced_without_a_restart(
    rt: Runtime, address: str, caller: Any, name: str
) -> None:
    old, both = a_poster(rt, address, caller, name), a_poster(rt, address, caller, name, (0, 1))
    assert (old.post(old.receipt()), old.post(old.receipt(key=1))) == (204, 403)
    assert (both.post(both.receipt()), both.post(both.receipt(key=1))) == (204, 204)
    a = t.provider_accounts
    columns = ("secret_sealed", "more_sealed")
    with rt.engine.begin() as db:
        new = sa.select(*(a.c[c] for c in columns)).where(a.c.id == both.account.id)
        values = dict(zip(columns, db.execute(new).one(), strict=True))
        db.execute(sa.update(a).where(a.c.id == old.account.id).values(values))
    deadline = time.monotonic() + FRESH_SECONDS + 1.5
    while old.post(old.receipt(key=1)) == 403:
        assert time.monotonic() < deadline
    assert old.post(old.receipt(key=2)) == 403


@pytest.mark.parametrize("name", ASKING)
def test_a_provider_that_asks_whether_the_address_is_ours_is_answered(poster: Poster) -> None:
    assert poster.hooks.challenge is not None
    asked, word = poster.hooks.challenge
    for kind in ("status", "inbound"):
        url = f"{poster.address}{poster.path(kind)}"
        answer = httpx.get(url, params=dict(asked))
        assert (answer.status_code, answer.text) == (200, word)
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"
        for wrong in ({}, {**asked, "hub.verify_token": "x"}, {**asked, "hub.mode": "x"}):
            assert httpx.get(url, params=wrong).status_code == 403


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("kind", ["status", "inbound"])
def test_where_both_come_to_one_address_both_are_done(poster: Poster, kind: str) -> None:
    assert poster.hooks.inbound is not None
    written = poster.signed(poster.hooks.inbound(None), kind)
    told = poster.signed(poster.hooks.receipt(poster.hooks.delivered, 1), kind)
    for hook in (written, told, written, told):
        assert poster.post(hook) == 204
    i = t.inbound_messages.c
    query = sa.select(sa.func.count()).where(i.account_id == poster.account.id)
    with poster.rt.engine.connect() as db:
        assert db.execute(query).scalar_one() == 1
    assert [row.repeats for row in poster.kept()] == [1]


def test_a_receipt_may_come_by_get(rt: Runtime, address: str, caller: Any) -> None:
    ours = a_poster(rt, address, caller, "vonage_sms")
    form = ours.receipt().body.decode()
    url = f"{rt.settings.public_url}{ours.path()}?{form}"
    for _ in range(2):
        assert ours.post(Webhook(url, {}, b""), method="GET") == 204
    (row,) = ours.kept()
    assert (bytes(row.body).decode(), row.repeats) == (form, 1)
    assert ours.post(Webhook(url.replace("status=", "status=x"), {}, b""), method="GET") == 403
    assert ours.post(Webhook(url, {}, b""), ours.path() + "?" + urlencode({"a": 1}), "GET") == 403


def test_the_same_event_many_times_at_once_is_one_row(
    rt: Runtime, address: str, caller: Any
) -> None:
    ours = a_poster(rt, address, caller, "twilio")
    hook = ours.receipt()
    assert set(at_once(*[lambda: ours.post(hook)] * 24)) == {204}
    (row,) = ours.kept()
    assert (row.repeats, ours.waiting()) == (23, 1)


def test_while_nothing_can_be_kept_the_provider_is_told_to_come_again(
    rt: Runtime, address: str, caller: Any
) -> None:
    ours = a_poster(rt, address, caller, "twilio")
    hook = ours.receipt()
    with rt.engine.begin() as db:
        db.execute(sa.text("ALTER TABLE pending_receipts RENAME TO away"))
    try:
        assert ours.post(hook) == 503
    finally:
        with rt.engine.begin() as db:
            db.execute(sa.text("ALTER TABLE away RENAME TO pending_receipts"))
    assert ours.kept() == []
    assert (ours.post(hook), len(ours.kept()), ours.waiting()) == (204, 1, 1)


def test_a_connection_that_is_cut_costs_no_receipt(rt: Runtime, address: str, caller: Any) -> None:
    ours = a_poster(rt, address, caller, "twilio")
    assert ours.post(ours.receipt()) == 204
    kill_backends(rt.engine)
    assert ours.post(ours.receipt("sent")) == 204
    assert len(ours.kept()) == 2


def test_without_a_database_nobody_is_refused_for_good(
    rt: Runtime, address: str, caller: Any
) -> None:
    """An account that cannot be looked up may be anybody's."""
    ours = a_poster(rt, address, caller, "twilio")
    with rt.engine.begin() as db:
        db.execute(sa.text("ALTER TABLE provider_accounts RENAME TO away"))
    try:
        assert ours.post(ours.receipt(key=2)) == 503
    finally:
        with rt.engine.begin() as db:
            db.execute(sa.text("ALTER TABLE away RENAME TO provider_accounts"))
    assert ours.post(ours.receipt(key=2)) == 403
