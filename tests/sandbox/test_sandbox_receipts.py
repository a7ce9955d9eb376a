from __future__ import annotations

import socket
import time

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from tests.sandbox.carrier import SENDER, Receiver, Sandbox, Start, number

M = "0192f0c1-7a4e-7b3e-8a53-000000000001"


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
