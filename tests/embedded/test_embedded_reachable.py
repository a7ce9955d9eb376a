"""A configured server that cannot be used gives one sentence, with the setting and no password."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from messaging.embedded import (
    EmbeddedError,
    Server,
    check_reachable,
    reachable,
    start_postgres,
    start_redis,
)

SECRET = "s3cret%40word"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    directory = tmp_path_factory.mktemp("reachable")
    hba = directory / "hba.conf"
    hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    hba.chmod(0o644)
    postgres = start_postgres(directory, options={"hba_file": str(hba)})
    redis = start_redis(directory)
    yield postgres, redis
    redis.stop()
    postgres.stop()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refusal(database_url: str, redis_url: str) -> str:
    with pytest.raises(EmbeddedError) as caught:
        check_reachable(database_url, redis_url)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    for secret in (SECRET, "s3cret@word", "s3cret"):
        assert secret not in caught.value.detail
    return caught.value.detail


def test_servers_that_answer_pass(pair: tuple[Server, Server]) -> None:
    check_reachable(pair[0].url, pair[1].url)


REDIS_CASES: list[tuple[Callable[[int, int], str], str]] = [
    (lambda _port, closed: f"redis://:{SECRET}@127.0.0.1:{closed}/0", "refused"),
    (lambda port, _closed: f"redis://:{SECRET}@127.0.0.1:{port}/0", "invalid username-password"),
    (lambda port, _closed: f"redis://127.0.0.1:{port}/0", "asks for a password"),
    (lambda port, _closed: f"http://:{SECRET}@127.0.0.1:{port}/0", "must begin with redis://"),
    (lambda _port, _closed: f"redis://:{SECRET}@127.0.0.1:x/0", "is not a URL"),
    (lambda _port, _closed: SECRET, "is not a URL"),
]


@pytest.mark.parametrize(("url", "reason"), REDIS_CASES, ids=[reason for _, reason in REDIS_CASES])
def test_redis(
    pair: tuple[Server, Server],
    closed_port: int,
    url: Callable[[int, int], str],
    reason: str,
) -> None:
    said = refusal(pair[0].url, url(make_url(pair[1].url).port or 0, closed_port))
    assert "POSTHORN_REDIS_URL" in said
    assert reason in said


POSTGRES_CASES: list[tuple[Callable[[str, int], str], str]] = [
    (lambda _host, closed: f"postgresql://u:{SECRET}@127.0.0.1:{closed}/d", "refused"),
    (lambda _host, closed: f"postgresql+psycopg://u:{SECRET}@127.0.0.1:{closed}/d", "refused"),
    (
        lambda host, _closed: f"postgresql://u:{SECRET}@/postgres?host={host}",
        "authentication failed",
    ),
    (lambda host, _closed: f"postgresql://postgres@/nowhere?host={host}", "does not exist"),
    (lambda host, _closed: f"postgresql://u:{SECRET}@/d?host={host}&a_typo=1", "a_typo"),
    (
        lambda _host, closed: f"mysql://u:{SECRET}@127.0.0.1:{closed}/d",
        "must begin with postgresql",
    ),
    (lambda _host, _closed: f"u:{SECRET}@127.0.0.1", "is not a URL"),
]


@pytest.mark.parametrize(("url", "reason"), POSTGRES_CASES)
def test_postgres(
    pair: tuple[Server, Server],
    closed_port: int,
    url: Callable[[str, int], str],
    reason: str,
) -> None:
    host = str(make_url(pair[0].url).query["host"])
    said = refusal(url(host, closed_port), pair[1].url)
    assert "POSTHORN_DATABASE_URL" in said
    assert reason in said


def test_a_server_that_never_answers_is_given_up(
    pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachable, "CONNECT_TIMEOUT", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        assert "DATABASE" in refusal(f"postgresql://u:{SECRET}@127.0.0.1:{port}/d", pair[1].url)
        assert "REDIS" in refusal(pair[0].url, f"redis://:{SECRET}@127.0.0.1:{port}/0")
        assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("limit", "value", "setting"),
    [
        ("OLDEST_POSTGRES", 99, "POSTHORN_DATABASE_URL"),
        ("OLDEST_REDIS", (99, 0), "POSTHORN_REDIS_URL"),
    ],
)
def test_a_server_that_is_too_old(
    pair: tuple[Server, Server],
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: object,
    setting: str,
) -> None:
    monkeypatch.setattr(reachable, limit, value)
    said = refusal(pair[0].url, pair[1].url)
    assert setting in said
    assert "or newer is needed" in said


def test_the_socket_of_a_stopped_server(tmp_path: Path, pair: tuple[Server, Server]) -> None:
    said = refusal(f"postgresql+psycopg://u:{SECRET}@/d?host={tmp_path}", pair[1].url)
    assert "POSTHORN_DATABASE_URL" in said
