"""A conversation over HTTP: both directions, in pages, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from messaging.domain.message import Channel
from messaging.runtime import Runtime
from tests.api.test_inbound import PERSON, form, listed, post


@pytest.fixture
def foreign(address: str, stranger: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=20, headers=stranger.headers) as client:
        yield client


def send(http: httpx.Client, rt: Runtime, body: str, to: str = PERSON) -> str:
    later = (rt.now() + timedelta(hours=1)).isoformat()
    message = {"to": to, "body": body, "scheduled_for": later}
    return str(http.post("/v1/messages", json=message).json()["id"])


def test_both_directions_are_shown_newest_first_in_pages(
    anonymous: httpx.Client, http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    for n in range(3):
        assert post(anonymous, rt, caller, form(f"in {n}", n)).status_code == 204
        send(http, rt, f"out {n}")
    send(http, rt, "somebody else", "+12025550124")
    thread = listed(http)[0]["conversation_id"]
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 4}
    while True:
        answer = http.get(f"/v1/conversations/{thread}", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += page["data"]
        assert ("link" in answer.headers) is (page["next_cursor"] is not None)
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [line["body"] for line in seen] == ["out 2", "in 2", "out 1", "in 1", "out 0", "in 0"]
    assert [line["direction"] for line in seen] == ["out", "in"] * 3
    out, in_ = seen[:2]
    assert (out["status"], out["to"], out["from"], out["keyword"]) == (
        "scheduled",
        PERSON,
        None,
        None,
    )
    assert (in_["status"], in_["from"], in_["keyword"]) == ("received", PERSON, "OTHER")
    assert in_["at"].endswith("Z")
    assert (page["id"], page["channel"]) == (thread, "sms")
    assert page["sender_id"] == str(caller.sender.id)


def test_pictures_are_shown_with_where_they_are(
    anonymous: httpx.Client, http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    picture = form("", NumMedia="1", MediaUrl0="https://media.example/1")
    assert post(anonymous, rt, caller, picture).status_code == 204
    (shown,) = listed(http)
    assert (shown["body"], shown["media"]) == ("", ["https://media.example/1"])
    (line,) = http.get(f"/v1/conversations/{shown['conversation_id']}").json()["data"]
    assert line["media"] == ["https://media.example/1"]


def test_pictures_that_were_sent_are_in_the_conversation_of_the_texts(
    anonymous: httpx.Client, http: httpx.Client, rt: Runtime, caller: Any
) -> None:
    from messaging import suppression
    from messaging.domain.lifecycle import Status
    from messaging.domain.message import Parts
    from messaging.domain.new_message import NewMessage
    from messaging.store import messages
    from messaging.store.messages import NewRow

    post(anonymous, rt, caller, form("hello"))
    key = suppression.keys(rt.settings.pepper, Channel.MMS, PERSON)[Channel.MMS]
    parts = Parts(media=("https://media.example/2",))
    new = NewMessage(PERSON, "look", 1, channel=Channel.MMS, parts=parts)
    row = NewRow(rt.new_id(), caller.tenant.id, key, Status.QUEUED, new, rt.now())
    with rt.engine.begin() as db:
        messages.insert(db, [row])
    thread = listed(http)[0]["conversation_id"]
    first, second = http.get(f"/v1/conversations/{thread}").json()["data"]
    assert (first["channel"], first["media"]) == ("mms", ["https://media.example/2"])
    assert second["body"] == "hello"


def test_a_tenant_reads_its_own_only(
    anonymous: httpx.Client,
    http: httpx.Client,
    foreign: httpx.Client,
    rt: Runtime,
    caller: Any,
    stranger: Any,
) -> None:
    post(anonymous, rt, caller, form("mine"))
    post(anonymous, rt, stranger, form("theirs", 7))
    mine, theirs = (listed(who)[0]["conversation_id"] for who in (http, foreign))
    assert mine != theirs
    assert [x["body"] for x in http.get(f"/v1/conversations/{mine}").json()["data"]] == ["mine"]
    answers = [
        http.get(f"/v1/conversations/{theirs}"),
        http.get(f"/v1/conversations/{rt.new_id()}"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert anonymous.get(f"/v1/conversations/{mine}").status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [("x", 404), ("%00", 404), (f"{UUID(int=0)}?limit=0", 422), (f"{UUID(int=0)}?cursor=!", 422),
     (f"{UUID(int=0)}?x=1", 422), (f"{UUID(int=0)}?limit={10**30}", 422)],
)  # fmt: skip
def test_a_bad_question_is_refused(http: httpx.Client, path: str, status: int) -> None:
    assert http.get(f"/v1/conversations/{path}").status_code == status
