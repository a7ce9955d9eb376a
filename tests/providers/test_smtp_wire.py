"""SMTP on the wire: one submit is at most one delivery, and a failure says what is certain."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from messaging.domain.failures import Accepted, Failover, Failure, Kind
from messaging.domain.message import Channel, ProviderAccount
from messaging.providers.base import Outbound
from messaging.providers.smtp import PROVIDER as SMTP
from messaging.providers.transport import Transport
from tests.providers.certificates import self_signed
from tests.providers.conformance import account, outbound
from tests.providers.relays import HELLO, Relay, Reply, after, drop, hang
from tests.providers.wire import OK, post, say, send, status

OUT = outbound(
    "Olá\r\n.\r\nQUIT\r\n..two",
    to="ana@example.org",
    sender="news@example.com",
    channel=Channel.EMAIL,
)
STARTTLS = b"250-relay.example.net\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"


def to(url: str, tls: str = "none", **changes: str) -> ProviderAccount:
    settings: dict[str, Any] = {"base_url": url, "username": "", "secret": "", **changes}
    return account("smtp", options={"tls": tls}, **settings)


def deliver(
    transport: Transport, ours: ProviderAccount, out: Outbound = OUT
) -> httpx.Response | Failure:
    return send(transport, SMTP.request(ours, out))


def outcome(result: httpx.Response | Failure) -> Accepted | Failure:
    got = result if isinstance(result, Failure) else SMTP.outcome(result)
    assert "ana@example" not in repr(got)
    assert "Ol" not in repr(got)
    return got


@pytest.fixture
def relay() -> Iterator[Callable[..., Relay]]:
    made: list[Relay] = []

    def start(script: dict[str, Reply] | None = None, **more: Any) -> Relay:
        made.append(Relay(script or {}, **more))
        return made[-1]

    yield start
    for one in made:
        one.stop()


Start = Callable[..., Relay]


def test_a_mail_arrives_whole_and_its_answer_names_it(relay: Start, transport: Transport) -> None:
    server = relay()
    got = outcome(deliver(transport, to(server.url)))
    assert isinstance(got, Accepted)
    assert got.provider_message_id == "00000000000000000000000000000003.3@example.com"
    assert got.provider_status == "250 queued as 4XyZ12"
    assert server.mails == [SMTP.request(to(server.url), OUT).content]
    assert server.commands[0] == b"EHLO example.com"
    assert server.commands[1].startswith(b"MAIL FROM:<news@example.com>")
    assert server.commands[2:4] == [b"RCPT TO:<ana@example.org>", b"DATA"]


REFUSED: dict[str, tuple[dict[str, Reply], Kind, str, Failover]] = {
    "421 banner": ({"CONNECT": b"421 4.3.2 busy\r\n"}, Kind.TRANSIENT, "connect_4.3.2", Failover.OTHER_PROVIDER),
    "554 banner": ({"CONNECT": b"554 no mail for you\r\n"}, Kind.TRANSIENT, "connect_554", Failover.OTHER_PROVIDER),
    "550 at MAIL": ({"MAIL": b"550 5.7.1 not yours\r\n"}, Kind.SENDER, "mail_5.7.1", Failover.OTHER_SENDER),
    "451 at MAIL": ({"MAIL": b"451 4.3.0 later\r\n"}, Kind.TRANSIENT, "mail_4.3.0", Failover.OTHER_PROVIDER),
    "530 at MAIL": ({"MAIL": b"530 5.7.0 log in\r\n"}, Kind.CONFIG, "mail_5.7.0", Failover.OTHER_PROVIDER),
    "550 at RCPT": ({"RCPT": b"550-5.1.1 no\r\n550 5.1.1 ana@example.org unknown\r\n"}, Kind.RECIPIENT, "rcpt_5.1.1", Failover.NONE),
    "450 at RCPT": ({"RCPT": b"450 4.2.0 greylisted\r\n"}, Kind.TRANSIENT, "rcpt_4.2.0", Failover.NONE),
    "554 at DATA": ({"DATA": b"554 5.5.1 no valid recipients\r\n"}, Kind.SENDER, "data_5.5.1", Failover.NONE),
    "554 after the dot": ({"DOT": b"554 5.7.1 spam\r\n"}, Kind.SENDER, "final_5.7.1", Failover.NONE),
    "451 after the dot": ({"DOT": b"451 4.3.0 later\r\n"}, Kind.TRANSIENT, "final_4.3.0", Failover.OTHER_PROVIDER),
    "421 after the dot": ({"DOT": after(b"421 4.3.2 bye\r\n", drop)}, Kind.TRANSIENT, "final_4.3.2", Failover.OTHER_PROVIDER),
    "drop before a banner": ({"CONNECT": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at EHLO": ({"EHLO": drop, "HELO": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at MAIL": ({"MAIL": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at RCPT": ({"RCPT": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at DATA": ({"DATA": drop}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "half a refusal": ({"RCPT": after(b"550-5.1.1 no\r\n", drop)}, Kind.NOT_SENT, "reset", Failover.OTHER_PROVIDER),
    "drop at 354": ({"DATA": after(b"354 go on\r\n", drop)}, Kind.AMBIGUOUS, "reset", Failover.NONE),
    "drop after the dot": ({"DOT": drop}, Kind.AMBIGUOUS, "reset", Failover.NONE),
    "half an acceptance": ({"DOT": after(b"250-2.0.0 Ok\r\n", drop)}, Kind.AMBIGUOUS, "reset", Failover.NONE),
    "not SMTP after the dot": ({"DOT": after(b"hello there\r\n", drop)}, Kind.AMBIGUOUS, "reset", Failover.NONE),
    "an unfinished code": ({"DOT": b"354 go on\r\n"}, Kind.AMBIGUOUS, "final_354", Failover.NONE),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_failure_says_what_is_certain(relay: Start, transport: Transport, case: str) -> None:
    script, kind, code, failover = REFUSED[case]
    server = relay(script)
    got = outcome(deliver(transport, to(server.url)))
    assert isinstance(got, Failure)
    assert (got.kind, got.code, got.failover) == (kind, code, failover)
    assert got.retry_after == (timedelta(minutes=5) if case == "450 at RCPT" else None)
    assert len(server.mails) == ("dot" in case or "acceptance" in case or "unfinished" in case)
    assert server.connections == 1
    assert outcome(transport.call(SMTP.request(to(server.url), OUT))) == got


HANGS = {
    "banner": ("CONNECT", Kind.NOT_SENT),
    "RCPT": ("RCPT", Kind.NOT_SENT),
    "DATA": ("DATA", Kind.NOT_SENT),
    "final dot": ("DOT", Kind.AMBIGUOUS),
}


@pytest.mark.parametrize("case", HANGS)
def test_silence_is_in_doubt_only_after_the_dot(relay: Start, case: str) -> None:
    verb, kind = HANGS[case]
    transport = Transport(timeout=timedelta(milliseconds=400))
    server = relay({verb: hang})
    got = deliver(transport, to(server.url))
    assert isinstance(got, Failure)
    assert (got.kind, got.code) == (kind, "timeout")
    transport.close()
    assert len(server.mails) == (kind is Kind.AMBIGUOUS)


def test_a_large_mail_that_breaks_off_in_the_middle_was_not_sent(
    relay: Start, transport: Transport
) -> None:
    def bite(connection: Any) -> None:
        connection.sendall(b"354 go on\r\n")
        connection.recv(1000)
        drop(connection)

    server = relay({"DATA": bite})
    got = deliver(transport, to(server.url), replace(OUT, body="x" * 30_000_000))
    assert isinstance(got, Failure)
    assert (got.kind, got.failover) == (Kind.NOT_SENT, Failover.OTHER_PROVIDER)
    assert server.mails == []


def test_a_relay_that_is_not_there_has_nothing(relay: Start, transport: Transport) -> None:
    server = relay()
    server.stop()
    got = deliver(transport, to(server.url))
    assert isinstance(got, Failure)
    assert (got.kind, got.code) == (Kind.NOT_SENT, "connect")
    gone = deliver(transport, to("smtp://relay.onion"))
    assert isinstance(gone, Failure)
    assert (gone.kind, gone.code) == (Kind.NOT_SENT, "dns")


# --- kept connections


def test_a_connection_is_used_again_and_every_mail_arrives_once(
    relay: Start, transport: Transport
) -> None:
    server = relay()
    for number in range(20):
        got = outcome(deliver(transport, to(server.url), replace(OUT, body=f"number {number}")))
        assert isinstance(got, Accepted)
    assert server.connections == 1
    assert len(set(server.mails)) == len(server.mails) == 20


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_kept_connection_that_dies_repeats_nothing(
    relay: Start, transport: Transport, verb: str
) -> None:
    server = relay({verb: drop}, first_only=True)
    kind = Kind.AMBIGUOUS if verb == "DOT" else Kind.NOT_SENT
    for round_ in range(1, 21):
        assert isinstance(outcome(deliver(transport, to(server.url))), Accepted)
        got = outcome(deliver(transport, to(server.url)))
        assert isinstance(got, Failure)
        assert (got.kind, got.code) == (kind, "reset")
        assert server.connections == round_
        assert len(server.mails) == round_ * (2 if verb == "DOT" else 1)


def test_an_answer_that_comes_too_late_is_not_taken_for_that_to_the_next(relay: Start) -> None:
    late = threading.Event()

    def answer_late(connection: Any) -> None:
        assert late.wait(10)
        with suppress(OSError):
            connection.sendall(b"250 2.0.0 Ok\r\n")

    transport = Transport(timeout=timedelta(milliseconds=400))
    server = relay({"DOT": answer_late})
    for _ in range(3):
        got = deliver(transport, to(server.url))
        assert isinstance(got, Failure)
        assert (got.kind, got.code) == (Kind.AMBIGUOUS, "timeout")
    assert server.connections == 3
    late.set()
    transport.close()


def test_a_refused_recipient_leaves_nothing_to_the_next(relay: Start, transport: Transport) -> None:
    server = relay({"RCPT": b"550 5.1.1 no\r\n"}, first_only=True)
    for _ in range(5):
        assert isinstance(outcome(deliver(transport, to(server.url))), Accepted)
        assert isinstance(outcome(deliver(transport, to(server.url))), Failure)
    assert len(server.mails) == 5


def test_many_at_once_arrive_once_each_or_are_said_not_to(relay: Start) -> None:
    server = relay({"DOT": drop}, first_only=True)
    transport = Transport(max_connections=10)
    waiting = [f"{n:03}" for n in range(200)]
    outs = {n: replace(OUT, body=n, reference=f"{n}.1") for n in waiting}
    results: dict[object, httpx.Response | Failure] = {}
    deadline = time.monotonic() + 30
    while len(results) < len(outs) and time.monotonic() < deadline:
        while waiting and transport.in_flight < 20:
            name = waiting.pop()
            transport.submit(name, SMTP.request(to(server.url), outs[name]))
        results.update(transport.poll(1))
    transport.close()
    assert len(results) == 200
    arrived = Counter(mail.split(b"\r\n")[-2].decode() for mail in server.mails)
    assert set(arrived.values()) == {1}
    said = {name: outcome(result) for name, result in results.items()}
    unsent = {
        n for n, got in said.items() if isinstance(got, Failure) and got.kind is Kind.NOT_SENT
    }
    assert unsent == said.keys() - arrived.keys()
    assert {got.kind for got in said.values() if isinstance(got, Failure)} >= {Kind.AMBIGUOUS}


def test_mail_and_http_share_a_window(relay: Start, transport: Transport, serve: Any) -> None:
    from tests.providers.wire import OK, post, say, status

    web, server = serve(say(OK)), relay()
    for _ in range(3):
        assert isinstance(outcome(deliver(transport, to(server.url))), Accepted)
        assert status(send(transport, post(web.url))) == 201
        assert isinstance(outcome(transport.call(SMTP.request(to(server.url), OUT))), Accepted)
        assert status(transport.call(post(web.url))) == 201
    assert len(server.mails) == len(web.arrivals) == 6


def test_a_relay_that_hangs_after_the_dot_holds_nobody_up(relay: Start, serve: Any) -> None:
    """libcurl's own multi interface would: it waits for that answer where it stands."""
    web, server, healthy = serve(say(OK)), relay({"DOT": hang}), relay()
    transport = Transport(timeout=timedelta(seconds=20))
    transport.submit("stuck", SMTP.request(to(server.url), OUT))
    deadline = time.monotonic() + 10
    while not server.mails and time.monotonic() < deadline:
        assert transport.poll(0.05) == []
    began = time.monotonic()
    for _ in range(20):
        assert status(send(transport, post(web.url))) == 201
        assert isinstance(outcome(deliver(transport, to(healthy.url))), Accepted)
    assert time.monotonic() - began < 10
    assert transport.in_flight == 1
    transport.close()
    assert transport.in_flight == 0


def test_what_waits_for_a_thread_too_long_is_not_begun(relay: Start) -> None:
    transport = Transport(timeout=timedelta(milliseconds=500), max_connections=2)
    server = relay({"DOT": hang})
    for number in range(6):
        transport.submit(number, SMTP.request(to(server.url), OUT))
    results: dict[object, httpx.Response | Failure] = {}
    deadline = time.monotonic() + 10
    while transport.in_flight and time.monotonic() < deadline:
        results.update(transport.poll(1))
    transport.close()
    kinds = [got.kind for result in results.values() if isinstance(got := outcome(result), Failure)]
    said = Counter(kinds)
    assert said.keys() == {Kind.AMBIGUOUS, Kind.NOT_SENT}
    assert said[Kind.AMBIGUOUS] + said[Kind.NOT_SENT] == 6
    assert 2 <= len(server.mails) <= said[Kind.AMBIGUOUS] <= 4


@pytest.mark.parametrize(
    ("end", "address"),
    [
        ("to", "ana@example.org>\r\nRCPT TO:<evil@example.com"),
        ("to", "ana@example.org\nevil@example.com"),
        ("to", ""),
        ("sender", "a@example.com> SIZE=1"),
        ("sender", "a@example.com\r\nRSET"),
    ],
)
def test_no_address_can_hold_a_command(
    relay: Start, transport: Transport, end: str, address: str
) -> None:
    server = relay()
    out = replace(OUT, to=address) if end == "to" else replace(OUT, sender=address)
    with pytest.raises(ValueError, match="plain addresses"):
        transport.submit(1, SMTP.request(to(server.url), out))
    assert transport.in_flight == 0
    request = SMTP.request(to(server.url), OUT)
    request.extensions["rcpt" if end == "to" else "mail_from"] = address
    with pytest.raises(ValueError, match="plain addresses"):
        transport.submit(1, request)
    assert server.connections == 0


# --- encryption and login, with a real server


class Keeper:
    """Keeps what aiosmtpd hands on."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(self, _server: object, _session: object, mail: Envelope) -> str:  # noqa: N802
        self.mails.append(mail)
        return "250 2.0.0 OK: queued as abc-1"


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
    controller = Controller(
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


def test_the_certificate_helper_makes_what_it_says(tmp_path: Path) -> None:
    context, authority = self_signed(tmp_path, "127.0.0.1")
    assert isinstance(context, ssl.SSLContext)
    assert authority.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
