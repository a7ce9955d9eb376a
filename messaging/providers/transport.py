"""How does a provider's request get onto the wire, exactly once?

The only sockets towards providers: libcurl's multi interface under the httpx types. It decides nothing
about a reply; it only says what is certain about a failed exchange: `NOT_SENT` when no request can
have reached the provider, `AMBIGUOUS` for everything else (law 4).

One submit is at most one request on the wire. libcurl would by itself repeat a request whose *reused*
connection died before the first byte of an answer. To repeat it, libcurl must rewind the body, so the
body is given as a read function that has no seek function beside it: the repeat fails instead, and
the exchange is ambiguous. A body-less POST has nothing to rewind and is never put on a used connection.
Only a GET may be repeated by libcurl, which changes nothing at the provider.

A transport belongs to one thread of one process. Handles are made at the first submit, so a process
may fork before; never use a parent's transport in a child, they would share sockets.
"""

from __future__ import annotations

import selectors
import time
from datetime import timedelta

import certifi
import httpx
import pycurl

from messaging.domain.failures import Failure
from messaging.providers.exchange import Exchange, Settings

_POLL_EVENTS = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}
_SELECT_FLAGS = {
    selectors.EVENT_READ: pycurl.CSELECT_IN,
    selectors.EVENT_WRITE: pycurl.CSELECT_OUT,
    selectors.EVENT_READ | selectors.EVENT_WRITE: pycurl.CSELECT_IN | pycurl.CSELECT_OUT,
}


class Transport:
    """A window of HTTP exchanges with providers, driven by whoever calls `poll`."""

    def __init__(
        self,
        *,
        connect_timeout: timedelta = timedelta(seconds=5),
        timeout: timedelta = timedelta(seconds=30),
        ca_file: str | None = None,
        max_connections: int = 200,
    ) -> None:
        """Remember the limits; nothing is opened yet.

        `timeout` bounds a whole exchange, connecting included. `ca_file` replaces certifi's
        authorities. `max_connections` bounds open connections and the cache of kept-alive ones;
        an exchange beyond it waits, on the clock of `timeout`.
        """
        self._settings = Settings(connect_timeout, timeout, ca_file or certifi.where())
        self._max_connections = max_connections
        self._multi: pycurl.CurlMulti | None = None
        self._selector: selectors.BaseSelector | None = None
        self._single: Exchange | None = None
        self._idle: list[Exchange] = []
        self._busy: dict[pycurl.Curl, tuple[object, Exchange]] = {}
        self._timer_at: float | None = None

    @property
    def in_flight(self) -> int:
        """Exchanges submitted and not yet handed back by `poll`."""
        return len(self._busy)

    def submit(self, token: object, request: httpx.Request) -> None:
        """Put one request on its way; `poll` hands `token` back with its result. Does not block.

        Raises:
            ValueError: the method is neither GET nor POST.
        """
        multi = self._multi or self._open()
        exchange = self._idle.pop() if self._idle else Exchange(self._settings)
        exchange.load(request)
        self._busy[exchange.curl] = (token, exchange)
        multi.add_handle(exchange.curl)

    def poll(self, wait: float) -> list[tuple[object, httpx.Response | Failure]]:
        """Move every exchange forward and return those that ended, waiting up to `wait` seconds.

        Returns as soon as at least one ended; at once when none is in flight.
        """
        finished: list[tuple[object, httpx.Response | Failure]] = []
        deadline = time.monotonic() + wait
        while self._busy:
            self._drive(deadline)
            finished = self._collect()
            if finished or time.monotonic() >= deadline:
                break
        return finished

    def call(self, request: httpx.Request) -> httpx.Response | Failure:
        """Make one exchange and wait for it, apart from the window: for look-ups.

        Raises:
            ValueError: the method is neither GET nor POST.
        """
        if self._single is None:
            self._single = Exchange(self._settings)
        self._single.load(request)
        try:
            self._single.curl.perform()
        except pycurl.error as error:
            return self._single.failure(int(error.args[0]))
        return self._single.response()

    def close(self) -> None:
        """Close every connection. Exchanges still in flight are abandoned: their outcome is unknown."""
        for curl, (_, exchange) in self._busy.items():
            if self._multi is not None:
                self._multi.remove_handle(curl)
            self._idle.append(exchange)
        self._busy.clear()
        for exchange in self._idle:
            exchange.curl.close()
        self._idle.clear()
        if self._single is not None:
            self._single.curl.close()
            self._single = None
        if self._multi is not None:
            self._multi.close()
            self._multi = None
        if self._selector is not None:
            self._selector.close()
            self._selector = None

    def _open(self) -> pycurl.CurlMulti:
        self._selector = selectors.DefaultSelector()
        self._multi = multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        multi.setopt(pycurl.M_MAXCONNECTS, self._max_connections)
        multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, self._max_connections)
        multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)
        return multi

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        """Libcurl's wish to be told about a socket (or no longer)."""
        selector = self._selector
        if selector is None:
            return
        known = fd in selector.get_map()
        if what == pycurl.POLL_REMOVE:
            if known:
                selector.unregister(fd)
        elif known:
            selector.modify(fd, _POLL_EVENTS[what])
        else:
            selector.register(fd, _POLL_EVENTS[what])

    def _set_timer(self, milliseconds: int) -> None:
        """Libcurl's wish to be called at a time; a negative one cancels the wish."""
        self._timer_at = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def _drive(self, deadline: float) -> None:
        """Wait for sockets or libcurl's timer, not beyond `deadline`, and act on them."""
        if self._multi is None or self._selector is None:
            return
        until = deadline if self._timer_at is None else min(deadline, self._timer_at)
        for key, events in self._selector.select(max(0.0, until - time.monotonic())):
            self._multi.socket_action(key.fd, _SELECT_FLAGS[events])
        if self._timer_at is not None and time.monotonic() >= self._timer_at:
            self._timer_at = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _collect(self) -> list[tuple[object, httpx.Response | Failure]]:
        if self._multi is None:
            return []
        finished: list[tuple[object, httpx.Response | Failure]] = []
        more = 1
        while more:
            more, good, bad = self._multi.info_read()
            ended = [(curl, None) for curl in good] + [(curl, code) for curl, code, _ in bad]
            for curl, code in ended:
                self._multi.remove_handle(curl)
                token, exchange = self._busy.pop(curl)
                result = exchange.response() if code is None else exchange.failure(code)
                finished.append((token, result))
                self._idle.append(exchange)
        return finished
