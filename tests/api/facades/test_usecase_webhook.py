"""Twilio's receipts at the use-case document's address: whose they are, signed, kept once, or refused."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging.domain.message import ProviderAccount
from messaging.runtime import Runtime
from messaging.store import accounts
from messaging.store import tables as t
from tests.api.conftest import PUBLIC_URL, Caller

PATH = "/usecase/v1/webhook/twilio/sms-status"


@pytest.fixture
def subaccount(rt: Runtime, caller: Caller) -> ProviderAccount:
    id_ = rt.new_id()
    made = replace(
        caller.account,
        id=id_,
        name="sub",
        username="AC" + secrets.token_hex(16),
        secret=secrets.token_hex(16),
    )
    with rt.engine.begin() as db:
        accounts.add_account(db, made, (), rt.sealer)
    return made


def form_of(account: ProviderAccount, status: str = "delivered") -> dict[str, str]:
    sid = "SM" + "1" * 32
    return {"AccountSid": account.username, "MessageSid": sid, "MessageStatus": status}


def post(
    http: httpx.Client, form: dict[str, str], secret: str, *, query: str = "", url: str = ""
) -> httpx.Response:
    signed = url or PUBLIC_URL + PATH + query
    signature = str(RequestValidator(secret).compute_signature(signed, form))
    return http.post(PATH + query, data=form, headers={"X-Twilio-Signature": signature})


def kept(rt: Runtime, account: ProviderAccount) -> list[Any]:
    r = t.raw_receipts.c
    with rt.engine.connect() as db:
        found = db.execute(sa.select(r.repeats, r.url).where(r.account_id == account.id))
        return [tuple(row) for row in found]


def test_a_receipt_of_an_unknown_message_is_acknowledged_and_kept_once(
    rt: Runtime, anonymous: httpx.Client, subaccount: ProviderAccount
) -> None:
    for _ in range(3):
        answer = post(anonymous, form_of(subaccount), subaccount.secret)
        assert (answer.status_code, answer.content) == (204, b"")
    assert kept(rt, subaccount) == [(2, PUBLIC_URL + PATH)]


def test_a_query_is_part_of_what_is_signed(
    rt: Runtime, anonymous: httpx.Client, subaccount: ProviderAccount
) -> None:
    answer = post(anonymous, form_of(subaccount), subaccount.secret, query="?a=1&b=%C3%A9")
    assert answer.status_code == 204
    assert len(kept(rt, subaccount)) == 1


@pytest.mark.parametrize(
    ("change", "secret", "url"),
    [
        ({}, "another-secret", ""),
        ({}, "", "https://elsewhere.example" + PATH),
        ({"AccountSid": "AC" + "f" * 32}, "", ""),
        ({"AccountSid": ""}, "", ""),
        ({"AccountSid": "x' OR 1=1 --"}, "", ""),
    ],
)
def test_what_the_account_did_not_sign_is_refused(
    rt: Runtime,
    anonymous: httpx.Client,
    subaccount: ProviderAccount,
    change: dict[str, str],
    secret: str,
    url: str,
) -> None:
    form = form_of(subaccount) | change
    answer = post(anonymous, form, secret or subaccount.secret, url=url)
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "Request signature validation failed",
    )
    assert kept(rt, subaccount) == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{}", b"a&" * 500, b"AccountSid=%00"])
def test_what_is_no_receipt_at_all_is_refused(anonymous: httpx.Client, body: bytes) -> None:
    assert anonymous.post(PATH, content=body).status_code == 403


def test_another_tenants_secret_is_not_believed_for_this_account(
    rt: Runtime, anonymous: httpx.Client, subaccount: ProviderAccount, stranger: Caller
) -> None:
    answer = post(anonymous, form_of(subaccount), stranger.account.secret)
    assert answer.status_code == 403
    assert kept(rt, subaccount) == []
