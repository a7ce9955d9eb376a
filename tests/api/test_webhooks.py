"""Receipts, signed as Twilio's own library signs them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging import callbacks
from messaging.runtime import Runtime
from messaging.store import tables as t

FORM = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered", "To": "+12025550123"}


def address(rt: Runtime, caller: Any) -> tuple[str, str]:
    """The public address of an attempt's receipts, and its path and query."""
    url = callbacks.address(rt.settings, caller.account, rt.new_id(), 1)
    return url, url.removeprefix(rt.settings.public_url)


def signed(url: str, token: str, form: dict[str, str]) -> dict[str, str]:
    signature = RequestValidator(token).compute_signature(url, form)
    return {
        "X-Twilio-Signature": signature,
        "Content-Type": "application/x-www-form-urlencoded",
    }


def stored(rt: Runtime, caller: Any) -> list[Any]:
    r = t.raw_receipts.c
    query = sa.select(r.url, r.body, r.message_id, r.epoch, r.repeats).where(
        r.account_id == caller.account.id
    )
    with rt.engine.connect() as db:
        return list(db.execute(query))


def test_a_receipt_is_kept_as_it_came(anonymous: httpx.Client, rt: Runtime, caller: Any) -> None:
    url, target = address(rt, caller)
    content = urlencode(FORM).encode()
    headers = signed(url, caller.account.secret, FORM)
    answer = anonymous.post(target, content=content, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    (row,) = stored(rt, caller)
    assert (row.url, bytes(row.body), row.epoch) == (url, content, 1)
    assert str(row.message_id) in url


def test_a_repeat_is_counted_and_not_kept_again(
    anonymous: httpx.Client, rt: Runtime, caller: Any
) -> None:
    url, target = address(rt, caller)
    headers = signed(url, caller.account.secret, FORM)
    for _ in range(2):
        assert anonymous.post(target, data=FORM, headers=headers).status_code == 204
    (row,) = stored(rt, caller)
    assert row.repeats == 1


@pytest.mark.parametrize("what", ["token", "body", "query", "provider", "account", "unsigned"])
def test_what_is_not_signed_by_the_account_is_refused(
    anonymous: httpx.Client, rt: Runtime, caller: Any, stranger: Any, what: str
) -> None:
    url, target = address(rt, caller)
    form = dict(FORM)
    token = "another-token" if what == "token" else caller.account.secret
    headers = signed(url, token, form)
    if what == "body":
        form["MessageStatus"] = "failed"
    if what == "query":
        target = target.replace("&e=1", "&e=2")
    if what == "provider":
        target = target.replace("/twilio/", "/telnyx/")
    if what == "account":
        target = target.replace(str(caller.account.id), str(rt.new_id()))
    if what == "unsigned":
        del headers["X-Twilio-Signature"]
    answer = anonymous.post(target, data=form, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert stored(rt, caller) == stored(rt, stranger) == []


def test_the_host_header_decides_nothing(anonymous: httpx.Client, rt: Runtime, caller: Any) -> None:
    url, target = address(rt, caller)
    headers = signed(url, caller.account.secret, FORM) | {"Host": "evil.example"}
    assert anonymous.post(target, data=FORM, headers=headers).status_code == 204
    forged = url.replace("posthorn.example", "evil.example")
    headers = signed(forged, caller.account.secret, FORM) | {"Host": "evil.example"}
    assert anonymous.post(target, data=FORM, headers=headers).status_code == 403
