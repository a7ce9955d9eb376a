"""A server that counts what truly arrives, and may break off at any point."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from messaging.domain.failures import Failure, Kind
from messaging.providers.transport import Transport

FORM = b"To=%2B12025550123&Body=hello"


@dataclass(frozen=True)
class Arrival:
    """One complete request, as read from the socket."""

    head: bytes
    body: bytes
    nth: int
    """1 for the first request of its connection."""


Act = Callable[["WireServer", socket.socket, Arrival], bool]
"""What to do with a request; False ends the connection's thread."""


def answer(body: bytes = b'{"ok": 1}', *, status: str = "201 Created", extra: bytes = b"") -> bytes:
    """A plain HTTP/1.1 response that keeps the connection open."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + extra + b"\r\n" + body


def say(data: bytes) -> Act:
    """Answer every request with `data` and keep the connection."""

    def act(_server: WireServer, connection: socket.socket, _arrival: Arrival) -> bool:
        connection.sendall(data)
        return True

    return act


def say_and_close(data: bytes) -> Act:
    """Answer with `data`, then close."""

    def act(_server: WireServer, connection: socket.socket, _arrival: Arrival) -> bool:
        connection.sendall(data)
        connection.close()
        return False

    return act


OK = answer()


def reset(connection: socket.socket) -> None:
    """Close with a TCP reset instead of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def die_on_second(end: Callable[[socket.socket], None]) -> Act:
    """Answer a connection's first request; take the second and end the connection unanswered."""

    def act(_server: WireServer, connection: socket.socket, arrival: Arrival) -> bool:
        if arrival.nth == 1:
            connection.sendall(OK)
            return True
        end(connection)
        return False

    return act


ENDINGS: dict[str, Callable[[socket.socket], None]] = {"fin": socket.socket.close, "reset": reset}


class WireServer:
    """Listens on 127.0.0.1 and hands each complete request to `act`."""

    def __init__(self, act: Act, tls: ssl.SSLContext | None = None) -> None:
        self.act = act
        self.tls = tls
        self.arrivals: list[Arrival] = []
        self.connections = 0
        self.changed = threading.Condition()
        self.closed = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop_listening(self) -> None:
        """Refuse connections from now on; those that are open stay."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        self._listener.close()

    def stop(self) -> None:
        self.stop_listening()
        for connection in self._open:
            connection.close()

    def wait_closed(self, count: int) -> None:
        """Wait until the server has closed `count` connections."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.closed >= count, timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self._requests(connection)
        except OSError:
            pass
        finally:
            connection.close()
            with self.changed:
                self.closed += 1
                self.changed.notify_all()

    def _requests(self, connection: socket.socket) -> None:
        nth, buffer, more = 0, b"", True
        while more:
            while b"\r\n\r\n" not in buffer:
                data = connection.recv(65536)
                if not data:
                    return
                buffer += data
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            length = _length(head)
            while len(buffer) < length:
                buffer += connection.recv(65536)
            nth += 1
            arrival = Arrival(head, buffer[:length], nth)
            buffer = buffer[length:]
            self.arrivals.append(arrival)
            more = self.act(self, connection, arrival)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


Serve = Callable[..., WireServer]


def post(url: str, content: bytes = FORM, **headers: str) -> httpx.Request:
    return httpx.Request("POST", url + "/messages", content=content, headers=headers)


def send(transport: Transport, request: httpx.Request) -> httpx.Response | Failure:
    token = object()
    transport.submit(token, request)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for got, result in transport.poll(1):
            assert got is token
            return result
    raise AssertionError("nothing came back within 10 seconds")


def status(result: httpx.Response | Failure) -> int:
    assert isinstance(result, httpx.Response), result
    return result.status_code


def failure(result: httpx.Response | Failure) -> tuple[Kind, str]:
    assert isinstance(result, Failure), result
    assert "5550123" not in repr(result)
    assert "hello" not in repr(result)
    return result.kind, result.code
