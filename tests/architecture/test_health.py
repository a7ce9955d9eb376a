"""The health checks say yes to what works, no to what does not, and nothing in between."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from messaging import health


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        del format, args


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_url_is_healthy_when_it_answers_with_success(url: str) -> None:
    assert health.main([f"{url}/well"]) == 0
    assert health.main([f"{url}/ill"]) == 1


def test_a_url_nobody_answers_is_not_healthy() -> None:
    with HTTPServer(("127.0.0.1", 0), _Answers) as closed:
        port = closed.server_port
    assert health.main([f"http://127.0.0.1:{port}/well"]) == 1


def test_a_beat_is_healthy_while_it_goes_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("POSTHORN_HOME", str(home))
    assert health.main(["beat"]) == 1
    health.note_beat(home)
    assert health.main(["beat"]) == 0
    long_ago = time.time() - health.BEAT_SECONDS - 1
    os.utime(home / health.BEAT_FILE, (long_ago, long_ago))
    assert health.main(["beat"]) == 1


def test_a_worker_nobody_can_reach_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHORN_REDIS_URL", "redis://127.0.0.1:9/0")
    assert health.main(["worker", "high"]) == 1


@pytest.mark.parametrize("asked", [[], ["worker", "nobody"], ["worker"], ["https://x"], ["tea"]])
def test_what_is_no_check_of_ours_is_a_mistake_not_an_illness(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert health.main(asked) == 2
    assert capsys.readouterr().err
