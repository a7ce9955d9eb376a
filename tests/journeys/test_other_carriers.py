"""An e-mail by each of its ways and a direct message, through a real Posthorn and a carrier beside it."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from messaging.sandbox import INSTAGRAM_ACCOUNT, SENDGRID_ACCOUNT, SENDGRID_PUBLIC_KEY, SMTP_ACCOUNT
from messaging.sandbox.config import Account
from tests.journeys.household import Household, poll
from tests.sandbox.carrier import Sandbox, launch

pytestmark = pytest.mark.stack

ANA, PERSON, STRANGER = "ana@example.com", "178414000000123", "178414000000124"
MAIL = ("--channel=email", "--subject=Your code: ¡ya!")
DM = "--channel=instagram_dm"


@pytest.fixture(scope="module")
def carrier() -> Iterator[Sandbox]:
    sandbox = launch("--smtp-port", "0", "--receipt-delay", "50ms")
    yield sandbox
    sandbox.stop()


def add(posthorn: Household, account: Account, base_url: str, *more: str) -> str:
    """Adds the account to a tenant that is called as its provider; returns where its webhooks go."""
    secret = posthorn.home / f"{account.provider}.secret"
    secret.write_text(account.token)
    made = posthorn.json(
        "accounts",
        "add",
        f"--tenant={account.provider}",
        f"--name={account.provider}",
        f"--provider={account.provider}",
        f"--secret-file={secret}",
        f"--base-url={base_url}",
        *more,
    )
    # The program that runs knows where it is; the command line beside it does not.
    webhooks: str = posthorn.address.url + urlsplit(made["webhooks"]).path
    return webhooks


def own(posthorn: Household, account: Account, *sender: str) -> None:
    """Gives the account's tenant something to send from."""
    tenant = f"--tenant={account.provider}"
    for words in (
        ("senders", "add", *sender, tenant, f"--account={account.provider}", "--default"),
        ("policy", "set", '{"brand": "Acme"}', tenant),
    ):
        done = posthorn.run(*words)
        assert done.returncode == 0, done.stderr


def tell(carrier: Sandbox, account: Account, webhooks: str, **settings: str) -> None:
    change = {"webhook_url": f"{webhooks}/status", "inbound_url": f"{webhooks}/inbound"}
    change |= {"account": account.sid, **settings}
    carrier.http.post("/sandbox/accounts", json=change).raise_for_status()


def taken(carrier: Sandbox, account: Account) -> list[Any]:
    rows = carrier.get("/sandbox/ledger?limit=10000")
    return [row for row in rows if row["account"] == account.sid]


def until(posthorn: Household, account: Account, message: Any, status: str) -> None:
    asked = ("status", message["id"], f"--tenant={account.provider}")
    poll(lambda: posthorn.json(*asked)["status"] == status, f"it is not {status}", 30.0)


def file(posthorn: Household, name: str, content: str) -> Path:
    path = posthorn.home / name
    path.write_text(content)
    return path


def test_a_mail_by_sendgrid_is_delivered_by_its_signed_events(
    posthorn: Household, carrier: Sandbox
) -> None:
    account = SENDGRID_ACCOUNT
    key = file(posthorn, "sendgrid.key", SENDGRID_PUBLIC_KEY)
    webhooks = add(posthorn, account, carrier.url, f"--webhook-secret-file={key}")
    own(posthorn, account, "news@example.com")
    tell(carrier, account, webhooks)
    tenant = f"--tenant={account.provider}"
    message = posthorn.json("send", ANA, "Your code is 123456", *MAIL, tenant)
    until(posthorn, account, message, "delivered")
    (row,) = taken(carrier, account)
    assert (row["m"], row["e"], row["to"]) == (message["id"], 1, ANA)


def test_a_mail_by_a_relay_ends_at_sent_and_arrives_whole(
    posthorn: Household, carrier: Sandbox
) -> None:
    account, tenant = SMTP_ACCOUNT, "--tenant=smtp"
    relay = carrier.get("/sandbox/smtp")["url"]
    add(posthorn, account, relay, f"--username={account.sid}", "--option=tls=none")
    own(posthorn, account, "news@example.com")
    page = file(posthorn, "page.html", "<p>Tu código es <b>123456</b></p>")
    text = "Tu código es 123456\n.Acme 👍"
    message = posthorn.json("send", ANA, text, *MAIL, f"--html-file={page}", tenant)
    until(posthorn, account, message, "sent")
    (row,) = taken(carrier, account)
    assert (row["m"], row["e"], row["to"]) == (message["id"], 1, ANA)
    came = carrier.http.get("/sandbox/mail", params={"sid": row["sid"]}).content
    mail = email.message_from_bytes(came, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert (mail["to"], mail["from"], mail["subject"]) == (
        ANA,
        "news@example.com",
        "Your code: ¡ya!",
    )
    plain, html = mail.iter_parts()
    assert plain.get_content().splitlines() == text.splitlines()
    assert html.get_content().strip() == page.read_text()
    assert not mail.defects


def test_a_direct_message_goes_to_who_wrote_within_a_day(
    posthorn: Household, carrier: Sandbox
) -> None:
    account, tenant = INSTAGRAM_ACCOUNT, "--tenant=instagram"
    secret = file(posthorn, "meta.secret", account.signing)
    word = file(posthorn, "meta.word", "a word")
    webhooks = add(
        posthorn,
        account,
        carrier.url,
        f"--option=ig_id={account.sid}",
        f"--option-file=verify_token={word}",
        f"--webhook-secret-file={secret}",
    )
    own(posthorn, account, account.sid, DM)
    tell(carrier, account, webhooks, window="86400", verify_token="a word")
    asked = carrier.http.post("/sandbox/challenge", json={"url": f"{webhooks}/status"})
    assert asked.json()["verified"] is True

    refused = posthorn.run("send", STRANGER, "Hello", DM, tenant)
    assert refused.returncode != 0
    said = {"account": account.sid, "from": PERSON, "to": account.sid, "body": "help"}
    assert carrier.http.post("/sandbox/inbound", json=said).json()["answered"] == 204
    # Whoever asks for help is answered, which the window allows now.
    poll(lambda: taken(carrier, account), "nobody answered", 30.0)
    message = posthorn.json("send", PERSON, "Your table is ready.", DM, tenant)
    until(posthorn, account, message, "delivered")
    assert [row["to"] for row in taken(carrier, account)] == [PERSON] * 2

    # To Meta the person wrote too long ago, whatever we believe.
    tell(carrier, account, webhooks, window="0.0001")
    late = posthorn.json("send", PERSON, "Are you coming?", DM, tenant)
    until(posthorn, account, late, "blocked_compliance")
    assert len(taken(carrier, account)) == 2
