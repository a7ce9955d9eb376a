"""Why is this message where it is? Asked over HTTP of messages that went every way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging import dispatch, erasure, maintenance, outcomes, receipts
from messaging.dispatch import Summary
from messaging.domain import addresses
from messaging.domain.message import Channel, Queue
from messaging.runtime import Runtime
from messaging.store import suppressions
from messaging.store.suppressions import NewSuppression
from messaging.window import Window
from tests.api.conftest import Caller
from tests.api.consent_calls import record
from tests.carrier import Carrier, Reply, accepted, refused
from tests.daylight import MIDDAY, NIGHT, zone_in

TO, SECRET_TEXT, SID = "+12025550123", "The text of a canary", "SM" + "7" * 32
MASKED = "+1202•••0199"


@pytest.fixture
def carrier() -> Carrier:
    """Takes everything, also what other tests left behind."""
    return Carrier()


@pytest.fixture
def window(rt: Runtime, carrier: Carrier) -> Iterator[Window]:
    made = Window(carrier, 500, partial(outcomes.record, rt))
    yield made
    made.drain(0)


def send(http: httpx.Client, **fields: Any) -> str:
    answer = http.post("/v1/messages", json={"to": TO, "body": SECRET_TEXT} | fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def work(rt: Runtime, window: Window) -> None:
    """Take everything that is due, and see it through."""
    while dispatch.take(rt, window, Queue.NORMAL, 250, Summary()):
        while window.held:
            window.step(0.001)


def explain(http: httpx.Client, message_id: str) -> dict[str, Any]:
    """The explanation, which tells neither who nor what."""
    answer = http.get(f"/v1/messages/{message_id}/explain")
    assert answer.status_code == 200, answer.text
    assert TO[2:] not in answer.text
    assert SECRET_TEXT not in answer.text
    found: dict[str, Any] = answer.json()
    assert found["id"] == message_id
    assert found["sentences"][0].startswith("Taken in 20")
    assert found["sentences"][-1] == found["summary"]
    return found


def decided(found: dict[str, Any]) -> list[tuple[str, str, str | None, str | None]]:
    return [(v["stage"], v["outcome"], v["reason"], v["rule"]) for v in found["verdicts"]]


def test_an_entry_of_a_list_that_was_blocked_at_the_door(http: httpx.Client) -> None:
    assert http.post("/v1/suppressions", json={"to": TO}).status_code == 201
    entries = [{"to": TO, "body": SECRET_TEXT}, {"to": "+12025550124", "body": "Hello"}]
    answer = http.post("/v1/messages", json=entries)
    assert [entry["status"] for entry in answer.json()["data"]] == ["opted_out", "queued"]
    found = explain(http, answer.json()["data"][0]["id"])
    assert found["status"] == "opted_out"
    assert found["summary"].startswith("It was not sent because the recipient has opted out (rule")
    assert decided(found) == [("intake", "block", "opted_out", "suppressed")]
    assert "opt_out, known from api since" in found["verdicts"][0]["detail"]
    assert found["attempts"] == []
    assert found["sentences"][1].startswith("At intake, 20")
    waiting = explain(http, answer.json()["data"][1]["id"])
    assert waiting["summary"].startswith("It is ready and waits for a worker since ")
    assert waiting["verdicts"] == []


def test_an_opt_out_that_came_between_intake_and_dispatch(
    http: httpx.Client, rt: Runtime, caller: Caller, window: Window
) -> None:
    message_id = send(http)
    key = addresses.key(rt.settings.pepper, "sms", TO)
    with rt.engine.begin() as db:  # told by another process, which did not see this message yet
        suppressions.add(db, [NewSuppression(caller.tenant.id, Channel.SMS, key, "inbound")])
    work(rt, window)
    found = explain(http, message_id)
    assert found["status"] == "opted_out"
    assert (
        "the recipient has opted out (rule suppressed: opt_out, known from inbound"
        in (found["summary"])
    )
    assert decided(found) == [("dispatch", "block", "opted_out", "suppressed")]
    seen = found["verdicts"][0]["inputs"]["suppression"]
    assert (seen["kind"], seen["source"]) == ("opt_out", "inbound")


def test_a_message_that_was_called_off_by_a_stop(http: httpx.Client) -> None:
    message_id = send(http)
    http.post("/v1/suppressions", json={"to": TO})
    found = explain(http, message_id)
    assert (found["status"], found["verdicts"]) == ("canceled", [])
    assert found["summary"].endswith("before it was sent, because the recipient opted out.")


def test_marketing_that_waits_for_the_morning(
    http: httpx.Client, rt: Runtime, window: Window
) -> None:
    record(http, to=TO)
    zone = zone_in(NIGHT, rt.now())
    message_id = send(http, category="MARKETING", time_zone=zone)
    work(rt, window)
    found = explain(http, message_id)
    assert found["status"] == "scheduled"
    (verdict,) = found["verdicts"]
    assert (verdict["stage"], verdict["outcome"]) == ("dispatch", "defer")
    assert verdict["rule"].startswith("quiet_hours:")
    assert verdict["detail"].endswith(f" in {zone}")
    until = verdict["until"][:19].replace("T", " ")
    assert found["summary"].startswith(f"It waits until {until} UTC, since ")
    assert f"{verdict['rule']}: {verdict['detail']}" in found["summary"]
    assert verdict["inputs"]["zones"] == [zone]
    assert verdict["inputs"]["zones_from"] == "time_zone"
    assert verdict["inputs"]["consent"]["basis"] == "express_written"
    assert (
        http.get(f"/v1/messages/{message_id}").json()["scheduled_reason"].startswith("quiet_hours")
    )


def deliver(
    anonymous: httpx.Client, rt: Runtime, caller: Caller, callback: str, status: str
) -> None:
    """The provider's receipt arrives and is applied."""
    url = urlsplit(callback)._replace(fragment="").geturl()
    form = {"MessageSid": SID, "MessageStatus": status, "To": TO}
    signature = RequestValidator(caller.account.secret).compute_signature(url, form)
    target = url.removeprefix(rt.settings.public_url)
    answer = anonymous.post(target, data=form, headers={"X-Twilio-Signature": str(signature)})
    assert answer.status_code == 204, answer.text
    receipts.apply(rt)


def test_a_message_that_arrived(
    http: httpx.Client,
    anonymous: httpx.Client,
    rt: Runtime,
    caller: Caller,
    carrier: Carrier,
    window: Window,
) -> None:
    message_id = send(http)
    callbacks = []

    def answer(request: httpx.Request) -> Reply:
        callback = httpx.QueryParams(request.read().decode())["StatusCallback"]
        if str(caller.account.id) not in callback:
            return accepted()
        callbacks.append(callback)
        return accepted(SID)

    carrier.answer = answer
    work(rt, window)
    found = explain(http, message_id)
    assert found["status"] == "sent"
    assert found["summary"].startswith(f"The provider took it from {MASKED} (")
    assert "no delivery receipt has come yet" in found["summary"]
    (callback,) = callbacks
    deliver(anonymous, rt, caller, callback, "delivered")
    found = explain(http, message_id)
    assert found["status"] == "delivered"
    assert found["summary"].startswith(f"It was sent from {MASKED} (")
    assert " and delivered at 20" in found["summary"]
    assert decided(found) == [("dispatch", "allow", None, None)]
    (attempt,) = found["attempts"]
    assert (attempt["number"], attempt["sender"]) == (1, MASKED)
    assert (attempt["outcome"], attempt["settled_by"]) == ("accepted", "reply")
    assert [s.partition(" ")[0] for s in found["sentences"]] == [
        "Taken",
        "Before",
        "+1202•••0199",
        "Attempt",
        "The",
        "It",
    ]
    assert found["sentences"][-2].endswith(": delivered.")
    history = http.get(f"/v1/messages/{message_id}/events").json()
    (receipt,) = history["receipts"]
    assert (receipt["provider_status"], receipt["result"]) == ("delivered", "applied")
    assert (receipt["event"], receipt["repeats"], receipt["asked"]) == ("delivered", 0, False)


def test_a_message_the_provider_refused(
    http: httpx.Client, rt: Runtime, caller: Caller, carrier: Carrier, window: Window
) -> None:
    message_id = send(http)
    own = str(caller.account.id).encode()
    carrier.answer = lambda r: refused(400, 21211) if own in r.read() else accepted()
    work(rt, window)
    found = explain(http, message_id)
    assert found["status"] in {"failed", "undeliverable"}
    assert found["summary"].startswith("It was not sent after one attempt: ")
    assert found["summary"].endswith("(21211).")
    (attempt,) = found["attempts"]
    assert attempt["code"] == "21211"


def test_a_draft_and_one_for_later(http: httpx.Client, rt: Runtime) -> None:
    draft = explain(http, send(http, draft=True))
    assert draft["summary"] == "It is a draft: nobody has submitted it yet."
    at = rt.now() + timedelta(days=1)
    later = explain(http, send(http, scheduled_for=at.isoformat()))
    assert (
        later["summary"]
        == f"It waits for {at:%Y-%m-%d %H:%M:%S} UTC, the time its sender asked for."
    )


def test_a_message_to_somebody_who_is_erased(http: httpx.Client, rt: Runtime) -> None:
    message_id = send(http, draft=True)
    assert http.post("/v1/erasures", json={"to": TO}).status_code == 202
    erasure.run(rt)
    found = explain(http, message_id)
    assert found["status"] == "canceled"
    assert found["summary"].endswith("before it was sent, because the recipient was erased.")


def test_a_sender_that_fails_after_the_night_is_the_reason_then(
    http: httpx.Client, rt: Runtime, caller: Caller, window: Window
) -> None:
    record(http, to=TO)
    message_id = send(http, category="MARKETING", time_zone=zone_in(NIGHT, rt.now()))
    work(rt, window)
    assert "outside the hours" in explain(http, message_id)["summary"]
    statements = (
        "UPDATE messages SET time_zone = :zone WHERE id = :id",
        "UPDATE scheduled SET due_at = now() WHERE message_id = :id",
        "UPDATE senders SET state = 'cordoned' WHERE id = :sender",
    )
    known = {"id": message_id, "zone": zone_in(MIDDAY, rt.now()), "sender": caller.sender.id}
    with rt.engine.begin() as db:
        for statement in statements:
            db.execute(sa.text(statement), known)
    rt.forget(caller.tenant.id)
    maintenance.promote_due(rt)
    work(rt, window)
    found = explain(http, message_id)
    assert found["status"] == "scheduled"
    assert "no healthy sender" in found["summary"]


def test_nobody_is_told_about_another_tenants_message(
    http: httpx.Client, anonymous: httpx.Client, stranger: Caller
) -> None:
    message_id = send(http)
    path = f"/v1/messages/{message_id}/explain"
    theirs = anonymous.get(path, headers=stranger.headers)
    nowhere = http.get("/v1/messages/01a1f9e3-4346-75aa-bfeb-9203c57ca19b/explain")
    for answer in (theirs, nowhere):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == "no message of yours has this id"
    assert anonymous.get(path).status_code == 401
    assert http.get(path).status_code == 200


@pytest.mark.parametrize("name", ["not-an-id", "0", "01a1f9e3", f"{TO}"])
def test_what_is_no_id_is_refused_and_not_repeated(http: httpx.Client, name: str) -> None:
    answer = http.get(f"/v1/messages/{name}/explain")
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert TO not in answer.text
