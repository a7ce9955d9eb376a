"""SendGrid: the request, and its reply."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.lifecycle import Status
from messaging.domain.message import Channel, Parts
from messaging.providers import get
from tests.providers.conformance import BODY, REFERENCE, account, outbound
from tests.providers.dialects.sendgrid import (
    FROM,
    ID,
    TO,
)

SENDGRID = get("sendgrid")
ACCOUNT = account("sendgrid")
SPEC = next(Path(__file__).parents[3].glob("*/specs/sendgrid_mail_send.json"), None)
OUT = replace(
    outbound(
        to=TO,
        sender=FROM,
        channel=Channel.EMAIL,
        parts=Parts(
            subject="Ação", html="<p>Olá</p>", from_name="Ann Ltd", reply_to="help@example.com"
        ),
    ),
    unsubscribe_url="https://hooks.example.com/u/abc",
)


def sent(**changes: Any) -> dict[str, Any]:
    request = SENDGRID.request(ACCOUNT, replace(OUT, **changes))
    content: dict[str, Any] = json.loads(request.content)
    return content


def test_the_request_is_what_the_api_wants() -> None:
    request = SENDGRID.request(ACCOUNT, OUT)
    assert str(request.url) == "http://127.0.0.1:4010/v3/mail/send"
    assert request.headers["authorization"] == f"Bearer {ACCOUNT.secret}"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {
        "personalizations": [{"to": [{"email": TO}], "custom_args": {"posthorn_attempt": REFERENCE}}],
        "from": {"email": FROM, "name": "Ann Ltd"},
        "reply_to": {"email": "help@example.com"},
        "subject": "Ação",
        "content": [
            {"type": "text/plain", "value": BODY},
            {"type": "text/html", "value": "<p>Olá</p>"},
        ],
        "headers": {
            "X-Posthorn-Attempt": REFERENCE,
            "List-Unsubscribe": "<https://hooks.example.com/u/abc>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }  # fmt: skip


def test_a_bare_mail_has_only_what_it_needs() -> None:
    mail = sent(parts=None, unsubscribe_url=None)
    assert mail.keys() == {"personalizations", "from", "content", "headers"}
    assert mail["headers"] == {"X-Posthorn-Attempt": REFERENCE}
    assert mail["content"] == [{"type": "text/plain", "value": BODY}]
    html = sent(body="", parts=Parts(subject="x", html="<p>x</p>"))
    assert [part["type"] for part in html["content"]] == ["text/html"]


@given(subject=st.text(max_size=60), name=st.text(max_size=60), to=st.text(max_size=40))
def test_no_line_break_ever_reaches_a_header(subject: str, name: str, to: str) -> None:
    hidden = "=?utf-8?q?Hello=0D=0ABcc=3A_evil=40example=2Ecom?="
    parts = Parts(subject=subject + hidden, from_name=name + "\r\n", reply_to=to + "\n")
    mail = sent(parts=parts, to=to)
    for value in (mail.get("subject", ""), mail["from"].get("name", "")):
        assert not {"\r", "\n", "\0"} & set(value)
        assert "=?utf-8?q?Hello=0D" not in value
    assert "\n" not in mail["personalizations"][0]["to"][0]["email"]


@pytest.mark.skipif(SPEC is None, reason="SendGrid's API description is not beside the repository")
def test_the_mail_fits_sendgrids_own_description() -> None:
    assert SPEC is not None
    whole = json.loads(SPEC.read_text())
    schema = {**whole["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]["schema"], "components": whole["components"]}  # fmt: skip
    check = Draft202012Validator(schema)
    for changes in ({}, {"parts": None}, {"unsubscribe_url": None}):
        content = sent(**changes)
        check.validate(content)
        assert content.keys() <= schema["properties"].keys()


def reply(status: int, content: object = None, **headers: str) -> Accepted | Failure:
    encoded = content if isinstance(content, bytes) else orjson.dumps(content)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SENDGRID.outcome(httpx.Response(status, headers=named, content=encoded))


def errors(field: object, message: str = "no") -> dict[str, Any]:
    return {"errors": [{"message": message, "field": field, "help": None}], "id": "x"}


def test_a_good_reply_has_its_name_in_a_header() -> None:
    assert reply(202, b"", x_message_id=ID) == Accepted(ID, "accepted")
    assert reply(200, b"", x_message_id=ID) == Accepted(ID, "sandbox")
    assert reply(202, b"", x_message_id="14c5d75ce93.dfd.64b469") == Accepted(
        "14c5d75ce93.dfd.64b469", "accepted"
    )
    unnamed = reply(202, b"", x_message_id="<no name>")
    assert isinstance(unnamed, Failure)
    assert unnamed.kind is Kind.AMBIGUOUS


REFUSALS = [
    (400, errors("subject"), "http_400", "permanent_config", "failed", "none"),
    (400, errors("null"), "http_400", "permanent_config", "failed", "none"),
    (400, errors("personalizations.0.to.0.email"), "http_400_to", "permanent_recipient", "undeliverable", "none"),
    (400, errors("personalizations.0.to"), "http_400_to", "permanent_recipient", "undeliverable", "none"),
    (400, errors("personalizations.0.subject"), "http_400", "permanent_config", "failed", "none"),
    (401, errors(None), "http_401", "permanent_config", "failed", "none"),
    (401, errors(None, "Maximum credits exceeded"), "credits", "permanent_config", "blocked_billing", "other_provider"),
    (403, errors("from"), "http_403", "permanent_sender", "failed", "other_sender"),
    (404, {}, "http_404", "permanent_config", "failed", "none"),
    (405, {}, "http_405", "permanent_config", "failed", "none"),
    (406, {}, "http_406", "permanent_config", "failed", "none"),
    (413, b"<html>413 Request Entity Too Large</html>", "http_413", "permanent_config", "failed", "none"),
    (429, errors(None), "http_429", "rate_limited", "failed", "other_provider"),
    (500, {}, "http_500", "ambiguous", "failed", "none"),
    (502, {}, "http_502", "ambiguous", "failed", "none"),
    (503, {}, "http_503", "ambiguous", "failed", "none"),
    (504, {}, "http_504", "ambiguous", "failed", "none"),
    (408, {}, "http_408", "ambiguous", "failed", "none"),
    (307, {}, "http_307", "permanent_config", "failed", "none"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "content", "code", "kind", "ending", "failover"), REFUSALS)
def test_a_refusal_is_read(
    status: int, content: object, code: str, kind: str, ending: str, failover: str
) -> None:
    got = reply(status, content)
    assert isinstance(got, Failure)
    assert (got.code, got.kind, got.status) == (code, Kind(kind), Status(ending))
    assert got.failover is Failover(failover)


DATE = "Mon, 02 Mar 2026 12:00:00 GMT"
EPOCH = 1772452800


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x_ratelimit_reset": str(EPOCH + 17), "date": DATE}, 17),
        ({"x_ratelimit_reset": str(EPOCH - 17), "date": DATE}, 0),
        ({"x_ratelimit_reset": str(EPOCH + 999_999), "date": DATE}, 86_400),
        ({"x_ratelimit_reset": "9" * 40, "date": DATE}, 86_400),
        ({"x_ratelimit_reset": str(EPOCH + 17)}, None),
        ({"x_ratelimit_reset": "soon", "date": DATE}, None),
        ({"x_ratelimit_reset": "-5", "date": DATE}, None),
        ({"x_ratelimit_reset": str(EPOCH + 17), "date": DATE, "retry_after": "3"}, 3),
        ({}, None),
    ],
)
def test_how_long_sendgrid_asks_us_to_wait(headers: dict[str, str], wait: int | None) -> None:
    got = reply(429, b"", **headers)
    assert isinstance(got, Failure)
    assert got.retry_after == (None if wait is None else timedelta(seconds=wait))
