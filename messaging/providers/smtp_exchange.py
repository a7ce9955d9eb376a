"""What does one SMTP delivery look like to libcurl, and what is certain when it fails?

A delivery waits for its relay where it is: libcurl's multi interface would, too, once a mail's last
byte is out, and keep every other exchange waiting. `messaging.providers.smtp_threads` has the threads.

The reply codes alone do not tell what was refused, so the commands that libcurl writes are followed.
A server takes a mail when it answers the dot at its end (RFC 5321 section 4.1.1.4), and libcurl may
have sent that dot once it took the last byte of the mail. Before that nothing can have been
accepted; after it only an answer tells, and without one the delivery is in doubt (RFC 1047). libcurl
repeats no upload over SMTP by itself, and could not: the body cannot be rewound.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple

import httpx
import pycurl

from messaging.domain.failures import Failover, Failure, Kind
from messaging.domain.mail_headers import address_problem
from messaging.providers.exchange import Settings, new_handle

STAGE_HEADER, MESSAGE_ID_HEADER = "x-smtp-stage", "x-message-id"
_STAGES = {
    b"EHLO": "hello",
    b"HELO": "hello",
    b"STARTTLS": "tls",
    b"AUTH": "auth",
    b"MAIL": "mail",
    b"RCPT": "rcpt",
    b"DATA": "data",
}
_VERB = re.compile(rb"[A-Z]+")
_LAST_LINE = re.compile(rb"([2-5][0-9]{2})(?:[ \r\n]|$)")
"""The line that ends a reply; one that goes on has a hyphen after its code."""
_LONGEST_LINE = 2048
_TLS = {"starttls": pycurl.USESSL_ALL, "implicit": pycurl.USESSL_ALL, "none": pycurl.USESSL_NONE}
_NOT_SENT = {
    pycurl.E_UNSUPPORTED_PROTOCOL: ("url", "The relay's URL is neither smtp nor smtps."),
    pycurl.E_URL_MALFORMAT: ("url", "The relay's URL is not a URL."),
    pycurl.E_COULDNT_RESOLVE_HOST: ("dns", "The relay's host name was not found."),
    pycurl.E_COULDNT_CONNECT: ("connect", "The relay did not accept the connection."),
    pycurl.E_SSL_CONNECT_ERROR: ("tls", "The TLS handshake with the relay failed."),
    pycurl.E_PEER_FAILED_VERIFICATION: ("tls", "The relay's certificate was not trusted."),
    pycurl.E_SSL_CACERT_BADFILE: ("tls", "The file of trusted certificates could not be read."),
    pycurl.E_USE_SSL_FAILED: ("tls", "The relay offers no TLS."),
    pycurl.E_LOGIN_DENIED: ("auth", "The relay offers no way to log in that is known here."),
    pycurl.E_OPERATION_TIMEDOUT: ("timeout", "The relay took too long before it had the mail."),
}
_BROKEN = ("reset", "The connection to the relay broke before it had the whole mail.")
_DOUBTFUL = {
    pycurl.E_OPERATION_TIMEDOUT: ("timeout", "The relay did not say in time whether it took it."),
    pycurl.E_OK: ("protocol", "The relay's answer to the mail was not SMTP."),
}
_UNANSWERED = ("reset", "The connection broke before the relay said whether it took the mail.")


class _Envelope(NamedTuple):
    """What a delivery needs beside the mail."""

    mail_from: bytes
    rcpt: bytes
    tls: int
    username: bytes
    password: bytes
    message_id: str


def envelope(request: httpx.Request) -> _Envelope:
    """What a request's extensions say of its delivery.

    They hold `mail_from` and `rcpt`, and may hold `username`, `password`, `tls` (`starttls` unless it says
    `implicit` or `none`) and `message_id`, which the reply names again.

    Raises:
        ValueError: an address is none, so that it could hold commands, or there is no mail, or a login
            that could not be sent.
    """
    said: dict[str, Any] = request.extensions
    ends = (said.get("mail_from"), said.get("rcpt"))
    if not request.read() or not all(isinstance(a, str) and not address_problem(a) for a in ends):
        raise ValueError("a mail needs content, a sender and a recipient, as plain addresses")
    username, password = (str(said.get(name) or "").encode() for name in ("username", "password"))
    if b"\0" in username + password:
        raise ValueError("no login has a NUL in it")
    mail_from, rcpt = (str(end).encode("ascii") for end in ends)
    return _Envelope(
        mail_from,
        rcpt,
        _TLS[str(said.get("tls") or "starttls")],
        username,
        password,
        str(said.get("message_id") or ""),
    )


class MailExchange:
    """One mail after the other to relays, on a connection that is kept while all goes well."""

    __slots__ = (
        "_answer",
        "_body",
        "_curl",
        "_given_up",
        "_message_id",
        "_settings",
        "_size",
        "_stage",
    )

    def __init__(self, settings: Settings, given_up: Callable[[], bool] = lambda: False) -> None:
        """`given_up` is asked once a second whether anybody still wants to know."""
        self._settings, self._given_up = settings, given_up
        self._body, self._size, self._message_id = BytesIO(), 0, ""
        self._stage = "connect"
        self._answer: tuple[str, int, bytes] | None = None
        self._curl: pycurl.Curl | None = None

    def deliver(self, request: httpx.Request, seconds: float) -> httpx.Response | Failure:
        """Make one delivery and wait for it, for so many seconds.

        Raises:
            ValueError: as `envelope` says.
        """
        if self._curl is None:
            self._curl = self._new()
        self._load(self._curl, request)
        self._curl.setopt(pycurl.TIMEOUT_MS, max(1, int(seconds * 1000)))
        code = pycurl.E_OK
        try:
            self._curl.perform()
        except pycurl.error as error:
            code = int(error.args[0])
            self._cut()
        return self.result(code)

    def close(self) -> None:
        """Say good-bye to the relay."""
        if self._curl is not None:
            self._curl.close()
            self._curl = None

    def _new(self) -> pycurl.Curl:
        curl = new_handle(self._settings)
        # Libcurl counts greeting and login among connecting, and servers keep strangers waiting there.
        patience = max(self._settings.connect_timeout, self._settings.timeout / 2)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(patience.total_seconds() * 1000))
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_SMTP | pycurl.PROTO_SMTPS)
        curl.setopt(pycurl.UPLOAD, 1)
        curl.setopt(pycurl.SASL_IR, 1)
        curl.setopt(pycurl.HEADERFUNCTION, self._heard)
        curl.setopt(pycurl.WRITEFUNCTION, len)
        curl.setopt(pycurl.VERBOSE, 1)  # or libcurl does not say what it writes
        curl.setopt(pycurl.DEBUGFUNCTION, self._said)
        curl.setopt(pycurl.NOPROGRESS, 0)
        curl.setopt(pycurl.XFERINFOFUNCTION, lambda *_: int(self._given_up()))
        return curl

    def _load(self, curl: pycurl.Curl, request: httpx.Request) -> None:
        to, content = envelope(request), request.read()
        self._body, self._size, self._message_id = BytesIO(content), len(content), to.message_id
        self._stage, self._answer = "connect", None
        curl.setopt(pycurl.URL, str(request.url))
        curl.setopt(pycurl.USE_SSL, to.tls)
        curl.setopt(pycurl.MAIL_FROM, to.mail_from)
        curl.setopt(pycurl.MAIL_RCPT, [to.rcpt])
        curl.setopt(pycurl.INFILESIZE_LARGE, len(content))
        curl.setopt(pycurl.READFUNCTION, self._body.read)
        if to.username:
            curl.setopt(pycurl.USERNAME, to.username)
            curl.setopt(pycurl.PASSWORD, to.password)
        else:
            curl.unsetopt(pycurl.USERNAME)
            curl.unsetopt(pycurl.PASSWORD)

    def _cut(self) -> None:
        """End the connection for good.

        Libcurl keeps one whose last answer did not come, and would take that, when it comes after all, for
        the answer to the next mail. Nor should it wait for an answer to its good-bye.
        """
        if self._curl is None:
            return
        number = int(self._curl.getinfo(pycurl.ACTIVESOCKET))
        if number >= 0:
            with suppress(OSError), socket.socket(fileno=os.dup(number)) as connection:
                connection.shutdown(socket.SHUT_RDWR)
        self.close()

    def result(self, code: int) -> httpx.Response | Failure:
        """What became of it: the relay's last word if that decides, else what libcurl's `code` proves.

        The response has the SMTP reply code as its status, the line it came on as its content, and in
        a header the stage it answers: connect, hello, tls, auth, mail, rcpt, data, or final, the dot.
        """
        taken = self._all_taken()
        if self._answer is not None:
            stage, status, line = self._answer
            if stage == "final" or (status >= 400 and not taken and stage == self._stage):
                headers = {STAGE_HEADER: stage, MESSAGE_ID_HEADER: self._message_id}
                return httpx.Response(status, headers=headers, content=line)
        if taken:
            word, detail = _DOUBTFUL.get(code, _UNANSWERED)
            return Failure(Kind.AMBIGUOUS, word, detail)
        word, detail = _NOT_SENT.get(code, _BROKEN)
        kind = Kind.CONFIG if code == pycurl.E_LOGIN_DENIED else Kind.NOT_SENT
        return Failure(kind, word, detail, failover=Failover.OTHER_PROVIDER)

    def _all_taken(self) -> bool:
        """Whether libcurl has every byte of the mail, so that its end may be on the wire."""
        return self._body.tell() >= self._size > 0

    def _said(self, kind: int, data: bytes) -> None:
        """Libcurl writes a command; answers to a challenge have no verb that is known."""
        if kind == pycurl.INFOTYPE_HEADER_OUT:
            verb = _VERB.match(data)
            self._stage = _STAGES.get(verb[0] if verb else b"", self._stage)

    def _heard(self, line: bytes) -> None:
        """Libcurl read a line of a reply."""
        last = _LAST_LINE.match(line)
        if last is not None:
            stage = "final" if self._stage == "data" and self._all_taken() else self._stage
            self._answer = (stage, int(last[1]), line[:_LONGEST_LINE].rstrip())
