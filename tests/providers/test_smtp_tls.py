"""SMTP encrypted and logged in, with a real server; and what never goes out in the clear."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiosmtpd.smtp
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.providers.transport import Transport
from tests.providers.certificates import self_signed
from tests.providers.mailing import OUT, SMTP, Start, deliver, outcome, to
from tests.providers.relays import HELLO

STARTTLS = b"250-relay.example.net\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"


class Keeper:
    """Keeps what aiosmtpd hands on."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(self, _server: object, _session: object, mail: Envelope) -> str:  # noqa: N802
        self.mails.append(mail)
        return "250 2.0.0 OK: queued as abc-1"


class Guest(aiosmtpd.smtp.SMTP):
    """One connection, entered in its server's book."""

    def __init__(self, door: Door, keeper: Keeper, **settings: Any) -> None:
        super().__init__(keeper, **settings)
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        with self._door.changed:
            self._door.inside.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        with self._door.changed:
            self._door.inside.discard(self)
            self._door.changed.notify_all()


class Door(Controller):
    """Knows when everybody has left: a socket that its loop forgot would be a warning later."""

    def __init__(self, keeper: Keeper, **settings: Any) -> None:
        super().__init__(keeper, **settings)
        self.inside: set[object] = set()
        self.changed = threading.Condition()

    def factory(self) -> aiosmtpd.smtp.SMTP:
        return Guest(self, self.handler, **self.SMTP_kwargs)

    def stop(self, no_assert: bool = False) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: not self.inside, timeout=10)
        super().stop(no_assert)


def _authenticate(
    _server: object, _session: object, _envelope: object, _mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    right = (data.login, data.password) == (b"posthorn", b"s3cret")
    return AuthResult(success=right, handled=False)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def real(tmp_path: Path) -> Iterator[tuple[Controller, Keeper, Path]]:
    context, authority = self_signed(tmp_path, "127.0.0.1")
    keeper = Keeper()
    controller = Door(
        keeper,
        hostname="127.0.0.1",
        port=_free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=_authenticate,
    )
    controller.start()
    yield controller, keeper, authority
    controller.stop()


def _url(controller: Controller) -> str:
    return f"smtp://127.0.0.1:{controller.port}"


def test_a_real_relay_takes_mail_after_starttls_and_login(
    real: tuple[Controller, Keeper, Path],
) -> None:
    controller, keeper, authority = real
    transport = Transport(ca_file=str(authority))
    ours = to(_url(controller), "starttls", username="posthorn", secret="s3cret")
    for _ in range(3):
        got = outcome(deliver(transport, ours))
        assert isinstance(got, Accepted)
        assert got.provider_status == "250 queued as abc-1"
    transport.close()
    assert [(m.mail_from, m.rcpt_tos) for m in keeper.mails] == [(OUT.sender, [OUT.to])] * 3
    assert keeper.mails[0].content == SMTP.request(ours, OUT).content


@pytest.mark.parametrize(
    ("username", "secret", "code"), [("posthorn", "wrong", "auth_5.7.8"), ("", "", "mail_5.7.0")]
)
def test_a_real_relay_refuses_other_credentials(
    real: tuple[Controller, Keeper, Path], username: str, secret: str, code: str
) -> None:
    controller, keeper, authority = real
    transport = Transport(ca_file=str(authority))
    got = outcome(
        deliver(transport, to(_url(controller), "starttls", username=username, secret=secret))
    )
    transport.close()
    assert isinstance(got, Failure)
    assert (got.kind, got.code, got.failover) == (Kind.CONFIG, code, Failover.OTHER_PROVIDER)
    assert keeper.mails == []


def test_an_untrusted_certificate_gets_no_mail_and_no_password(
    real: tuple[Controller, Keeper, Path], transport: Transport
) -> None:
    controller, keeper, _ = real
    got = deliver(transport, to(_url(controller), "starttls", username="posthorn", secret="s3cret"))
    assert isinstance(got, Failure)
    assert (got.kind, got.code) == (Kind.NOT_SENT, "tls")
    assert keeper.mails == []


def test_a_relay_without_starttls_gets_nothing(relay: Start, transport: Transport) -> None:
    server = relay({"EHLO": HELLO.replace(b"SIZE 10000000", b"AUTH PLAIN")})
    for tls in ("starttls", "", "nonsense"):
        got = deliver(transport, to(server.url, tls, username="u", secret="s3cret"))
        assert isinstance(got, Failure)
        assert (got.kind, got.code) == (Kind.NOT_SENT, "tls")
    assert {command.partition(b" ")[0] for command in server.commands} <= {b"EHLO", b"QUIT"}


def test_a_plain_connection_is_not_used_for_what_must_be_encrypted(
    relay: Start, tmp_path: Path
) -> None:
    context, authority = self_signed(tmp_path, "127.0.0.1")
    transport = Transport(ca_file=str(authority))
    server = relay({"EHLO": STARTTLS}, tls=context)
    for tls in ("none", "starttls", "none", "starttls"):
        assert isinstance(outcome(deliver(transport, to(server.url, tls))), Accepted)
    transport.close()
    assert server.encrypted[1] is True
    assert server.encrypted[3] is True


def test_a_login_is_not_lent_to_another_account(relay: Start, transport: Transport) -> None:
    server = relay({"EHLO": HELLO.replace(b"SIZE 10000000", b"AUTH PLAIN")})
    for name in ("one", "two", ""):
        got = outcome(deliver(transport, to(server.url, username=name, secret="s3cret")))
        assert isinstance(got, Accepted)
    assert server.connections == 3
    assert sum(command.startswith(b"AUTH") for command in server.commands) == 2


def test_mail_over_implicit_tls(relay: Start, tmp_path: Path) -> None:
    context, authority = self_signed(tmp_path, "127.0.0.1")
    transport = Transport(ca_file=str(authority))
    server = relay(tls=context, implicit=True)
    for url, tls in ((server.url, ""), (server.url.replace("smtps", "smtp"), "implicit")):
        assert isinstance(outcome(deliver(transport, to(url, tls))), Accepted)
    transport.close()
    assert server.encrypted == [True, True]


def test_a_relay_that_knows_no_login_of_ours_is_a_wrong_account(
    relay: Start, transport: Transport
) -> None:
    server = relay({"EHLO": HELLO.replace(b"SIZE 10000000", b"AUTH GSSAPI-X")})
    got = deliver(transport, to(server.url, username="u", secret="s3cret"))
    assert server.mails == []
    assert isinstance(got, Failure)
    assert got.kind is Kind.CONFIG
