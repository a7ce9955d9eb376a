"""What people write to us, over HTTP: signed as Twilio's own library signs, and listed for review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.runtime import Runtime
from messaging.store import tables as t

PERSON = "+12025550123"


def form(body: str, n: int = 0, **changes: str) -> dict[str, str]:
    return {
        "MessageSid": f"SM{n:032x}",
        "SmsStatus": "received",
        "From": PERSON,
        "To": "+12025550199",
        "Body": body,
        "NumMedia": "0",
    } | changes


def target(caller: Any) -> str:
    return f"/webhooks/twilio/{caller.account.id}/inbound"


def post(
    anonymous: httpx.Client, rt: Runtime, caller: Any, fields: dict[str, str]
) -> httpx.Response:
    url = rt.settings.public_url + target(caller)
    signature = RequestValidator(caller.account.secret).compute_signature(url, fields)
    return anonymous.post(
        target(caller), data=fields, headers={"X-Twilio-Signature": str(signature)}
    )


def kept(rt: Runtime, caller: Any) -> int:
    table = t.inbound_messages
    query = sa.select(sa.func.count()).where(table.c.tenant_id == caller.tenant.id)
    with rt.engine.connect() as db:
        return int(db.execute(query.select_from(table)).scalar_one())


def listed(http: httpx.Client, **query: str | int) -> Any:
    answer = http.get("/v1/inbound", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_a_stop_is_kept_obeyed_and_shown(
    anonymous: httpx.Client, http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    later = (rt.now() + timedelta(hours=1)).isoformat()
    message = {"to": PERSON, "body": "Hi", "scheduled_for": later}
    sent = http.post("/v1/messages", json=message).json()["id"]
    answer = post(anonymous, rt, caller, form("Stop please"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert http.post("/v1/suppressions/check", json={"to": PERSON}).json()["suppressed"] is True
    found = http.get(f"/v1/messages/{sent}").json()
    assert (found["status"], found["status_reason"]) == ("canceled", "opted_out")
    (shown,) = listed(http)
    assert shown["from"] == PERSON
    assert (shown["to"], shown["body"]) == ("+12025550199", "Stop please")
    assert (shown["keyword"], shown["inferred"], shown["language"]) == ("STOP", True, "en")
    assert shown["received_at"].endswith("Z")
    assert shown["account_id"] == str(caller.account.id)


def test_a_repeat_is_answered_alike_and_kept_once(
    anonymous: httpx.Client, rt: Runtime, caller: Any
) -> None:
    for _ in range(2):
        assert post(anonymous, rt, caller, form("STOP")).status_code == 204
    assert kept(rt, caller) == 1


@pytest.mark.parametrize("what", ["token", "body", "query", "provider", "account", "unsigned"])
def test_what_is_not_signed_by_the_account_is_refused(
    anonymous: httpx.Client, rt: Runtime, caller: Any, stranger: Any, what: str
) -> None:
    path, fields = target(caller), form("STOP")
    token = "another-token" if what == "token" else caller.account.secret
    url = rt.settings.public_url + path
    headers = {"X-Twilio-Signature": str(RequestValidator(token).compute_signature(url, fields))}
    if what == "body":
        fields["From"] = "+12025550124"
    if what == "query":
        path += "?x=1"
    if what == "provider":
        path = path.replace("/twilio/", "/telnyx/")
    if what == "account":
        path = path.replace(str(caller.account.id), str(stranger.account.id))
    if what == "unsigned":
        headers = {}
    answer = anonymous.post(path, data=fields, headers=headers)
    # A stranger's account has another address, so a signature for one is none for the other.
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert kept(rt, caller) == kept(rt, stranger) == 0


def test_a_receipt_sent_here_changes_nothing(
    anonymous: httpx.Client, rt: Runtime, caller: Any
) -> None:
    fields = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered", "To": PERSON}
    assert post(anonymous, rt, caller, fields).status_code == 204
    assert kept(rt, caller) == 0


def test_the_list_is_newest_first_in_pages_and_filtered(
    anonymous: httpx.Client, http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    bodies = ["hello", "STOP", "take me off your list", "START", "HELP", "see you"]
    for n, body in enumerate(bodies):
        assert post(anonymous, rt, caller, form(body, n)).status_code == 204
    assert [row["body"] for row in listed(http)] == bodies[::-1]
    assert [row["body"] for row in listed(http, keyword="STOP")] == [bodies[2], bodies[1]]
    assert [row["body"] for row in listed(http, inferred="true")] == [bodies[2]]
    assert [row["body"] for row in listed(http, keyword="STOP", inferred="false")] == ["STOP"]
    seen: list[str] = []
    page: dict[str, Any] = {"next_cursor": None}
    while len(seen) < len(bodies):
        query = {"limit": 4} | ({"cursor": page["next_cursor"]} if page["next_cursor"] else {})
        answer = http.get("/v1/inbound", params=query)
        page = answer.json()
        seen += [row["body"] for row in page["data"]]
        assert ("link" in answer.headers) is (page["next_cursor"] is not None)
    assert seen == bodies[::-1]
    assert page["next_cursor"] is None


def test_a_tenant_sees_its_own_only(
    anonymous: httpx.Client, http: httpx.Client, rt: Runtime, caller: Any, stranger: Any
) -> None:
    post(anonymous, rt, stranger, form("STOP", 7))
    assert listed(http) == []
    assert kept(rt, stranger) == 1
    assert kept(rt, caller) == 0
    assert anonymous.get("/v1/inbound").status_code == 401


@pytest.mark.parametrize("query", ["keyword=stopp", "inferred=maybe", "limit=0", "from=x", "cursor=!"])  # fmt: skip
def test_a_bad_question_is_refused(http: httpx.Client, query: str) -> None:
    answer = http.get(f"/v1/inbound?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
