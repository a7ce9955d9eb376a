"""What the Python client does when an answer is bad, late, broken or not there."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from messaging.client import (
    AsyncPosthorn,
    NotFoundError,
    Posthorn,
    RateLimitedError,
    UnreachableError,
    UnreadableError,
)
from messaging.client.calls import Call
from messaging.client.campaign_results import Campaign
from messaging.client.campaigns import Campaigns
from messaging.client.contacts import Contacts
from messaging.client.endpoints import Endpoints
from messaging.client.errors import refusal
from messaging.client.fleet import Pools
from messaging.client.following import events
from messaging.client.messages import Messages
from messaging.client.repeats import worthwhile
from messaging.client.tenancy import Keys

READ = Messages.get.build(None, "x")
SEND = Messages.send.build(None, to="x", body="x")
JOIN = Pools.join.build(None, "x", "y")
PLAN = Campaigns.plan.build(None, "x")
KEEP = Contacts.keep.build(None, ref="x")
KEEP_NAMELESS = Contacts.keep.build(None, name="x")
MAKE_KEY = Keys.create.build(None, "x")
ROTATE = Endpoints.rotate.build(None, "x")
RETRY = Campaigns.retry.build(None, "x")
HARMLESS = [READ, SEND, JOIN, PLAN, KEEP]
HARMFUL = [KEEP_NAMELESS, MAKE_KEY, ROTATE, RETRY]


def refused(status: int, code: str = "x") -> Exception:
    return refusal(httpx.Response(status, json={"code": code}))


NOT_DONE = [refused(429), refused(409, "idempotency_in_progress"), httpx.ConnectError("x")]
PERHAPS_DONE = [refused(502), refused(503), refused(504), httpx.ReadError("x"),
                httpx.RemoteProtocolError("x")]  # fmt: skip
FINAL = [refused(400), refused(404), refused(409), refused(500), httpx.ReadTimeout("x"), OSError()]


@pytest.mark.parametrize("call", [*HARMLESS, *HARMFUL], ids=lambda c: f"{c.method} {c.path}")
def test_a_repeat_never_does_something_twice(call: Call[Any]) -> None:
    again = worthwhile(call)
    assert all(again(error) for error in NOT_DONE)
    assert [again(error) for error in PERHAPS_DONE] == [call in HARMLESS] * len(PERHAPS_DONE)
    assert not any(again(error) for error in FINAL)


CAMPAIGN: dict[str, Any] = {
    "id": "c", "name": "spring", "state": "running", "state_since": "2026-01-02T03:04:05Z",
    "channel": "sms", "category": "MARKETING", "priority": "LOW", "body": "x", "flash": False,
    "targets": 1, "created_at": "2026-01-02T03:04:05Z",
}  # fmt: skip


def told(**changes: Any) -> bytes:
    return b"event: progress\ndata: " + json.dumps(CAMPAIGN | changes).encode() + b"\n\n"


def test_events_are_read_wherever_their_pieces_part() -> None:
    stream = told() + b": still there\n\n" + told(state="finished")
    for cut in range(len(stream)):
        take = events(Campaign)()
        found = [*take(stream[:cut]), *take(stream[cut:])]
        assert [c.state for c in found] == ["running", "finished"], cut


def test_an_event_of_something_else_is_said_to_be_one() -> None:
    take = events(Campaign)()
    for wrong in (b"data: {\n\n", b"data: []\n\n", b'data: {"id": 1}\n\n'):
        with pytest.raises(UnreadableError):
            take(wrong)


Answer = tuple[int, bytes]


@contextmanager
def scripted(answers: list[Answer]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers, one a request, and notes what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, content = answers[len(asked) - 1]
            self.send_response(status)
            self.send_header("retry-after", "0")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/below", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def followed(flavour: type[Any], url: str) -> list[str]:
    """The states a campaign is told to be in, in either flavour."""
    if flavour is Posthorn:
        with Posthorn(url, "k") as ph:
            return [c.state for c in ph.campaigns.follow("c")]

    async def follow() -> list[str]:
        async with AsyncPosthorn(url, "k") as ph:
            return [c.state async for c in ph.campaigns.follow("c")]

    return asyncio.run(follow())


both = pytest.mark.parametrize("flavour", [Posthorn, AsyncPosthorn])


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.client.repeats._BACKOFF", lambda _state: 0.0)


@both
def test_a_stream_that_ends_early_is_gone_on_with(flavour: type[Any]) -> None:
    answers = [(503, b""), (200, told()), (200, told(state="running") + told(state="finished"))]
    with scripted(answers) as (url, asked):
        assert followed(flavour, url) == ["running", "running", "finished"]
    assert asked == ["/below/v1/campaigns/c/events"] * 3


@both
def test_a_stream_that_says_nothing_ends(flavour: type[Any]) -> None:
    with scripted([(200, b": still there\n\n")]) as (url, _):
        assert followed(flavour, url) == []


@both
def test_what_stays_is_reported_as_what_it_is(flavour: type[Any]) -> None:
    with scripted([(429, b"{}")] * 5) as (url, asked):
        with pytest.raises(RateLimitedError) as limited:
            followed(flavour, url)
        assert (limited.value.retry_after, len(asked)) == (0.0, 5)
    with pytest.raises(UnreachableError, match="no answer"):
        followed(flavour, url)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'{"data": {}}', b'{"data": [{}]}'])
def test_what_is_no_posthorn_is_said_to_be_none(content: bytes) -> None:
    with (
        scripted([(200, content)]) as (url, _),
        Posthorn(url, "k") as ph,
        pytest.raises(UnreadableError),
    ):
        list(ph.pools.list())


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ("a b", "a%20b"),
        ("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("ä%", "%C3%A4%25"),
    ],
)
def test_whatever_a_name_holds_it_stays_one_part_of_the_path(part: str, path: str) -> None:
    with (
        scripted([(404, b"{}")]) as (url, asked),
        Posthorn(url, "k") as ph,
        pytest.raises(NotFoundError),
    ):
        ph.contacts.get(part)
    assert asked == [f"/below/v1/contacts/{path}"]
