from __future__ import annotations

import base64
import socket
import time
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from tests.sandbox.carrier import SENDER, Receiver, Sandbox, Start, accepted, number


def raw_exchange(sandbox: Sandbox, to: str, seconds: float = 5.0) -> bytes:
    """Sends one message over a bare socket; every byte that came back until the end."""
    body = urlencode({"To": to, "From": SENDER, "Body": "hello"})
    login = base64.b64encode(f"{sandbox.account}:{sandbox.token}".encode()).decode()
    request = (
        f"POST {sandbox.messages} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {login}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        f"{body}"
    )
    address = urlsplit(sandbox.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=seconds) as sock:
        sock.sendall(request.encode())
        received = b""
        try:
            while part := sock.recv(65536):
                received += part
        except TimeoutError:
            received += b"(still open)"
        return received


def test_0190_answers_late_but_accepts_at_once(carrier: Sandbox) -> None:
    began = time.monotonic()
    assert raw_exchange(carrier, number("0190"), seconds=0.5) == b"(still open)"
    assert accepted(carrier) == 1
    reply = carrier.send(number("0190"))
    assert reply.status_code == 201
    assert 2.0 <= time.monotonic() - began - 0.5 < 5.0


def test_0191_is_limited_twice_then_accepts(carrier: Sandbox) -> None:
    replies = [carrier.send(number("0191")) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 201]
    assert [reply.headers.get("retry-after") for reply in replies] == ["1", "1", None]
    assert replies[0].json()["code"] == 20429
    assert accepted(carrier) == 1


def test_0192_fails_once_without_accepting(carrier: Sandbox) -> None:
    assert carrier.send(number("0192")).json()["code"] == 20500
    assert accepted(carrier) == 0
    assert carrier.send(number("0192")).status_code == 201
    assert accepted(carrier) == 1


def test_0193_accepts_and_closes_without_a_byte(carrier: Sandbox) -> None:
    assert raw_exchange(carrier, number("0193")) == b""
    assert accepted(carrier) == 1
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        carrier.send(number("0193"))
    assert carrier.get("/sandbox/summary")["faults"] == {"rate_drop": 2}


def test_0194_is_undelivered(carrier: Sandbox, receiver: Receiver) -> None:
    sid = carrier.send(number("0194"), StatusCallback=receiver.url).json()["sid"]
    posted = receiver.wait(2)
    assert [one.status for one in posted] == ["sent", "undelivered"]
    assert [one.form.get("ErrorCode") for one in posted] == [None, "30003"]
    assert {one.form["MessageSid"] for one in posted} == {sid}


def test_0195_posts_receipts_before_the_answer(carrier: Sandbox, receiver: Receiver) -> None:
    reply = carrier.send(number("0195"), StatusCallback=receiver.url)
    # Read before anything could still arrive: they were there when the answer came.
    assert [one.status for one in receiver.posted] == ["sent", "delivered"]
    assert reply.json()["status"] == "queued"
    assert reply.json()["sid"] == receiver.posted[0].form["MessageSid"]


def test_0196_posts_every_receipt_twice_and_in_reverse(
    carrier: Sandbox, receiver: Receiver
) -> None:
    carrier.send(number("0196"), StatusCallback=receiver.url)
    assert [one.status for one in receiver.wait(4)] == ["delivered"] * 2 + ["sent"] * 2


def test_0197_posts_no_receipt(carrier: Sandbox, receiver: Receiver) -> None:
    carrier.send(number("0197"), StatusCallback=receiver.url)
    assert carrier.get("/sandbox/summary")["receipts"]["pending"] == 0
    carrier.send(number("0123"), StatusCallback=receiver.url)
    sids = {one.form["To"] for one in receiver.wait(2)}
    assert sids == {number("0123")}


def test_0198_hangs_before_it_accepts_and_does_not_keep_the_process(start: Start) -> None:
    sandbox = start()
    assert raw_exchange(sandbox, number("0198"), seconds=0.5) == b"(still open)"
    assert accepted(sandbox) == 0
    assert sandbox.stop() < 2.0
    assert sandbox.process.returncode == 0


def test_0199_is_refused_as_unsubscribed(carrier: Sandbox) -> None:
    reply = carrier.send(number("0199"))
    assert (reply.status_code, reply.json()["code"]) == (400, 21610)
    assert accepted(carrier) == 0
