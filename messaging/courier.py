"""How does a notice get to a tenant's URL, and to nowhere else?

    submit -> look its host up, check every address -> connect to one of these -> an answer

The name is looked up anew for every delivery, in a thread, and the connection is made to an address
that was checked, whatever the name says a moment later (DNS rebinding); the name is kept for TLS and the
`Host` header. A second look is taken when the socket is opened: libcurl gets none for another address.
Redirects are not followed and proxies not used. Of a reply the status and Retry-After count; its body
is not kept.

A courier belongs to one thread of one process; nothing is opened before the first submit.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import certifi
import httpx
import pycurl

from messaging.domain import callback_url
from messaging.domain.callback_url import Address, Network, Refusal, Target
from messaging.domain.notices import Answer
from messaging.providers.replies import retry_after

Resolve = Callable[[str, int], Sequence[str]]
"""The addresses behind a host name, in the order to try them; none if it is unknown."""

TIMEOUT = timedelta(seconds=15)
"""For a whole delivery but its name; Standard Webhooks recommends 15 to 30 s."""
_CONNECT_TIMEOUT = timedelta(seconds=5)
_RESOLVERS = 16
_MAX_BODY = 2_048
"""Bytes of a reply that are read; a longer one is hung up on."""
_MAX_IDLE_SECONDS = 15
_TICK = 0.02
_GATHER = 0.01
"""Seconds to wait for others once one has ended: they are written down together."""
_BROKEN = Refusal("unknown_host", "its host name could not be looked up")
_ERRORS = {
    pycurl.E_COULDNT_CONNECT: "connect",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_GOT_NOTHING: "reset",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_RECV_ERROR: "reset",
    pycurl.E_PARTIAL_FILE: "reset",
}


def look_up(host: str, port: int) -> list[str]:
    """The addresses the system knows for a host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def inspect(
    url: str, networks: Collection[Network], resolve: Resolve = look_up
) -> tuple[Target, list[Address]] | Refusal:
    """The URL taken apart and the checked addresses of its host; or why nothing is posted there."""
    target = callback_url.read(url)
    if isinstance(target, Refusal):
        return target
    addresses = [ip_address(found) for found in resolve(target.host, target.port)]
    return callback_url.refusal(target, addresses, networks) or (target, addresses)


@dataclass(slots=True)
class Parcel:
    """One delivery: what is posted where."""

    token: Any
    """Handed back with the answer."""
    url: str
    headers: Mapping[str, str]
    body: bytes
    nth: int = 0
    """How often it was tried before: each time another address of the host is taken."""


class Courier:
    """Deliveries under way, driven by whoever calls `poll`."""

    def __init__(
        self,
        networks: Collection[Network] = (),
        *,
        resolve: Resolve = look_up,
        timeout: timedelta = TIMEOUT,
        ca_file: str | None = None,
    ) -> None:
        self._networks = tuple(networks)
        self._resolve = resolve
        self._timeout = timeout
        self._ca_file = ca_file or certifi.where()
        self._resolvers: ThreadPoolExecutor | None = None
        self._multi: pycurl.CurlMulti | None = None
        self._looking: list[tuple[Parcel, Future[tuple[Target, list[Address]] | Refusal]]] = []
        self._calls: dict[pycurl.Curl, _Call] = {}
        self._idle: list[_Call] = []

    @property
    def under_way(self) -> list[Any]:
        """The tokens of what was submitted and not yet handed back."""
        calls = [call.parcel.token for call in self._calls.values() if call.parcel is not None]
        return [parcel.token for parcel, _ in self._looking] + calls

    def submit(self, parcel: Parcel) -> None:
        """Put one delivery on its way. Does not block."""
        if self._resolvers is None:
            self._resolvers = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver")
        looking = self._resolvers.submit(inspect, parcel.url, self._networks, self._resolve)
        self._looking.append((parcel, looking))

    def poll(self, wait: float) -> list[tuple[Any, Answer]]:
        """Drive every delivery and return those that ended, waiting up to `wait` seconds for the first."""
        ended: list[tuple[Any, Answer]] = []
        deadline = time.monotonic() + wait
        while self._looking or self._calls:
            found = self._set_out() + self._collect()
            if found and not ended:
                deadline = min(deadline, time.monotonic() + _GATHER)
            ended += found
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._wait(min(left, _TICK))
        return ended

    def close(self) -> None:
        """Abandon what is under way and close every connection."""
        for call in [*self._idle, *self._calls.values()]:
            if call.curl in self._calls and self._multi is not None:
                self._multi.remove_handle(call.curl)
            call.curl.close()
        if self._multi is not None:
            self._multi.close()
        if self._resolvers is not None:
            self._resolvers.shutdown(wait=False, cancel_futures=True)
        self._looking.clear()
        self._calls.clear()
        self._idle.clear()
        self._multi = self._resolvers = None

    def _wait(self, seconds: float) -> None:
        if self._multi is not None and self._calls:
            self._multi.select(seconds)
        else:
            time.sleep(min(seconds, 0.002))

    def _set_out(self) -> list[tuple[Any, Answer]]:
        """Begin what has been looked up; what may not be delivered has ended."""
        refused: list[tuple[Any, Answer]] = []
        still: list[tuple[Parcel, Future[tuple[Target, list[Address]] | Refusal]]] = []
        for parcel, looking in self._looking:
            if not looking.done():
                still.append((parcel, looking))
                continue
            found = _BROKEN if looking.exception() else looking.result()
            if isinstance(found, Refusal):
                refused.append((parcel.token, Answer(error=found.code)))
            else:
                self._begin(parcel, *found)
        self._looking = still
        return refused

    def _begin(self, parcel: Parcel, target: Target, addresses: Sequence[Address]) -> None:
        if self._multi is None:
            self._multi = pycurl.CurlMulti()
            self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)
        call = self._idle.pop() if self._idle else _Call(self._timeout, self._ca_file)
        call.load(parcel, target, addresses[parcel.nth % len(addresses)])
        self._calls[call.curl] = call
        self._multi.add_handle(call.curl)

    def _collect(self) -> list[tuple[Any, Answer]]:
        ended: list[tuple[Any, Answer]] = []
        if self._multi is None:
            return ended
        self._multi.perform()
        more = 1
        while more:
            more, good, bad = self._multi.info_read()
            for curl, error in [(c, None) for c in good] + [(c, code) for c, code, _ in bad]:
                self._multi.remove_handle(curl)
                call = self._calls.pop(curl)
                ended.append((call.parcel.token if call.parcel else None, call.answer(error)))
                call.parcel = None
                self._idle.append(call)
        return ended


class _Opened(socket.socket):
    """A socket that pycurl copies and lets go of; going is no accident then."""

    def __del__(self) -> None:
        self.close()


class _Call:
    """A reusable libcurl handle, loaded with one delivery at a time."""

    def __init__(self, timeout: timedelta, ca_file: str) -> None:
        self.parcel: Parcel | None = None
        self._address = ""
        self._headers: list[tuple[bytes, bytes]] = []
        self._code = 0
        self._status: int | None = None
        """Once the whole head of a final reply is here."""
        self._read = 0
        self.curl = curl = pycurl.Curl()
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.PROXY, "")  # an empty name also switches off the environment's proxies
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.MAXAGE_CONN, _MAX_IDLE_SECONDS)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(_CONNECT_TIMEOUT.total_seconds() * 1000))
        curl.setopt(pycurl.TIMEOUT_MS, int(timeout.total_seconds() * 1000))
        curl.setopt(pycurl.CAINFO, ca_file)
        curl.setopt(pycurl.SSL_VERIFYPEER, 1)
        curl.setopt(pycurl.SSL_VERIFYHOST, 2)
        curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        curl.setopt(pycurl.USERAGENT, "posthorn")
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open)
        curl.setopt(pycurl.HEADERFUNCTION, self._header)
        curl.setopt(pycurl.WRITEFUNCTION, self._body)

    def load(self, parcel: Parcel, target: Target, address: Address) -> None:
        self.parcel, self._address = parcel, str(address)
        self._status, self._read = None, 0
        self._headers.clear()
        curl = self.curl
        curl.setopt(pycurl.URL, target.url)
        # To this address and no other, whatever the name means by now; TLS and Host keep the name.
        host, where = (f"[{a}]" if ":" in a else a for a in (target.host, self._address))
        curl.setopt(pycurl.CONNECT_TO, [f"{host}:{target.port}:{where}:{target.port}"])
        curl.setopt(
            pycurl.HTTPHEADER, ["Expect:", *(f"{k}: {v}" for k, v in parcel.headers.items())]
        )
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.POSTFIELDS, parcel.body)

    def answer(self, error: int | None) -> Answer:
        """What came of it; who has said a status, and then broken off, has said it."""
        if self._status is not None:
            return Answer(self._status, None, retry_after(httpx.Headers(self._headers)))
        return Answer(error=_ERRORS.get(error or 0, "protocol"))

    def _open(self, _purpose: int, to: Any) -> Any:
        if ip_address(to.addr[0]) != ip_address(self._address):
            return pycurl.SOCKET_BAD
        return _Opened(to.family, to.socktype, to.protocol)

    def _header(self, line: bytes) -> None:
        if line.startswith(b"HTTP/"):
            self._headers.clear()  # an interim 1xx reply came before
            word = line.split(maxsplit=2)[1:2]
            self._code = int(word[0]) if word and word[0].isdigit() else 0
            return
        name, colon, value = line.partition(b":")
        if colon:
            self._headers.append((name.strip(), value.strip()))
        elif not line.strip() and 200 <= self._code < 600:
            self._status = self._code

    def _body(self, chunk: bytes) -> int:
        self._read += len(chunk)
        return len(chunk) if self._read <= _MAX_BODY else 0
