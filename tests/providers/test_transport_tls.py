"""TLS: certificates are checked, and what fails before the request is certain not to be sent."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from messaging.domain.failures import Kind
from messaging.providers.transport import Transport
from tests.providers.certificates import self_signed
from tests.providers.wire import ENDINGS, OK, Serve, die_on_second, failure, post, say, send, status


def test_an_untrusted_certificate_means_not_sent(
    serve: Serve, transport: Transport, tmp_path: Path
) -> None:
    context, _ = self_signed(tmp_path, "127.0.0.1")
    server = serve(say(OK), context)
    assert failure(send(transport, post(server.url))) == (Kind.NOT_SENT, "tls")
    server.wait_closed(1)
    assert server.arrivals == []


def test_a_trusted_certificate_for_another_host_means_not_sent(
    serve: Serve, tmp_path: Path
) -> None:
    context, authority = self_signed(tmp_path, "127.0.0.9")
    transport = Transport(ca_file=str(authority))
    server = serve(say(OK), context)
    assert failure(send(transport, post(server.url))) == (Kind.NOT_SENT, "tls")
    transport.close()
    server.wait_closed(1)
    assert server.arrivals == []


def test_a_ca_file_makes_its_certificates_trusted(serve: Serve, tmp_path: Path) -> None:
    context, authority = self_signed(tmp_path, "127.0.0.1")
    transport = Transport(ca_file=str(authority))
    server = serve(say(OK), context)
    assert status(send(transport, post(server.url))) == 201
    assert status(send(transport, post(server.url))) == 201
    assert status(transport.call(post(server.url))) == 201
    assert len(server.arrivals) == 3
    transport.close()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kept_tls_connection_that_dies_is_not_retried(
    serve: Serve, tmp_path: Path, ending: str
) -> None:
    context, authority = self_signed(tmp_path, "127.0.0.1")
    transport = Transport(ca_file=str(authority))
    server = serve(die_on_second(ENDINGS[ending]), context)
    for round_ in range(1, 11):
        assert status(send(transport, post(server.url))) == 201
        assert failure(send(transport, post(server.url))) == (Kind.AMBIGUOUS, "reset")
        assert len(server.arrivals) == 2 * round_
    transport.close()


def test_a_plain_answer_to_a_handshake_means_not_sent(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport.submit(1, post(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        transport.poll(0.05)
        connection, _ = listener.accept()
        connection.sendall(OK)
        connection.close()
        ((_, result),) = transport.poll(5)
    assert failure(result) == (Kind.NOT_SENT, "tls")
