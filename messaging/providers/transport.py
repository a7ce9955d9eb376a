"""How does a provider's request get onto the wire, exactly once?

The only sockets towards providers: libcurl's multi interface under the httpx types. It decides nothing
about a reply; it only says what is certain about a failed exchange: `NOT_SENT` when no request can
have reached the provider, `AMBIGUOUS` for everything else (law 4).

One submit is at most one request on the wire. libcurl would by itself repeat a request whose *reused*
connection died before the first byte of an answer. To repeat it, libcurl must rewind the body, so the
body is given as a read function that has no seek function beside it: the repeat fails instead, and
the exchange is ambiguous. A body-less POST has nothing to rewind and is never put on a used connection.
Only a GET may be repeated by libcurl, which changes nothing at the provider.
E-mail (`smtp:` and `smtps:`) goes through the same window, under the same rule: one submit, at most one
delivery. Threads of its own wait for it, since libcurl makes everybody wait for a relay's last answer.

A transport belongs to one thread of one process. Handles are made at the first submit, so a process
may fork before; never use a parent's transport in a child, they would share sockets.
"""

from __future__ import annotations

import selectors
import time
from datetime import timedelta
from functools import partial

import certifi
import httpx
import pycurl

from messaging.domain.failures import Failure
from messaging.providers.exchange import Exchange, Settings
from messaging.providers.smtp_exchange import MailExchange
from messaging.providers.smtp_threads import MailThreads

_MAIL = frozenset({"smtp", "smtps"})
_MOST_MAIL_THREADS = 64

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
    """A window of exchanges with providers, driven by whoever calls `poll`."""

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
        self._engine: tuple[pycurl.CurlMulti, selectors.BaseSelector] | None = None
        self._single: Exchange | None = None
        self._idle: list[Exchange] = []
        self._busy: dict[pycurl.Curl, tuple[object, Exchange]] = {}
        self._mail: MailThreads | None = None
        self._watched: set[int] = set()
        self._timer_at: float | None = None

    @property
    def in_flight(self) -> int:
        """Exchanges submitted and not yet handed back by `poll`."""
        return len(self._busy) + (self._mail.in_flight if self._mail is not None else 0)

    def submit(self, token: object, request: httpx.Request) -> None:
        """Put one request on its way; `poll` hands `token` back with its result. Does not block.

        Raises:
            ValueError: the method is neither GET nor POST, or an e-mail's addresses are none.
        """
        if self._engine is None:
            self._engine = self._open()
        if request.url.scheme in _MAIL:
            self._mail_threads(self._engine[1]).submit(token, request)
            return
        exchange = self._idle.pop() if self._idle else Exchange(self._settings)
        exchange.load(request)
        self._busy[exchange.curl] = (token, exchange)
        self._engine[0].add_handle(exchange.curl)

    def poll(self, wait: float) -> list[tuple[object, httpx.Response | Failure]]:
        """Move every exchange forward and return those that ended, waiting up to `wait` seconds.

        Returns as soon as at least one ended; at once when none is in flight.
        """
        finished: list[tuple[object, httpx.Response | Failure]] = []
        deadline = time.monotonic() + wait
        while self._engine is not None and self.in_flight:
            self._drive(*self._engine, deadline)
            finished = self._collect(self._engine[0])
            if finished or time.monotonic() >= deadline:
                break
        return finished

    def call(self, request: httpx.Request) -> httpx.Response | Failure:
        """Make one exchange and wait for it, apart from the window: for look-ups.

        Raises:
            ValueError: the method is neither GET nor POST, or an e-mail's addresses are none.
        """
        if request.url.scheme in _MAIL:
            mail = MailExchange(self._settings)
            try:
                return mail.deliver(request, self._settings.timeout.total_seconds())
            finally:
                mail.close()
        if self._single is None:
            self._single = Exchange(self._settings)
        self._single.load(request)
        try:
            self._single.curl.perform()
        except pycurl.error as error:
            return self._single.result(int(error.args[0]))
        return self._single.result(pycurl.E_OK)

    def close(self) -> None:
        """Close every connection. Exchanges still in flight are abandoned: their outcome is unknown."""
        exchanges = [*self._idle, *(exchange for _, exchange in self._busy.values())]
        if self._single is not None:
            exchanges.append(self._single)
        if self._engine is not None:
            multi, selector = self._engine
            for curl in self._busy:
                multi.remove_handle(curl)
            multi.close()
            selector.close()
        for exchange in exchanges:
            exchange.curl.close()
        if self._mail is not None:
            self._mail.close()
        self._engine = self._single = self._timer_at = self._mail = None
        self._idle.clear()
        self._busy.clear()
        self._watched.clear()

    def _open(self) -> tuple[pycurl.CurlMulti, selectors.BaseSelector]:
        multi, selector = pycurl.CurlMulti(), selectors.DefaultSelector()
        multi.setopt(pycurl.M_SOCKETFUNCTION, partial(self._watch, selector))
        multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        multi.setopt(pycurl.M_MAXCONNECTS, self._max_connections)
        multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, self._max_connections)
        multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)
        return multi, selector

    def _mail_threads(self, selector: selectors.BaseSelector) -> MailThreads:
        if self._mail is None:
            self._mail = MailThreads(self._settings, min(self._max_connections, _MOST_MAIL_THREADS))
            selector.register(self._mail.fileno(), selectors.EVENT_READ, data=self._mail)
        return self._mail

    def _watch(
        self, selector: selectors.BaseSelector, what: int, fd: int, _multi: object, _data: object
    ) -> None:
        """Libcurl's wish to be told about a socket (or no longer)."""
        if what == pycurl.POLL_REMOVE:
            if fd in self._watched:
                self._watched.remove(fd)
                selector.unregister(fd)
        elif fd in self._watched:
            selector.modify(fd, _POLL_EVENTS[what])
        else:
            self._watched.add(fd)
            selector.register(fd, _POLL_EVENTS[what])

    def _set_timer(self, milliseconds: int) -> None:
        """Libcurl's wish to be called at a time; a negative one cancels the wish."""
        self._timer_at = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000

    def _drive(
        self, multi: pycurl.CurlMulti, selector: selectors.BaseSelector, deadline: float
    ) -> None:
        """Wait for sockets or libcurl's timer, not beyond `deadline`, and act on them."""
        until = deadline if self._timer_at is None else min(deadline, self._timer_at)
        for key, events in selector.select(max(0.0, until - time.monotonic())):
            if key.data is self._mail is not None:
                continue  # only a bell
            multi.socket_action(key.fd, _SELECT_FLAGS[events])
        if self._timer_at is not None and time.monotonic() >= self._timer_at:
            self._timer_at = None
            multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _collect(self, multi: pycurl.CurlMulti) -> list[tuple[object, httpx.Response | Failure]]:
        """What ended since the last time."""
        finished = self._mail.collect() if self._mail is not None else []
        more = 1
        while more:
            more, good, bad = multi.info_read()
            ended = [(curl, pycurl.E_OK) for curl in good]
            ended += [(curl, code) for curl, code, _ in bad]
            for curl, code in ended:
                multi.remove_handle(curl)
                token, exchange = self._busy.pop(curl)
                finished.append((token, exchange.result(code)))
                self._idle.append(exchange)
        return finished
