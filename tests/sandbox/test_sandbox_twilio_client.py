from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from messaging.sandbox.twilio_wire import API_VERSION
from tests.sandbox.carrier import ROOT, SENDER, Sandbox, Start

TO = "+12025550123"
SPEC = ROOT / "../shared/specs/twilio_messages.json"


def client_of(sandbox: Sandbox, token: str | None = None) -> tuple[Client, TwilioHttpClient]:
    http = TwilioHttpClient(timeout=10)
    client = Client(sandbox.account, token or sandbox.token, http_client=http)
    client.api.base_url = sandbox.url
    return client, http


@pytest.fixture
def twilio(carrier: Sandbox) -> Iterator[Client]:
    client, http = client_of(carrier)
    yield client
    if http.session is not None:
        http.session.close()


def until_final(twilio: Client, sid: str) -> Any:
    deadline = time.monotonic() + 5
    while (found := twilio.messages(sid).fetch()).status not in ("delivered", "undelivered"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_send_and_fetch(twilio: Client) -> None:
    sent = twilio.messages.create(to=TO, from_=SENDER, body="héllo & bye + 100 % 👋")
    assert (sent.status, sent.num_segments, sent.num_media) == ("queued", "1", "0")
    assert sent.date_sent is None
    assert sent.error_code is None
    found = until_final(twilio, sent.sid)
    assert (found.sid, found.to, found.from_, found.body) == (sent.sid, TO, SENDER, sent.body)
    assert found.status == "delivered"
    age = datetime.now(UTC) - found.date_created  # noqa: TID251 - compared with a foreign clock
    assert timedelta(seconds=-1) < age < timedelta(seconds=10)
    assert found.date_sent >= found.date_created
    assert twilio.messages(sent.sid).media.list() == []


def test_a_service_chooses_the_sender(twilio: Client) -> None:
    sent = twilio.messages.create(to=TO, messaging_service_sid="MG" + "a" * 32, body="hello")
    assert (sent.status, sent.from_, sent.num_segments) == ("accepted", None, "0")


def test_media_makes_it_an_mms(twilio: Client) -> None:
    media = ["https://example.com/a.png", "https://example.com/b.png"]
    sent = twilio.messages.create(to=TO, from_=SENDER, body="hello", media_url=media)
    assert sent.sid.startswith("MM")
    assert sent.num_media == "2"


def test_list_over_pages_newest_first(twilio: Client) -> None:
    sent = [twilio.messages.create(to=TO, from_=SENDER, body=str(n)).sid for n in range(7)]
    other = twilio.messages.create(to="+12025550124", from_="+12025550101", body="other").sid
    everything = [found.sid for found in twilio.messages.list(page_size=3)]
    assert everything == [other, *reversed(sent)]
    assert [found.sid for found in twilio.messages.list(to=TO, page_size=2)] == sent[::-1]
    assert [found.sid for found in twilio.messages.list(from_="+12025550101")] == [other]
    assert [found.sid for found in twilio.messages.list(to=TO, limit=4, page_size=3)] == sent[:2:-1]


def test_a_page_read_by_token_is_not_shifted_by_new_messages(twilio: Client) -> None:
    sent = [twilio.messages.create(to=TO, from_=SENDER, body=str(n)).sid for n in range(4)]
    first = twilio.messages.page(page_size=2)
    assert [found.sid for found in first] == sent[:1:-1]
    twilio.messages.create(to=TO, from_=SENDER, body="new")
    second = first.next_page()
    assert second is not None
    assert [found.sid for found in second] == sent[1::-1]
    assert second.next_page() is None
    assert second.previous_page() is not None


def test_list_by_date_sent(twilio: Client) -> None:
    sid = twilio.messages.create(to=TO, from_=SENDER, body="hello").sid
    sent_on = until_final(twilio, sid).date_sent
    before, after = sent_on - timedelta(days=1), sent_on + timedelta(days=1)
    assert [found.sid for found in twilio.messages.list(date_sent_after=before)] == [sid]
    assert [found.sid for found in twilio.messages.list(date_sent_before=after)] == [sid]
    assert [found.sid for found in twilio.messages.list(date_sent=sent_on.date())] == [sid]
    assert twilio.messages.list(date_sent_after=after) == []
    assert twilio.messages.list(date_sent_before=before) == []


def test_cancel_redact_and_delete(start: Start) -> None:
    sandbox = start("--receipt-delay", "60s")
    twilio, http = client_of(sandbox)
    sid = twilio.messages.create(to=TO, from_=SENDER, body="hello").sid
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages(sid).delete()
    assert (caught.value.status, caught.value.code) == (409, 20009)
    assert twilio.messages(sid).update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages(sid).update(status="canceled")
    assert (caught.value.status, caught.value.code) == (409, 30409)
    assert twilio.messages(sid).update(body="").body == ""
    assert twilio.messages(sid).fetch().status == "canceled"
    assert twilio.messages(sid).delete()
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages(sid).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)
    assert twilio.messages.list() == []
    # The ledger is the witness: what was accepted stays.
    assert [row["sid"] for row in sandbox.get("/sandbox/ledger")] == [sid]
    assert http.session is not None
    http.session.close()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"to": "nonsense"}, 400, 21211),
        ({"to": "+15005550004"}, 400, 21610),
        ({"from_": "+15005550001"}, 400, 21212),
        ({"from_": "+15005550008"}, 429, 21611),
        ({"body": ""}, 400, 21602),
        ({"body": "x" * 1601}, 400, 21617),
        ({"status_callback": "nonsense"}, 400, 21609),
        ({"validity_period": 0}, 400, 21624),
        ({"to": "+12025550199"}, 400, 21610),
    ],
)
def test_a_refusal_raises_the_clients_own_exception(
    twilio: Client, carrier: Sandbox, change: dict[str, Any], status: int, code: int
) -> None:
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages.create(**{"to": TO, "from_": SENDER, "body": "hello", **change})
    assert (caught.value.status, caught.value.code) == (status, code)
    assert carrier.get("/sandbox/summary")["accepted"] == 0


def test_wrong_credentials_are_refused(carrier: Sandbox) -> None:
    twilio, http = client_of(carrier, token="wrong")
    with pytest.raises(TwilioRestException) as caught:
        twilio.messages.create(to=TO, from_=SENDER, body="hello")
    assert (caught.value.status, caught.value.code) == (401, 20003)
    assert http.session is not None
    http.session.close()


def test_an_account_sees_only_its_own(start: Start) -> None:
    one, two = ("AC" + digit * 32 for digit in "ab")
    sandbox = start("--account", f"{one}:first", "--account", f"{two}:second")
    path = "/2010-04-01/Accounts/{}/Messages{}.json"
    form = {"To": TO, "From": SENDER, "Body": "hello"}
    sent = sandbox.http.post(path.format(one, ""), data=form, auth=(one, "first"))
    assert sent.status_code == 201
    for account, auth, status in [
        (two, (one, "first"), 404),
        (one, (two, "second"), 404),
        (one, (one, "second"), 401),
        ("AC" + "c" * 32, (one, "first"), 404),
    ]:
        reply = sandbox.http.post(path.format(account, ""), data=form, auth=auth)
        assert reply.status_code == status
        assert reply.json()["code"] == {404: 20404, 401: 20003}[status]
    sid = sent.json()["sid"]
    url = path.format(two, f"/{sid}")
    assert sandbox.http.get(url, auth=(two, "second")).status_code == 404
    assert sandbox.http.get(path.format(two, ""), auth=(two, "second")).json()["messages"] == []


def valid(schema: dict[str, Any], value: Any) -> None:
    components = json.loads(SPEC.read_text())["components"]
    OAS30Validator({**schema, "components": components}).validate(value)


@pytest.mark.skipif(not SPEC.exists(), reason="../shared/specs/twilio_messages.json is not here")
def test_answers_are_those_of_the_published_description(carrier: Sandbox) -> None:
    paths = json.loads(SPEC.read_text())["paths"]
    many = paths[f"/{API_VERSION}/Accounts/{{AccountSid}}/Messages.json"]
    one = paths[f"/{API_VERSION}/Accounts/{{AccountSid}}/Messages/{{Sid}}.json"]

    def schema(operation: dict[str, Any], reply: httpx.Response) -> dict[str, Any]:
        described = operation["responses"][str(reply.status_code)]["content"]
        found: dict[str, Any] = described[reply.headers["content-type"]]["schema"]
        return found

    auth = (carrier.account, carrier.token)
    sent = carrier.send(TO)
    service = carrier.http.post(
        carrier.messages,
        data={"To": TO, "Body": "x", "MessagingServiceSid": "MG" + "a" * 32},
        auth=auth,
    )
    failed = carrier.send("+12025550194")
    for reply in (sent, service, failed):
        valid(schema(many["post"], reply), reply.json())
        # Everything the description names is there, and nothing else.
        named = json.loads(SPEC.read_text())["components"]["schemas"]["api.v2010.account.message"]
        assert set(reply.json()) == set(named["properties"])
    deadline = time.monotonic() + 5
    while True:
        fetched = carrier.http.get(failed.json()["uri"], auth=auth)
        valid(schema(one["get"], fetched), fetched.json())
        if fetched.json()["status"] == "undelivered":
            break
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert fetched.json()["error_code"] == 30003
    listed = carrier.http.get(carrier.messages, params={"PageSize": 2}, auth=auth)
    valid(schema(many["get"], listed), listed.json())
    assert listed.json()["next_page_uri"]
    changed = carrier.http.post(failed.json()["uri"], data={"Body": ""}, auth=auth)
    valid(schema(one["post"], changed), changed.json())


@pytest.mark.parametrize(
    ("method", "rest", "status"),
    [
        ("PUT", ".json", 405),
        ("GET", ".json?PageSize=many", 400),
        ("GET", ".json?PageToken=nonsense", 400),
        ("GET", ".json?DateSent=yesterday", 400),
        ("GET", "/SM" + "0" * 32 + ".json", 404),
        ("GET", "/../Messages.xml", 404),
    ],
)
def test_bad_requests_have_twilios_error_body(
    carrier: Sandbox, method: str, rest: str, status: int
) -> None:
    url = carrier.messages.removesuffix(".json") + rest
    reply = carrier.http.request(method, url, auth=(carrier.account, carrier.token))
    assert reply.status_code == status
    assert set(reply.json()) == {"code", "message", "more_info", "status"}
    assert reply.json()["status"] == status
    assert reply.json()["more_info"].endswith(str(reply.json()["code"]))
