"""Vonage's own client, led to a carrier on this machine: it knows hosts, but no scheme but https."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from vonage import Auth, HttpClientOptions, Vonage  # type: ignore[import-untyped]

from tests.sandbox.carrier import Sandbox

PEM = serialization.Encoding.PEM


class _InClear(HTTPAdapter):
    """Speaks http where https is asked for."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


def client_of(sandbox: Sandbox, **credentials: str) -> Vonage:
    """The client of an account; close it with `close`."""
    host = urlsplit(sandbox.url).netloc
    # It sends again by itself when a connection is closed, as often as its pool is large.
    options = HttpClientOptions(api_host=host, rest_host=host, max_retries=0, pool_maxsize=1)
    client = Vonage(Auth(**credentials), options)
    session = client.http_client._session
    session.mount("https://", _InClear())
    session.trust_env = False
    return client


def close(client: Vonage) -> None:
    """Ends its connections."""
    client.http_client._session.close()


def private_pem(key: rsa.RSAPrivateKey) -> str:
    form, cipher = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(PEM, form, cipher).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(PEM, form).decode()
