"""A text that cannot arrive becomes an e-mail, and one click ends such e-mails: the whole of Posthorn."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from aiosmtpd.controller import Controller

from messaging import providers
from tests.journeys.household import Household, poll

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(
        providers.find("smtp") is None, reason="no provider of e-mail is registered"
    ),
]

LANDLINE, ADDRESS, TENANT = "+442079460123", "ana@example.com", "--tenant=mailers"


class Mailbox:
    """A relay that keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        assert envelope.rcpt_tos == [ADDRESS]
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 2.0.0 Ok: queued as 4711A"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = Mailbox()
    relay = Controller(box, hostname="127.0.0.1", port=port)
    relay.start()
    yield box, port
    relay.stop()


def set_up(posthorn: Household, port: int) -> None:
    account = ("accounts", "add", TENANT, "--name=relay", "--provider=smtp", "--no-secret")
    where = (f"--base-url=smtp://127.0.0.1:{port}", "--option=tls=none")
    for words in (
        (*account, *where),
        ("senders", "add", "news@example.com", TENANT, "--account=relay", "--default"),
        ("policy", "set", '{"brand": "Acme"}', TENANT),
    ):
        done = posthorn.run(*words)
        assert done.returncode == 0, done.stderr


def test_a_text_that_cannot_arrive_becomes_an_e_mail_which_one_click_ends(
    posthorn: Household, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    set_up(posthorn, port)
    asked = (LANDLINE, "Your table is ready.", "--category=notification", TENANT)
    stand_in = ("--fallback-email", ADDRESS, "--subject", "Your table")
    sent = posthorn.json("send", *asked, *stand_in)
    assert sent["status"] == "undeliverable"
    poll(lambda: box.mails, "no e-mail came", 30.0)
    (mail,) = box.mails
    assert (mail["to"], mail["subject"]) == (ADDRESS, "Your table")
    assert "Your table is ready." in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"

    link = urlsplit(mail["list-unsubscribe"].strip("<>")).path
    with httpx.Client(base_url=posthorn.address.url) as reader:
        assert "Unsubscribe</button>" in reader.get(link).text
        clicked = reader.post(link, data={"List-Unsubscribe": "One-Click"})
        assert clicked.status_code == 200
    refused = posthorn.run(
        "send",
        ADDRESS,
        "More",
        "--channel=email",
        "--subject=More",
        "--category=notification",
        TENANT,
    )
    assert refused.returncode != 0
    assert "opted out" in refused.stderr
    code = ("--channel=email", "--subject=Your code", TENANT)
    posthorn.json("send", ADDRESS, "Your code is 123456", *code)
    poll(lambda: len(box.mails) > 1, "no code came", 30.0)
    assert box.mails[1]["list-unsubscribe"] is None
