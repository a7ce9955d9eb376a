from __future__ import annotations

import json
import signal
import socket
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import typer
from typer.testing import CliRunner

from messaging.sandbox.command import sandbox as command
from messaging.sandbox.command import seconds
from tests.sandbox.carrier import SENDER, Sandbox, Start, accepted, number

app = typer.Typer()
app.command()(command)


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


def test_an_interrupt_ends_it_with_receipts_pending(start: Start) -> None:
    sandbox = start("--receipt-delay", "30s")
    sandbox.send(number("0123"), StatusCallback="http://127.0.0.1:9/r")
    assert sandbox.get("/sandbox/summary")["receipts"]["pending"] == 2
    sandbox.process.send_signal(signal.SIGINT)
    assert sandbox.process.wait(timeout=2) == 0


def test_a_taken_port_is_said_plainly(carrier: Sandbox) -> None:
    port = str(urlsplit(carrier.url).port)
    found = CliRunner().invoke(app, ["--port", port])
    assert found.exit_code == 1
    assert "the sandbox cannot start" in found.output


@pytest.mark.parametrize(
    "options",
    [
        ["--latency", "fast"],
        ["--account", "AC1:token"],
        ["--account", "AC" + "0" * 32],
        ["--receipt-statuses", "sent,read"],
        ["--rate-drop", "1.5"],
        ["--latency", "100000s"],
    ],
)
def test_bad_options_are_refused(options: list[str]) -> None:
    found = CliRunner().invoke(app, options)
    assert found.exit_code == 2
    assert "Invalid value" in found.output


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0.0), ("150ms", 0.15), ("2s", 2.0), ("0.25", 0.25), (".5s", 0.5)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected
