from __future__ import annotations

import base64
import json
import socket
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.sandbox.carrier import SENDER, Receiver, Sandbox, Start

M = "0192f0c1-7a4e-7b3e-8a53-000000000001"


def number(suffix: str) -> str:
    return f"+1202555{suffix}"


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


def accepted(sandbox: Sandbox) -> int:
    count: int = sandbox.get("/sandbox/summary")["accepted"]
    return count


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


def test_receipts_are_signed_and_ordered(carrier: Sandbox, receiver: Receiver) -> None:
    url = f"{receiver.url}?m={M}&e=1"
    sid = carrier.send(number("0123"), StatusCallback=f"{url}#rc=2&rp=all").json()["sid"]
    posted = receiver.wait(2)
    assert [one.status for one in posted] == ["sent", "delivered"]
    for one in posted:
        assert one.path == f"/receipts?m={M}&e=1"
        assert one.form["SmsSid"] == one.form["MessageSid"] == sid
        assert one.form["SmsStatus"] == one.status
        assert (one.form["To"], one.form["From"]) == (number("0123"), SENDER)
        assert (one.form["AccountSid"], one.form["ApiVersion"]) == (carrier.account, "2010-04-01")
        signature = one.headers["x-twilio-signature"]
        assert RequestValidator(carrier.token).validate(url, one.form, signature)
        assert not RequestValidator("other").validate(url, one.form, signature)
    row = carrier.get("/sandbox/ledger")[0]
    assert posted[0].at >= row["at"]
    assert (row["sid"], row["m"], row["e"], row["status"]) == (sid, M, 1, "delivered")


@pytest.mark.parametrize(
    ("fragment", "answers", "expected", "counts"),
    [
        ("", [500], ["sent", "delivered"], (1, 1)),
        ("#rc=2&rp=all", [500, 429], ["sent", "sent", "sent", "delivered"], (2, 0)),
        ("#rc=1&rp=5xx", [503, 503], ["sent", "sent", "delivered"], (1, 1)),
        ("#rc=2&rp=5xx", [404], ["sent", "delivered"], (1, 1)),
    ],
)
def test_failed_receipts_are_repeated_as_the_callback_asks(
    carrier: Sandbox,
    receiver: Receiver,
    fragment: str,
    answers: list[int],
    expected: list[str],
    counts: tuple[int, int],
) -> None:
    receiver.answers.extend(answers)
    carrier.send(number("0123"), StatusCallback=receiver.url + fragment)
    assert [one.status for one in receiver.wait(len(expected))] == expected
    deadline = time.monotonic() + 5
    while (receipts := carrier.get("/sandbox/summary")["receipts"])["pending"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (receipts["sent"], receipts["failed"]) == counts


def test_receipts_nobody_takes_are_given_up(carrier: Sandbox) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        carrier.send(number("0123"), StatusCallback=f"http://127.0.0.1:{port}/r#rc=0")
        carrier.send(number("0123"), StatusCallback="http://127.0.0.1:99999/r#rc=0")
        deadline = time.monotonic() + 10
        while carrier.get("/sandbox/summary")["receipts"]["failed"] < 4:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_receipts_are_optional_and_queued_can_be_added(start: Start, receiver: Receiver) -> None:
    quiet = start("--no-receipts")
    quiet.send(number("0123"), StatusCallback=receiver.url)
    assert quiet.get("/sandbox/summary")["receipts"] == {"sent": 0, "failed": 0, "pending": 0}
    full = start("--receipt-queued", "--receipt-delay", "0")
    full.send(number("0124"), StatusCallback=receiver.url)
    posted = receiver.wait(3)
    assert [one.status for one in posted] == ["queued", "sent", "delivered"]
    assert {one.form["To"] for one in posted} == {number("0124")}


def test_the_ledger_is_read_in_pages_and_tells_repeats(carrier: Sandbox) -> None:
    def callback(m: str, e: int) -> str:
        return f"http://127.0.0.1:9/r?m={m}&e={e}"

    for m, e in [("a", 1), ("b", 1), ("a", 2), ("c", 1)]:
        carrier.send(number("0197"), StatusCallback=callback(m, e))
    carrier.send(number("0123"), body="same")
    carrier.send(number("0123"), body="same")
    carrier.send(number("0123"), body="other")
    first = carrier.get("/sandbox/ledger?limit=4")
    rest = carrier.get(f"/sandbox/ledger?after={first[-1]['index']}&limit=4")
    rows = first + rest
    assert [(row["m"], row["e"]) for row in first] == [("a", 1), ("b", 1), ("a", 2), ("c", 1)]
    assert [row["index"] for row in rows] == list(range(rows[0]["index"], rows[0]["index"] + 7))
    assert carrier.get(f"/sandbox/ledger?after={rows[-1]['index']}") == []
    summary = carrier.get("/sandbox/summary")
    assert (summary["accepted"], summary["distinct"], summary["duplicated"]) == (7, 5, 2)
    carrier.http.delete("/sandbox/ledger").raise_for_status()
    assert carrier.get("/sandbox/summary")["accepted"] == 0
    carrier.send(number("0123"))
    # A reader's cursor stays valid: indexes go on.
    after = carrier.get(f"/sandbox/ledger?after={rows[-1]['index']}")
    assert [row["index"] for row in after] == [rows[-1]["index"] + 1]


@pytest.mark.parametrize("query", ["after=x", "limit=0", "limit=100000", "after=-1"])
def test_a_bad_ledger_query_is_refused(carrier: Sandbox, query: str) -> None:
    assert carrier.http.get(f"/sandbox/ledger?{query}").status_code == 400


def test_the_ledger_file_survives_a_crash(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    sandbox = start("--ledger-file", str(file))
    sids = [sandbox.send(number("0123"), body=str(n)).json()["sid"] for n in range(5)]
    sandbox.process.kill()
    sandbox.process.wait(timeout=5)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["sid"] for row in rows] == sids
    assert "body" not in rows[0]


def outcomes(sandbox: Sandbox, epoch: int) -> list[int]:
    found = []
    for n in range(60):
        url = f"http://127.0.0.1:9/r?m=message-{n}&e={epoch}"
        try:
            found.append(sandbox.send(number("0123"), StatusCallback=url).status_code)
        except httpx.RemoteProtocolError:
            found.append(0)
    return found


def test_rates_repeat_with_the_seed_and_change_with_the_epoch(start: Start) -> None:
    rates = ["--rate-429", "0.2", "--rate-500", "0.2", "--rate-500-accepted", "0.2"]
    rates += ["--rate-drop", "0.2", "--no-receipts"]
    one, same, other = (start(*rates, "--seed", seed) for seed in ("7", "7", "8"))
    first = outcomes(one, epoch=1)
    counted = Counter(first)
    assert set(counted) == {0, 201, 429, 500}
    assert first == outcomes(same, epoch=1)
    assert first != outcomes(other, epoch=1)
    assert first != outcomes(one, epoch=2)
    faults = same.get("/sandbox/summary")["faults"]
    assert faults["rate_429"] == counted[429]
    assert faults["rate_drop"] == counted[0]
    assert faults["rate_500"] + faults["rate_500_accepted"] == counted[500]
    assert accepted(same) == 60 - counted[429] - faults["rate_500"]


def test_faults_change_while_it_runs(start: Start) -> None:
    healthy, slow = "AC" + "a" * 32, "AC" + "b" * 32
    sandbox = start("--account", f"{healthy}:t", "--account", f"{slow}:t", "--latency", "10ms")

    def post(account: str, seconds: float) -> httpx.Response:
        return sandbox.http.post(
            f"/2010-04-01/Accounts/{account}/Messages.json",
            data={"To": number("0123"), "From": SENDER, "Body": "hello"},
            auth=(account, "t"),
            timeout=seconds,
        )

    changed = sandbox.http.post("/sandbox/faults", json={"account": slow, "latency": 30})
    assert changed.json()["accounts"][slow]["latency"] == 30
    with pytest.raises(httpx.ReadTimeout):
        post(slow, 0.5)
    assert post(healthy, 5).status_code == 201
    sandbox.http.post("/sandbox/faults", json={"account": slow, "reset": True})
    assert post(slow, 5).status_code == 201
    assert sandbox.get("/sandbox/summary")["accepted"] == 3
    for body, status in [
        ({"account": "AC0", "latency": 1}, 404),
        ({"rate_drop": 2}, 400),
        ({"rain": 1}, 400),
        ([], 400),
    ]:
        assert sandbox.http.post("/sandbox/faults", json=body).status_code == status
    assert sandbox.http.post("/sandbox/faults", content=b"{").status_code == 400


def test_it_ends_cleanly_and_can_be_configured_by_the_environment(start: Start) -> None:
    sandbox = start(POSTHORN_SANDBOX_NUMBERS="+12025550177")
    assert sandbox.get("/livez") == {"status": "ok"}
    assert sandbox.send(number("0123")).json()["code"] == 21606
    assert sandbox.stop() < 2.0
    assert sandbox.process.returncode == 0


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /livez HTTP/1.0\r\n\r\n", b"200"),
        (
            b"POST /sandbox/faults HTTP/1.1\r\nHost: x\r\nContent-Length: 1100000\r\n\r\n"
            + b"x" * 1_100_000,
            b"413",
        ),
    ],
)
def test_odd_requests_get_an_answer(carrier: Sandbox, request_bytes: bytes, status: bytes) -> None:
    address = urlsplit(carrier.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=5) as sock:
        sock.sendall(request_bytes)
        assert sock.recv(65536).split(b" ")[1] == status


def test_requests_sent_at_once_are_answered_in_order(carrier: Sandbox) -> None:
    address = urlsplit(carrier.url)
    assert address.hostname is not None
    first = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address.hostname, address.port or 0), timeout=5) as sock:
        sock.sendall(first + first + last)
        received = b""
        while part := sock.recv(65536):
            received += part
    statuses = [part.split(b" ")[0] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404"]
