"""Mail relays on this machine: a real one, and one that breaks off at any point of its script."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

Reply = bytes | Callable[[socket.socket], None]
"""What to answer a command with; a function ends the connection in its own way."""

HELLO = b"250-relay.example.net\r\n250-SIZE 10000000\r\n250 ENHANCEDSTATUSCODES\r\n"
_DEFAULTS: dict[str, Reply] = {
    "CONNECT": b"220 relay.example.net ESMTP\r\n",
    "EHLO": HELLO,
    "STARTTLS": b"220 2.0.0 go ahead\r\n",
    "AUTH": b"235 2.7.0 welcome\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 go on\r\n",
    "DOT": b"250 2.0.0 Ok: queued as 4XyZ12\r\n",
    "QUIT": b"221 2.0.0 Bye\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
}


def drop(connection: socket.socket) -> None:
    """Close without a word."""
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def hang(_connection: socket.socket) -> None:
    """Say nothing, and keep the connection."""


def after(line: bytes, end: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Say a line, then end in that way."""

    def act(connection: socket.socket) -> None:
        connection.sendall(line)
        end(connection)

    return act


@dataclass
class Relay:
    """Speaks SMTP on 127.0.0.1 as scripted, and keeps every mail whose final dot it read."""

    script: Mapping[str, Reply] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    first_only: bool = False
    """Whether only the first mail of a connection goes by the plain script."""
    stops_after: tuple[int, Callable[[socket.socket], None]] | None = None
    """How many bytes of a connection it reads, and how it ends it then."""
    mails: list[bytes] = field(default_factory=list)
    """What arrived, dots unstuffed, whether it was then accepted or not."""
    commands: list[bytes] = field(default_factory=list)
    connections: int = 0
    encrypted: list[bool] = field(default_factory=list)
    """Of every mail, whether it came over TLS."""

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'smtps' if self.implicit else 'smtp'}://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """End everything."""
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

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
            if self.implicit and self.tls is not None:
                connection = self._wrap(connection)
            _Talk(self, connection).run()
        except OSError:
            pass
        finally:
            connection.close()

    def _wrap(self, connection: socket.socket) -> socket.socket:
        assert self.tls is not None
        wrapped = self.tls.wrap_socket(connection, server_side=True)
        self._open.append(wrapped)
        return wrapped


class _Talk:
    """One connection."""

    def __init__(self, relay: Relay, connection: socket.socket) -> None:
        self.relay, self.connection = relay, connection
        self.buffer, self.nth, self.read = b"", 1, 0

    def run(self) -> None:
        more = self.say("CONNECT")
        while more:
            line = self.read_to(b"\r\n")
            if line is None:
                return
            self.relay.commands.append(line)
            verb = line.partition(b" ")[0].decode("latin-1").upper()
            if verb == "STARTTLS" and self.relay.tls is not None:
                more = self.say(verb)
                if more:
                    self.connection, self.buffer = self.relay._wrap(self.connection), b""
                continue
            more = self.say(verb) and verb != "QUIT"
            if more and verb == "DATA":
                more = self.take()

    def take(self) -> bool:
        """Read a mail to its final dot and answer it."""
        mail = self.read_to(b"\r\n.\r\n")
        if mail is None:
            return False
        self.relay.mails.append(re.sub(rb"(?m)^\.", b"", mail) + b"\r\n")
        self.relay.encrypted.append(isinstance(self.connection, ssl.SSLSocket))
        more = self.say("DOT")
        self.nth += 1
        return more

    def say(self, verb: str) -> bool:
        scripted = {} if self.relay.first_only and self.nth == 1 else self.relay.script
        reply = scripted.get(verb, _DEFAULTS.get(verb, b"500 5.5.1 what?\r\n"))
        if isinstance(reply, bytes):
            self.connection.sendall(reply)
            return True
        reply(self.connection)
        return reply is hang

    def read_to(self, end: bytes) -> bytes | None:
        while end not in self.buffer:
            data = self.receive()
            if not data:
                return None
            self.buffer += data
        read, _, self.buffer = self.buffer.partition(end)
        return read

    def receive(self) -> bytes:
        if self.relay.stops_after is None:
            return self.connection.recv(65536)
        most, end = self.relay.stops_after
        if self.read >= most:
            end(self.connection)
            return b""
        data = self.connection.recv(min(65536, most - self.read))
        self.read += len(data)
        return data
