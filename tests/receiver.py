"""A tenant's endpoint: a real HTTP server that keeps what it is told, and answers as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Heard:
    """One request."""

    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        return str(self.content["type"])

    @property
    def about(self) -> str:
        data = self.content["data"]
        return str(data.get("message_id") or data.get("inbound_id"))

    def verified(self, secret: str) -> Any:
        """What the customer's own library makes of it; raises if it is not signed with the secret."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass(frozen=True)
class Says:
    """An answer: a status, headers, a body."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Receiver:
    """What a test sees of the endpoint."""

    url: str
    heard: list[Heard] = field(default_factory=list)
    answers: Callable[[Heard], Says] = field(default=lambda _: Says())
    most_at_once: int = 0
    connections: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def says(self, *statuses: int) -> None:
        """Answer with these statuses in turn, then with the last one for ever."""
        left = list(statuses)

        def answer(_heard: Heard) -> Says:
            with self._lock:
                return Says(left.pop(0) if len(left) > 1 else left[0])

        self.answers = answer

    @property
    def kinds(self) -> list[str]:
        return [heard.kind for heard in self.heard]

    def of(self, about: object) -> Sequence[Heard]:
        return [heard for heard in self.heard if heard.about == str(about)]

    def take(self, heard: Heard) -> Says:
        with self._lock:
            self.heard.append(heard)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self.answers(heard)
        finally:
            with self._lock:
                self._at_once -= 1


@contextmanager
def receiver(host: str = "127.0.0.1") -> Iterator[Receiver]:
    """An endpoint that listens, each request in a thread of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            with found._lock:
                found.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            says = found.take(Heard(headers, body, self.path))
            self.send_response(says.status)
            for name, value in says.headers.items():
                self.send_header(name, value)
            if says.status != 204:
                self.send_header("content-length", str(len(says.body)))
            self.end_headers()
            self.wfile.write(says.body)

        def do_GET(self) -> None:
            raise AssertionError("nobody follows a redirect")

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 1_024

        def handle_error(self, *_: object) -> None:
            """A client that hangs up is what some tests are about."""

    server = Server((host, 0), Handler)
    found = Receiver(f"http://{host}:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join(5)
