"""Somebody writes to one of the carrier's numbers."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.sandbox.twilio_receipts import opt_out_type
from tests.sandbox.carrier import SENDER, Receiver, Sandbox, Start, number

MESSAGE = {"from": number("0123"), "to": SENDER, "body": "Hello 👋 & goodbye"}


def write(sandbox: Sandbox, **fields: Any) -> Any:
    return sandbox.http.post("/sandbox/inbound", json={**MESSAGE, **fields})


def test_it_is_posted_signed_as_twilio_does(carrier: Sandbox, receiver: Receiver) -> None:
    url = f"{receiver.url}?a=1"
    answer = write(carrier, url=url)
    assert answer.status_code == 200
    (posted,) = receiver.posted
    assert answer.json() == {
        "sid": posted.form["MessageSid"],
        "opt_out_type": None,
        "answered": 204,
    }
    assert (posted.form["From"], posted.form["To"]) == (number("0123"), SENDER)
    assert (posted.form["Body"], posted.form["SmsStatus"]) == ("Hello 👋 & goodbye", "received")
    assert "OptOutType" not in posted.form
    signature = posted.headers["x-twilio-signature"]
    assert RequestValidator(carrier.token).validate(url, posted.form, signature)


def test_it_can_be_posted_again(carrier: Sandbox, receiver: Receiver) -> None:
    sid = write(carrier, url=receiver.url, body="STOP").json()["sid"]
    write(carrier, url=receiver.url, body="STOP", sid=sid)
    one, two = receiver.posted
    assert one.form == two.form
    assert one.form["OptOutType"] == "STOP"


def test_an_account_may_handle_opt_outs_itself(carrier: Sandbox, receiver: Receiver) -> None:
    assert (
        write(carrier, url=receiver.url, body="STOP", handled=False).json()["opt_out_type"] is None
    )
    assert "OptOutType" not in receiver.posted[0].form


def test_the_configured_address_is_used(start: Start, receiver: Receiver) -> None:
    sandbox = start("--inbound-url", receiver.url)
    receiver.answers.append(403)
    assert write(sandbox).json()["answered"] == 403
    assert write(sandbox).json()["answered"] == 204


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("STOP", "STOP"), (" stopall ", "STOP"), ("Revoke", "STOP"), ("optout", "STOP"),
        ("STOP PLEASE", None), ("Stop.", None), ("start", "START"), ("yes", "START"),
        ("help", "HELP"), ("INFO", "HELP"), ("", None), ("sair", None),
    ],
)  # fmt: skip
def test_twilio_reads_whole_words_only(body: str, kind: str | None) -> None:
    assert opt_out_type(body) == kind


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"url": "http://127.0.0.1:1/"}, 502),
        ({"url": "nowhere"}, 502),
        ({"url": "http://127.0.0.1:1/", "account": "AC" + "9" * 32}, 404),
        ({"url": "http://127.0.0.1:1/", "colour": "red"}, 400),
        ({"url": "http://127.0.0.1:1/", "body": 7}, 400),
        ({"url": "http://127.0.0.1:1/", "body": "x" * 1601}, 400),
    ],
)
def test_what_cannot_be_posted_says_why(
    carrier: Sandbox, fields: dict[str, Any], status: int
) -> None:
    answer = write(carrier, **fields)
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"from": "+12025550123"}'])
def test_what_is_no_request_is_refused(carrier: Sandbox, content: bytes) -> None:
    assert carrier.http.post("/sandbox/inbound", content=content).status_code == 400
