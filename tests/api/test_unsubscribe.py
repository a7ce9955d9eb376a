"""One click ends an e-mail, over HTTP; looking at the link, or guessing one, does nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from messaging import unsubscribing
from messaging.domain.lifecycle import Status
from messaging.domain.message import Category, Channel, Message, Parts, Priority
from messaging.domain.new_message import NewMessage
from messaging.domain.suppression_request import StopRequest
from messaging.providers.base import Outbound
from messaging.runtime import Runtime
from messaging.store import messages
from messaging.store.messages import NewRow
from messaging.suppression import person, stop
from tests.api.conftest import PUBLIC_URL, Caller

ADDRESS = "Ana@example.com"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
"""What mail programs post (RFC 8058, 3.1)."""


def mailed(
    rt: Runtime, caller: Caller, category: Category = Category.MARKETING, **changes: Any
) -> UUID:
    """An e-mail that has been taken in."""
    channel = changes.pop("channel", Channel.EMAIL)
    key = person(rt, caller.tenant, Channel.EMAIL, ADDRESS).keys[Channel.EMAIL]
    new = NewMessage(ADDRESS, "News", 1, channel=channel, category=category)
    row = NewRow(rt.new_id(), caller.tenant.id, key, Status.QUEUED, new, rt.now())
    with rt.engine.begin() as db:
        messages.insert(db, [row])
    return row.id


def link(rt: Runtime, message_id: UUID) -> str:
    address = unsubscribing.address(rt.settings, message_id)
    assert address.startswith(f"{PUBLIC_URL}/unsubscribe/")
    return address.removeprefix(PUBLIC_URL)


def ledger(rt: Runtime, caller: Caller) -> list[tuple[str, str, str]]:
    query = sa.text(
        "SELECT scope, source, evidence FROM suppression_events WHERE tenant_id = :t ORDER BY scope"
    )
    with rt.engine.connect() as db:
        return [tuple(row) for row in db.execute(query, {"t": caller.tenant.id})]


def test_looking_shows_a_button_and_does_nothing(
    anonymous: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    path = link(rt, mailed(rt, caller))
    for method in ("GET", "HEAD", "POST"):
        answer = anonymous.request(method, path)
        assert answer.status_code in {200, 405}
    shown = anonymous.get(path)
    assert shown.headers["content-type"].startswith("text/html")
    assert shown.text.count("<form") == shown.text.count("<button") == 1
    assert "script" not in shown.text
    assert "ana" not in shown.text.lower().replace("manage", "")
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["cache-control"] == "no-store"
    assert ledger(rt, caller) == []


@pytest.mark.parametrize("as_files", [False, True])
def test_one_click_ends_marketing_and_cancels_what_waits(
    anonymous: httpx.Client, http: httpx.Client, rt: Runtime, caller: Caller, as_files: bool
) -> None:
    message_id = mailed(rt, caller)
    waits = mailed(rt, caller)
    code = mailed(rt, caller, Category.TRANSACTIONAL)
    form = (
        {"files": {k: (None, v) for k, v in ONE_CLICK.items()}} if as_files else {"data": ONE_CLICK}
    )
    for _ in range(3):
        answer = anonymous.post(link(rt, message_id), **form)
        assert answer.status_code == 200
        assert "unsubscribed" in answer.text
    said = f"one-click unsubscribe from message {message_id}"
    assert ledger(rt, caller) == [("MARKETING", "inbound", said)]
    states = [http.get(f"/v1/messages/{i}").json()["status"] for i in (message_id, waits, code)]
    assert states == ["canceled", "canceled", "queued"]
    asked = {"to": ADDRESS.lower(), "channel": "email"}
    (held,) = http.post("/v1/suppressions/check", json=asked).json()["suppressions"]
    assert held["scope"] == "MARKETING"


def test_the_reader_of_a_notification_gets_neither_any_more(
    anonymous: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    path = link(rt, mailed(rt, caller, Category.NOTIFICATION))
    assert anonymous.post(path, data=ONE_CLICK).status_code == 200
    assert [scope for scope, *_ in ledger(rt, caller)] == ["MARKETING", "NOTIFICATION"]


def test_who_gets_nothing_anyway_is_not_noted_again(
    anonymous: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    path = link(rt, mailed(rt, caller))
    stop(rt, caller.tenant, StopRequest(to=ADDRESS, channel=Channel.EMAIL))
    assert anonymous.post(path, data=ONE_CLICK).status_code == 200
    assert [scope for scope, *_ in ledger(rt, caller)] == ["all"]


def test_it_works_after_the_person_was_erased(
    anonymous: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    message_id = mailed(rt, caller)
    with rt.engine.begin() as db:
        db.execute(
            sa.text("UPDATE messages SET recipient = '', body = '' WHERE id = :i"),
            {"i": message_id},
        )
    assert anonymous.post(link(rt, message_id), data=ONE_CLICK).status_code == 200
    assert len(ledger(rt, caller)) == 1


def test_a_link_that_is_none_says_so_and_nothing_else(
    anonymous: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    path = link(rt, mailed(rt, caller))
    other = link(rt, mailed(rt, caller))
    bad = [
        path[:-1],
        path + "0",
        path[:-1] + ("0" if path[-1] != "0" else "1"),
        path[: len("/unsubscribe/") + 32] + other[len("/unsubscribe/") + 32 :],
        path.upper().replace("UNSUBSCRIBE", "unsubscribe") + "x",
        "/unsubscribe/canary7f3e",
        "/unsubscribe/%00%ff",
        "/unsubscribe/a/b",
        "/unsubscribe/" + "a" * 5000,
    ]
    for one in bad:
        for answer in (anonymous.get(one), anonymous.post(one, data=ONE_CLICK)):
            assert answer.status_code == 404
            assert answer.headers["content-type"].startswith("text/html")
            assert "canary7f3e" not in answer.text
    assert ledger(rt, caller) == []


def test_bodies_that_are_no_click_change_nothing(
    anonymous: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    path = link(rt, mailed(rt, caller))
    for body in (b"", b"\0", b"List-Unsubscribe=", b"One-Click", b"x" * 10_000, b"\xff" * 100):
        assert anonymous.post(path, content=body).status_code == 200
    assert ledger(rt, caller) == []


def test_other_channels_and_other_mails_have_no_such_link(
    anonymous: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    for path in (
        link(rt, mailed(rt, caller, Category.TRANSACTIONAL)),
        link(rt, mailed(rt, caller, channel=Channel.INSTAGRAM_DM)),
        link(rt, rt.new_id()),
    ):
        assert anonymous.post(path, data=ONE_CLICK).status_code == 200  # nobody learns which exist
    assert ledger(rt, caller) == []


def sent(rt: Runtime, caller: Caller, category: Category, html: str | None) -> Outbound:
    parts = Parts(subject="News", html=html, from_name="Acme")
    message = Message(
        id=rt.new_id(),
        tenant_id=caller.tenant.id,
        channel=Channel.EMAIL,
        recipient=ADDRESS,
        recipient_key=b"k" * 16,
        body="Sale",
        segments=1,
        category=category,
        priority=Priority.NORMAL,
        status=Status.QUEUED,
        epoch=0,
        attempts=0,
        created_at=rt.now(),
        parts=parts,
    )
    out = Outbound(message.id, 1, ADDRESS, "news@example.com", "Sale", "", parts=parts)
    unsubscribing.complete(rt, message, out)
    return out


def test_what_goes_out_carries_its_way_out(rt: Runtime, caller: Caller, http: httpx.Client) -> None:
    said = {"brand": "Acme", "postal_address": "1 Main St, Springfield"}
    assert http.patch("/v1/policy", json=said).status_code == 200
    rt._directory.clear()
    plain = sent(rt, caller, Category.TRANSACTIONAL, "<p>Sale</p>")
    assert (plain.unsubscribe_url, plain.body) == (None, "Sale")
    notified = sent(rt, caller, Category.NOTIFICATION, "<p>Sale</p>")
    assert notified.unsubscribe_url == unsubscribing.address(rt.settings, notified.message_id)
    assert notified.body == "Sale"
    sold = sent(rt, caller, Category.MARKETING, "<p>Sale</p>")
    assert sold.unsubscribe_url is not None
    assert sold.body.endswith(
        f"\nAcme\n1 Main St, Springfield\nUnsubscribe: {sold.unsubscribe_url}\n"
    )
    assert sold.parts is not None
    assert sold.parts.html is not None
    assert sold.unsubscribe_url in sold.parts.html
    assert (sold.parts.subject, sold.parts.from_name) == ("News", "Acme")
    assert sent(rt, caller, Category.MARKETING, None).parts == Parts(
        subject="News", from_name="Acme"
    )
