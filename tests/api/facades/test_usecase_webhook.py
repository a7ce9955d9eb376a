"""Twilio's receipts at the use-case document's address: whose they are, signed, kept once, or refused."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from messaging import receipts
from messaging.domain.message import ProviderAccount
from messaging.runtime import Runtime
from messaging.store import accounts
from messaging.store import tables as t
from tests.api.conftest import PUBLIC_URL, Caller
from tests.api.facades.people import PHONE

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


def attempted(rt: Runtime, http: httpx.Client, caller: Caller, account: ProviderAccount) -> str:
    """A message of a use case that Twilio has as SM111...; its id."""
    use_case = http.post("/v1/use-cases", json={"name": "alerts", "pool": "main"}).json()["id"]
    asked = {"use_case_id": use_case, "to_phone_number": PHONE, "message": "Hi"}
    id_ = http.post("/usecase/v1/sms/", json=asked).json()["id"]
    sid = form_of(account)["MessageSid"]
    sent = {"status": "sent", "epoch": 1, "provider_message_id": sid}
    sent |= {"sending_started_at": rt.now(), "sent_at": rt.now()}
    attempt = {"message_id": id_, "epoch": 1, "account_id": account.id, "started_at": rt.now()}
    attempt |= {"sender_id": caller.sender.id, "selection_reason": "HealthyPool"}
    attempt |= {"outcome": "accepted", "settled_by": "reply", "provider_message_id": sid}
    with rt.engine.begin() as db:
        db.execute(sa.delete(t.ready).where(t.ready.c.message_id == id_))
        mine = sa.update(t.messages).where(t.messages.c.id == id_)
        db.execute(mine.values(sender_id=caller.sender.id, **sent))
        db.execute(sa.insert(t.attempts).values(**attempt))
    return str(id_)


def test_receipts_move_a_message_forward_only_and_once(
    rt: Runtime,
    http: httpx.Client,
    anonymous: httpx.Client,
    caller: Caller,
    subaccount: ProviderAccount,
) -> None:
    id_ = attempted(rt, http, caller, subaccount)
    before = http.get(f"/usecase/v1/sms/{id_}").json()
    assert (before["status"], before["delivered_at"]) == ("sent", None)
    for status in ("delivered", "delivered", "sent", "queued"):
        form = form_of(subaccount, status)
        assert post(anonymous, form, subaccount.secret).status_code == 204
        receipts.apply(rt)
        found = http.get(f"/usecase/v1/sms/{id_}").json()
        assert (found["status"], found["error_code"]) == ("delivered", None)
        assert found["delivered_at"]
        before = before | {n: found[n] for n in ("status", "delivered_at", "updated_at")}
        assert found == before
