"""What is the same whichever provider's protocol is spoken: faults, ledger, accounts, receipts' order."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from messaging.sandbox import DEFAULTS, TELNYX_PUBLIC_KEY, Account
from messaging.sandbox.config import PROVIDERS, with_defaults
from messaging.sandbox.dialects import DIALECTS
from messaging.sandbox.faults import Fate, Refusal
from tests.sandbox.carrier import Receiver, Sandbox, Start, accepted, number
from tests.sandbox.speaking import SPEECHES, Speech

every = pytest.mark.parametrize("speech", SPEECHES, ids=lambda speech: speech.provider)


def test_every_provider_has_a_protocol_an_account_and_words_for_everything() -> None:
    assert {kind.provider for kind in DIALECTS} == set(PROVIDERS)
    assert {account.provider for account in DEFAULTS} == set(PROVIDERS)
    for kind in DIALECTS:
        assert set(kind.codes) == set(Fate)
        assert set(kind.refusals) >= {Refusal.RATE_LIMITED, Refusal.INTERNAL}


@every
def test_it_accepts_tells_and_keeps(carrier: Sandbox, receiver: Receiver, speech: Speech) -> None:
    reply = speech.send(carrier, speech.address("0123"), receiver.url)
    posted = receiver.wait(2)
    assert [speech.status(one) for one in posted] == list(speech.statuses[:2])
    assert [speech.code(one) for one in posted] == [None, None]
    (row,) = carrier.get("/sandbox/ledger")
    assert (row["provider"], row["account"]) == (speech.provider, speech.account)
    assert (row["sid"], row["to"]) == (speech.sid(reply), speech.address("0123"))
    assert (row["kind"], row["flash"], row["media"]) == (speech.kind, False, 0)
    assert carrier.get("/sandbox/summary")["providers"] == {speech.provider: 1}


@every
def test_0190_answers_late_but_accepts_at_once(carrier: Sandbox, speech: Speech) -> None:
    carrier.http.timeout = httpx.Timeout(0.3)
    try:
        with pytest.raises(httpx.ReadTimeout):
            speech.send(carrier, speech.address("0190"))
    finally:
        carrier.http.timeout = httpx.Timeout(10)
    assert accepted(carrier) == 1


@every
def test_0191_is_limited_twice_then_accepts(carrier: Sandbox, speech: Speech) -> None:
    replies = [speech.send(carrier, speech.address("0191")) for _ in range(3)]
    assert [speech.limited(reply) for reply in replies[:2]] == [True, True]
    assert speech.sid(replies[2])
    assert accepted(carrier) == 1


@every
def test_0192_fails_once_without_accepting(carrier: Sandbox, speech: Speech) -> None:
    assert speech.broken(speech.send(carrier, speech.address("0192")))
    assert accepted(carrier) == 0
    assert speech.sid(speech.send(carrier, speech.address("0192")))


@every
def test_0193_accepts_and_closes_without_a_byte(carrier: Sandbox, speech: Speech) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        speech.send(carrier, speech.address("0193"))
    assert accepted(carrier) == 1


@every
def test_0194_is_undelivered(carrier: Sandbox, receiver: Receiver, speech: Speech) -> None:
    speech.send(carrier, speech.address("0194"), receiver.url)
    if not speech.unreachable:
        (sent,) = receiver.wait(1)
        assert speech.status(sent) == speech.statuses[0]
        return
    sent, failed = receiver.wait(2)
    assert (speech.status(sent), speech.status(failed)) == (speech.statuses[0], speech.statuses[2])
    assert (speech.code(sent), speech.code(failed)) == (None, speech.unreachable)


@every
def test_0195_posts_receipts_before_the_answer(
    carrier: Sandbox, receiver: Receiver, speech: Speech
) -> None:
    reply = speech.send(carrier, speech.address("0195"), receiver.url)
    assert [speech.status(one) for one in receiver.posted] == list(speech.statuses[:2])
    assert speech.sid(reply)


@every
def test_0196_posts_every_receipt_twice_and_in_reverse(
    carrier: Sandbox, receiver: Receiver, speech: Speech
) -> None:
    speech.send(carrier, speech.address("0196"), receiver.url)
    sent, delivered, _ = speech.statuses
    assert [speech.status(one) for one in receiver.wait(4)] == [delivered] * 2 + [sent] * 2


@every
def test_0197_posts_no_receipt(carrier: Sandbox, receiver: Receiver, speech: Speech) -> None:
    assert speech.sid(speech.send(carrier, speech.address("0197"), receiver.url))
    assert carrier.get("/sandbox/summary")["receipts"]["pending"] == 0


@every
def test_0199_has_opted_out(carrier: Sandbox, receiver: Receiver, speech: Speech) -> None:
    reply = speech.send(carrier, speech.address("0199"), receiver.url)
    if speech.refuses_opted_out:
        assert speech.sid(reply) is None
        assert reply.status_code == 400
        assert speech.opted_out in reply.text
        assert accepted(carrier) == 0
        return
    # What is dropped was never processed.
    *_, told = receiver.wait(1 if speech.opted_out_status == "dropped" else 2)
    assert (speech.status(told), speech.code(told)) == (speech.opted_out_status, speech.opted_out)


@every
def test_accepted_and_answered_with_500(start: Start, speech: Speech) -> None:
    sandbox = start("--rate-500-accepted", "1")
    assert speech.send(sandbox, speech.address("0123")).status_code == 500
    assert accepted(sandbox) == 1


@every
def test_a_receipt_nobody_took_comes_again(
    carrier: Sandbox, receiver: Receiver, speech: Speech
) -> None:
    receiver.answers.append(503)
    speech.send(carrier, speech.address("0123"), receiver.url)
    sent, delivered, _ = speech.statuses
    assert [speech.status(one) for one in receiver.wait(3)] == [sent, sent, delivered]


def test_one_account_suffers_beside_the_healthy_of_others(carrier: Sandbox) -> None:
    ill, *healthy = SPEECHES[1:]
    carrier.http.post("/sandbox/faults", json={"account": ill.account, "rate_429": 1})
    try:
        assert ill.limited(ill.send(carrier, ill.address("0123")))
        assert all(one.sid(one.send(carrier, one.address("0123"))) for one in healthy)
    finally:
        carrier.http.post("/sandbox/faults", json={"account": ill.account, "reset": True})
    assert accepted(carrier) == len(healthy)


def test_a_message_without_an_address_tells_its_account(start: Start, receiver: Receiver) -> None:
    by_name = {speech.provider: speech for speech in SPEECHES}
    telnyx, vonage = by_name["telnyx"], by_name["vonage"]
    sandbox = start("--webhook", f"{telnyx.account}={receiver.url}", "--receipt-delay", "1ms")
    telnyx.send(sandbox, number("0123"))
    assert {telnyx.status(one) for one in receiver.wait(2)} == set(telnyx.statuses[:2])
    changed = {"account": vonage.account, "webhook_url": f"{receiver.url}?late"}
    sandbox.http.post("/sandbox/accounts", json=changed).raise_for_status()
    vonage.send(sandbox, number("0123"))
    assert [one.path for one in receiver.wait(4)[2:]] == ["/receipts?late"] * 2


def test_accounts_show_what_verifies_their_webhooks(carrier: Sandbox) -> None:
    shown = {row["account"]: row for row in carrier.get("/sandbox/accounts")}
    assert {name: row["provider"] for name, row in shown.items()} == {
        account.sid: account.provider for account in DEFAULTS
    }
    assert shown["telnyx"]["webhook_key"] == TELNYX_PUBLIC_KEY
    secrets = {account.token for account in DEFAULTS if account.provider != "twilio"}
    assert not secrets & {str(value) for row in shown.values() for value in row.values()}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"account": "nobody", "webhook_url": "http://h/"}, 404),
        ({"account": "telnyx", "public_key": "x"}, 400),
        ({"account": "telnyx", "webhook_url": 7}, 400),
        ([], 400),
    ],
)
def test_what_is_no_setting_is_refused(carrier: Sandbox, change: Any, status: int) -> None:
    assert carrier.http.post("/sandbox/accounts", json=change).status_code == status


def test_a_provider_without_an_account_gets_its_own() -> None:
    mine = Account("mine", "KEY", "telnyx")
    found = with_defaults([mine])
    assert mine in found
    assert [account.provider for account in found if account.provider == "telnyx"] == ["telnyx"]
    assert {account.provider for account in found} == set(PROVIDERS)
    assert found[0].provider == "twilio"


def test_accounts_of_every_provider_are_given_by_option(start: Start) -> None:
    sandbox = start("--account", "telnyx:north:KEY1:seed", "--account", "vonage:abcd1234:s:sig:app")
    shown = {row["account"]: row for row in sandbox.get("/sandbox/accounts")}
    assert shown["abcd1234"]["application"] == "app"
    assert shown["abcd1234"]["webhook_key"] == "sig"
    assert "telnyx" not in shown
    headers = {"Authorization": "Bearer KEY1"}
    message = {"to": number("0123"), "from": "+12025550100", "text": "hello"}
    reply = sandbox.http.post("/v2/messages", json=message, headers=headers)
    assert reply.status_code == 200
    assert sandbox.get("/sandbox/ledger")[0]["account"] == "north"


@pytest.mark.parametrize(
    "speech", [one for one in SPEECHES if one.owns_senders], ids=lambda speech: speech.provider
)
def test_the_sender_must_be_owned_where_numbers_are_listed(start: Start, speech: Speech) -> None:
    sandbox = start("--numbers", "+12025550177")
    assert not (speech.sid(speech.send(sandbox, speech.address("0123"))))
    assert accepted(sandbox) == 0
