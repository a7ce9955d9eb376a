"""What does one HTTP exchange look like to libcurl, and what is certain when it fails?

A reusable libcurl handle, loaded with one `httpx.Request` at a time and read out as an `httpx.Response`
or a `Failure`. It opens nothing by itself: `messaging.providers.transport` drives it.
"""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import NamedTuple

import httpx
import pycurl

from messaging.domain.failures import Failover, Failure, Kind

MAX_RESPONSE = 16 * 1024 * 1024
"""Bytes of reply body; a longer one is not read. Minutes of a busy account are a few megabytes where a
provider can only be asked for all of them (Vonage)."""
_MAX_IDLE_SECONDS = 15
"""Younger than the keep-alive of common load balancers, so a reused connection is seldom a dead one."""
_OWN_HEADERS = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
_FRAMING = frozenset({b"content-encoding", b"transfer-encoding", b"content-length"})
_BEFORE_THE_REQUEST = {
    pycurl.E_UNSUPPORTED_PROTOCOL: ("url", "The provider's base URL is neither http nor https."),
    pycurl.E_URL_MALFORMAT: ("url", "The provider's base URL is not a URL."),
    pycurl.E_COULDNT_RESOLVE_HOST: ("dns", "The provider's host name was not found."),
    pycurl.E_COULDNT_CONNECT: ("connect", "The provider did not accept the connection."),
    pycurl.E_SSL_CONNECT_ERROR: ("tls", "The TLS handshake with the provider failed."),
    pycurl.E_PEER_FAILED_VERIFICATION: ("tls", "The provider's certificate was not trusted."),
    pycurl.E_SSL_CACERT_BADFILE: ("tls", "The file of trusted certificates could not be read."),
    pycurl.E_OPERATION_TIMEDOUT: ("connect_timeout", "The provider took too long to connect."),
}
_AFTER_THE_REQUEST = {
    pycurl.E_OPERATION_TIMEDOUT: ("timeout", "The provider did not answer in time."),
    pycurl.E_PARTIAL_FILE: ("truncated", "The provider's answer broke off."),
    pycurl.E_FILESIZE_EXCEEDED: ("too_large", "The provider's answer was too large to be one."),
    pycurl.E_GOT_NOTHING: ("reset", "The provider closed the connection without an answer."),
    pycurl.E_SEND_ERROR: ("reset", "The connection broke while the request was sent."),
    pycurl.E_SEND_FAIL_REWIND: ("reset", "The provider closed a kept-alive connection unanswered."),
    pycurl.E_RECV_ERROR: ("reset", "The connection broke before the answer was read."),
}
_UNREADABLE = ("protocol", "The provider's answer was not HTTP.")


class Settings(NamedTuple):
    """What every exchange of a transport shares."""

    connect_timeout: timedelta
    timeout: timedelta
    ca_file: str


def _milliseconds(duration: timedelta) -> int:
    return max(1, int(duration.total_seconds() * 1000))


class _Reply(httpx.Response):
    """A response whose whole body is here already; httpx's own way to that costs 15 us more."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        super().__init__(status, headers=headers, stream=httpx.ByteStream(body))
        self._body = body

    @property
    def content(self) -> bytes:
        return self._body

    def read(self) -> bytes:
        return self._body


def new_handle(settings: Settings) -> pycurl.Curl:
    """A libcurl handle with what holds for whatever is sent on it."""
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.PROXY, "")  # an empty name also switches off the environment's proxies
    curl.setopt(pycurl.TCP_NODELAY, 1)
    curl.setopt(pycurl.TCP_KEEPALIVE, 1)
    curl.setopt(pycurl.MAXAGE_CONN, _MAX_IDLE_SECONDS)
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, _milliseconds(settings.connect_timeout))
    curl.setopt(pycurl.TIMEOUT_MS, _milliseconds(settings.timeout))
    curl.setopt(pycurl.CAINFO, settings.ca_file)
    curl.setopt(pycurl.SSL_VERIFYPEER, 1)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2)
    curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
    return curl


class Exchange:
    """One request and its reply, on a handle that is used again and again."""

    __slots__ = ("_body", "_chunks", "_lines", "curl")

    def __init__(self, settings: Settings) -> None:
        self._lines: list[bytes] = []
        self._chunks: list[bytes] = []
        self._body = BytesIO()
        self.curl = curl = new_handle(settings)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.MAXFILESIZE, MAX_RESPONSE)
        curl.setopt(pycurl.USERAGENT, "posthorn")
        curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        curl.setopt(pycurl.WRITEFUNCTION, self._chunks.append)

    def load(self, request: httpx.Request) -> None:
        """Make `request` the handle's next exchange.

        Raises:
            ValueError: the method is neither GET nor POST.
        """
        curl, content = self.curl, request.read()
        self._lines.clear()
        self._chunks.clear()
        self._body = BytesIO(content)
        curl.setopt(pycurl.URL, str(request.url))
        headers = [b"Expect:"]
        headers += [b"%b: %b" % h for h in request.headers.raw if h[0].lower() not in _OWN_HEADERS]
        curl.setopt(pycurl.HTTPHEADER, headers)
        if request.method == "POST":
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(content))
            # Not POSTFIELDS: libcurl could rewind that and repeat the request (see the transport).
            curl.setopt(pycurl.READFUNCTION, self._body.read)
        elif request.method == "GET":
            curl.setopt(pycurl.HTTPGET, 1)
        else:
            raise ValueError(f"the transport sends GET and POST, not {request.method}")
        curl.setopt(pycurl.FRESH_CONNECT, request.method == "POST" and not content)

    def result(self, code: int) -> httpx.Response | Failure:
        """The reply, or what libcurl's error `code` proves if it is not 0."""
        return self._failure(code) if code else self._response()

    def _response(self) -> httpx.Response:
        """The reply, with its body as it came: we ask for no compression and undo none."""
        headers: list[tuple[bytes, bytes]] = []
        for line in self._lines:
            if line.startswith(b"HTTP/"):
                headers.clear()  # an interim 1xx reply came before
                continue
            name, colon, value = line.partition(b":")
            if colon and name.lower() not in _FRAMING:
                headers.append((name, value.strip()))
        status = int(self.curl.getinfo(pycurl.RESPONSE_CODE))
        return _Reply(status, headers, b"".join(self._chunks))

    def _failure(self, code: int) -> Failure:
        """What libcurl's error `code` proves about this exchange."""
        before = _BEFORE_THE_REQUEST.get(code)
        if before is not None and self._nothing_left():
            word, detail = before
            return Failure(Kind.NOT_SENT, word, detail, failover=Failover.OTHER_PROVIDER)
        word, detail = _AFTER_THE_REQUEST.get(code, _UNREADABLE)
        return Failure(Kind.AMBIGUOUS, word, detail)

    def _nothing_left(self) -> bool:
        """Whether libcurl neither took a byte of the body nor wrote one of the request.

        The error code alone is no proof: it may be that of a second connection, tried after the
        request had gone out on a first.
        """
        return self._body.tell() == 0 and self.curl.getinfo(pycurl.REQUEST_SIZE) == 0
