from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from messaging.client import (
    Accepted,
    ConflictError,
    InvalidError,
    NotFoundError,
    Posthorn,
    PosthornClientError,
    Refused,
    ServerError,
    UnauthorizedError,
    UnreachableError,
    WaitTimeoutError,
)
from messaging.client.messages import SendFields
from messaging.runtime import Runtime

TO = "+12025550123"


@pytest.fixture
def ph(address: str, caller: Any) -> Iterator[Posthorn]:
    with Posthorn(address, caller.key) as client:
        yield client


def test_a_message_sent_is_read_listed_and_called_off(ph: Posthorn) -> None:
    sent = ph.messages.send(to=TO, body="Hello", from_="+12025550199")
    assert (sent.status, sent.replayed) == ("queued", False)
    found = ph.messages.get(sent.id)
    assert (found.to, found.body, found.attempts) == (TO, "Hello", 0)
    assert [m.id for m in ph.messages.list(status="queued")] == [sent.id]
    assert ph.messages.cancel(sent.id).status == "canceled"
    assert ph.messages.wait(sent.id, timeout=5).status == "canceled"
    assert [e.event for e in ph.messages.events(sent.id).events] == ["submitted", "canceled"]
    with pytest.raises(ConflictError) as refused:
        ph.messages.cancel(sent.id)
    assert refused.value.code == "conflict"
    assert len(refused.value.request_id) == 36


def test_whatever_a_message_belongs_to_goes_with_it(ph: Posthorn) -> None:
    belongs: SendFields = {"lead": "4711", "campaign": "spring", "source": "web", "agent": "ann"}
    belongs |= {"template": "hello", "traffic": "Test"}
    sent = ph.messages.send(to=TO, body="Hello", **belongs)
    found = ph.messages.get(sent.id)
    assert {name: found.raw[name] for name in belongs} == belongs
    assert (found.template, found.traffic, found.is_warmup) == ("hello", "Test", False)


def test_a_draft_waits_for_its_submission(ph: Posthorn, rt: Runtime) -> None:
    later = rt.now() + timedelta(hours=1)
    drafts = [ph.messages.send(to=TO, body="Soon", draft=True) for _ in range(2)]
    assert {d.status for d in drafts} == {"draft"}
    assert ph.messages.submit(drafts[0].id).status == "queued"
    scheduled = ph.messages.send(to=TO, body="Later", draft=True, scheduled_for=later)
    assert ph.messages.submit(scheduled.id).status == "scheduled"


def test_a_repeat_with_the_same_key_is_the_same_message(ph: Posthorn) -> None:
    first = ph.messages.send(to=TO, body="Once", idempotency_key="k-1")
    again = ph.messages.send(to=TO, body="Once", idempotency_key="k-1")
    assert again == Accepted(first.id, first.status, replayed=True)
    assert ph.messages.send(to=TO, body="Once").id != first.id


def test_a_list_is_answered_entry_by_entry_and_read_page_by_page(ph: Posthorn) -> None:
    answers = ph.messages.send_many([{"to": TO, "body": "A"}, {"to": "12", "body": "B"}])
    assert isinstance(answers[0], Accepted)
    assert isinstance(answers[1], Refused)
    assert answers[1].errors[0].pointer == "#/1/to"
    ph.messages.send_many([{"to": TO, "body": str(i)} for i in range(6)])
    bodies = [m.body for m in ph.messages.list(limit=3)]
    assert sorted(bodies) == sorted(["A", *map(str, range(6))])


def test_errors_have_classes_codes_and_request_ids(address: str, ph: Posthorn) -> None:
    with pytest.raises(InvalidError, match="#/body") as invalid:
        ph.messages.send(to=TO, body="")
    assert invalid.value.code == "validation_failed"
    with pytest.raises(NotFoundError):
        ph.messages.get("00000000-0000-7000-8000-000000000000")
    with Posthorn(address, "ph_live_nobody") as stranger, pytest.raises(UnauthorizedError):
        stranger.messages.get("x")
    sent = ph.messages.send(to=TO, body="Hello")
    with pytest.raises(WaitTimeoutError):
        ph.messages.wait(sent.id, until="delivered", timeout=0.1)


def test_it_must_be_told_where_and_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTHORN_URL", raising=False)
    with pytest.raises(PosthornClientError, match="POSTHORN_URL"):
        Posthorn(api_key="x")


Answer = tuple[int, dict[str, Any], dict[str, str]]


@contextmanager
def scripted(answers: list[Answer]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers, one a request, and notes each idempotency key."""
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            keys.append(self.headers["idempotency-key"])
            status, body, headers = answers[len(keys) - 1]
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", keys
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


KEPT: Answer = (202, {"id": "m", "status": "queued"}, {})
BUSY: Answer = (409, {"code": "idempotency_in_progress"}, {"Retry-After": "0"})
AWAY: Answer = (503, {"code": "intake_unavailable"}, {"Retry-After": "0"})


@pytest.mark.parametrize("trouble", [BUSY, AWAY, (429, {}, {}), (502, {}, {}), (504, {}, {})])
def test_what_may_pass_is_tried_again_with_the_same_key(
    trouble: Answer,
) -> None:
    with scripted([trouble, KEPT]) as (url, keys), Posthorn(url, "k") as ph:
        assert ph.messages.send(to=TO, body="x").id == "m"
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 409, 413, 422, 500])
def test_what_cannot_pass_is_not_tried_again(status: int) -> None:
    with (
        scripted([(status, {"code": "x"}, {})]) as (url, keys),
        Posthorn(url, "k") as ph,
        pytest.raises(PosthornClientError),
    ):
        ph.messages.send(to=TO, body="x")
    assert len(keys) == 1


def test_trouble_that_stays_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.client.repeats._BACKOFF", lambda _state: 0.0)
    with (
        scripted([AWAY] * 5) as (url, keys),
        Posthorn(url, "k") as ph,
        pytest.raises(ServerError) as error,
    ):
        ph.messages.send(to=TO, body="x")
    assert (error.value.code, len(keys)) == ("intake_unavailable", 5)
    with Posthorn(url, "k", timeout=1) as ph, pytest.raises(UnreachableError):
        ph.messages.send(to=TO, body="x")


def test_it_needs_nothing_of_the_server() -> None:
    program = (
        "import sys, messaging.client; print([m for m in sys.modules if m.split('.')[0] in "
        "{'sqlalchemy', 'redis', 'celery', 'fastapi'} or m.startswith('messaging.s')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
