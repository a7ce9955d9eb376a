"""TLS: certificates are checked, and what fails before the request is certain not to be sent."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from messaging.domain.failures import Kind
from messaging.providers.transport import Transport
from tests.providers.wire import ENDINGS, OK, Serve, die_on_second, failure, post, say, send, status


def _certificate(tmp_path: Path, address: str) -> tuple[ssl.SSLContext, Path]:
    """A self-signed certificate for one IP address, loaded into a server context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "posthorn test")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "ca.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    both = tmp_path / "both.pem"
    both.write_bytes(
        file.read_bytes()
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, file


def test_an_untrusted_certificate_means_not_sent(
    serve: Serve, transport: Transport, tmp_path: Path
) -> None:
    context, _ = _certificate(tmp_path, "127.0.0.1")
    server = serve(say(OK), context)
    assert failure(send(transport, post(server.url))) == (Kind.NOT_SENT, "tls")
    server.wait_closed(1)
    assert server.arrivals == []


def test_a_trusted_certificate_for_another_host_means_not_sent(
    serve: Serve, tmp_path: Path
) -> None:
    context, authority = _certificate(tmp_path, "127.0.0.9")
    transport = Transport(ca_file=str(authority))
    server = serve(say(OK), context)
    assert failure(send(transport, post(server.url))) == (Kind.NOT_SENT, "tls")
    transport.close()
    server.wait_closed(1)
    assert server.arrivals == []


def test_a_ca_file_makes_its_certificates_trusted(serve: Serve, tmp_path: Path) -> None:
    context, authority = _certificate(tmp_path, "127.0.0.1")
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
    context, authority = _certificate(tmp_path, "127.0.0.1")
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
