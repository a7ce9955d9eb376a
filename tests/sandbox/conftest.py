from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from tests.sandbox.carrier import Posted, Receiver, Sandbox, Start, launch


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Sandbox] = []

    def begin(*options: str, **environment: str) -> Sandbox:
        running.append(launch(*options, **environment))
        return running[-1]

    yield begin
    for sandbox in running:
        sandbox.stop()


@pytest.fixture(scope="session")
def shared() -> Iterator[Sandbox]:
    """One carrier for the tests that leave its settings alone."""
    sandbox = launch("--receipt-delay", "20ms")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def carrier(shared: Sandbox) -> Sandbox:
    """The shared carrier with an empty ledger."""
    shared.http.delete("/sandbox/ledger").raise_for_status()
    return shared


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            form = {}
            if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
                form = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
            posted = Posted(self.path, headers, form, time.time(), body, self.command)
            taken.posted.append(posted)
            self.send_response(taken.answers.pop(0) if taken.answers else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - http.server asks for it

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    taken = Receiver(f"http://127.0.0.1:{server.server_port}/receipts")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield taken
    server.shutdown()
    server.server_close()
    thread.join(5)
