"""Real servers from wheels: they answer, keep their data, share nothing, and never outlive us."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import create_engine, make_url, text

from messaging.embedded import EmbeddedError, Server, Servers, running, servers, start_postgres
from messaging.embedded import redis_server as redis_module

HOLD_SERVERS = """
    import json, sys, time
    from pathlib import Path
    from messaging.embedded import servers
    with servers(Path(sys.argv[1]), database_url=None, redis_url=None) as urls:
        print(json.dumps([urls.database_url, urls.redis_url]), flush=True)
        time.sleep(60)
"""


def query(url: str, sql: str) -> Any:
    conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone() if cursor.description else None


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.name() != "python"}


def test_both_answer_and_the_database_is_kept(tmp_path: Path) -> None:
    for number in (1, 2):
        with servers(tmp_path, database_url=None, redis_url=None) as urls:
            query(urls.database_url, "CREATE TABLE IF NOT EXISTS kept (n int)")
            query(urls.database_url, "INSERT INTO kept VALUES (1)")
            assert query(urls.database_url, "SELECT count(*) FROM kept") == (number,)
            with redis.Redis.from_url(urls.redis_url) as client:
                assert client.dbsize() == 0
                client.set("key", "value")


def test_sqlalchemy_takes_the_url_and_commits_are_durable(postgres: Server) -> None:
    engine = create_engine(postgres.url)
    with engine.connect() as connection:
        shown = {
            name: connection.execute(text(f"SHOW {name}")).scalar()
            for name in ("synchronous_commit", "fsync", "max_connections", "server_encoding")
        }
        listening = connection.execute(text("SHOW listen_addresses")).scalar()
    engine.dispose()
    assert shown == {
        "synchronous_commit": "on",
        "fsync": "on",
        "max_connections": "200",
        "server_encoding": "UTF8",
    }
    assert listening == ""


def test_options_override_the_defaults(tmp_path: Path) -> None:
    server = start_postgres(tmp_path, options={"max_connections": "23"})
    try:
        assert query(server.url, "SHOW max_connections") == ("23",)
    finally:
        server.stop()
    assert server.pid is None


def test_postgres_comes_back_after_a_kill_with_what_was_committed(postgres: Server) -> None:
    query(postgres.url, "CREATE TABLE kept AS SELECT 42 AS n")
    before = postgres.pid
    postgres.kill()
    assert postgres.pid is None
    postgres.start()
    assert postgres.pid not in {None, before}
    assert query(postgres.url, "SELECT n FROM kept") == (42,)


def test_it_comes_back_while_a_query_of_the_killed_one_goes_on(postgres: Server) -> None:
    long = "SELECT count(*) FROM generate_series(1, 20000000)"
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%20000000)'"
    )
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(query, postgres.url, long)
        while query(postgres.url, asked) == (0,):
            assert not answer.done()
        postgres.kill()
        postgres.start()
        assert query(postgres.url, "SELECT 1") == (1,)
        answer.exception()  # or none: it may have ended before it saw that its server is gone


def test_a_restart_keeps_the_url(redis_server: Server) -> None:
    before = redis_server.pid
    redis_server.restart()
    assert redis_server.pid not in {None, before}
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.ping()


def test_redis_refuses_strangers_and_its_password_is_in_no_argument(redis_server: Server) -> None:
    url = make_url(redis_server.url)
    assert url.password
    assert not any(str(url.password) in part for part in psutil.Process(redis_server.pid).cmdline())
    with (
        redis.Redis(host="127.0.0.1", port=url.port or 0, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_redis_never_evicts_and_keeps_nothing_on_disk(redis_server: Server) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        settings = client.config_get("*")
    assert settings["maxmemory-policy"] == "noeviction"
    assert (settings["save"], settings["appendonly"]) == ("", "no")


def test_a_path_too_long_for_a_socket_gets_a_temporary_one(tmp_path: Path) -> None:
    server = start_postgres(tmp_path / ("long" * 25))
    try:
        sockets = Path(str(make_url(server.url).query["host"]))
        assert not sockets.is_relative_to(tmp_path)
        server.restart()
        assert query(server.url, "SELECT 1") == (1,)
    finally:
        server.stop()
    assert not sockets.exists()


def test_a_path_with_a_comma_is_no_list_of_folders(tmp_path: Path) -> None:
    server = start_postgres(tmp_path / "this, that")
    try:
        assert query(server.url, "SELECT 1") == (1,)
    finally:
        server.stop()


def test_given_urls_are_used_and_nothing_is_started(tmp_path: Path) -> None:
    given = Servers("postgresql://db.invalid/x", "redis://redis.invalid/0")
    directory = tmp_path / "unused"
    before = children()
    with servers(directory, database_url=given.database_url, redis_url=given.redis_url) as urls:
        assert urls == given
        assert children() == before
    assert not directory.exists()


def test_only_what_has_no_url_is_started(tmp_path: Path) -> None:
    with servers(tmp_path, database_url="postgresql://db.invalid/x", redis_url=None) as urls:
        assert urls.database_url == "postgresql://db.invalid/x"
        assert not (tmp_path / "postgres").exists()
        with redis.Redis.from_url(urls.redis_url) as client:
            assert client.ping()


def test_a_second_one_on_a_directory_is_told_so_and_does_no_harm(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    with servers(tmp_path, database_url=None, redis_url=None) as urls:
        assert running(tmp_path) == urls
        assert (tmp_path / "servers.json").stat().st_mode & 0o077 == 0
        second = servers(tmp_path, database_url=None, redis_url=None)
        with pytest.raises(EmbeddedError) as refusal, second:
            pass
        for part in (str(tmp_path), f"process {os.getpid()}", "POSTHORN_DATABASE_URL"):
            assert part in refusal.value.detail
        assert query(urls.database_url, "SELECT 1") == (1,)
    assert running(tmp_path) is None


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    directory = tmp_path / "file" / "data"
    with (
        pytest.raises(EmbeddedError, match=r"file/data cannot be used .*POSTHORN_DATABASE_URL"),
        servers(directory, database_url=None, redis_url=None),
    ):
        pytest.fail("no server can live there")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_servers_end_with_their_process_however_it_ends(
    tmp_path: Path,
    how: signal.Signals,
    hold: Callable[..., Any],
    gone: Callable[[list[int]], None],
) -> None:
    holder = hold(HOLD_SERVERS, tmp_path)
    query(holder.said[0], "CREATE TABLE kept AS SELECT 42 AS n")
    assert len(holder.family) > 2
    holder.process.send_signal(how)
    holder.process.wait(20)
    with servers(
        tmp_path, database_url=None, redis_url=None
    ) as urls:  # without waiting for the end
        assert query(urls.database_url, "SELECT n FROM kept") == (42,)
    gone(holder.family)


def test_the_socket_folder_of_a_killed_one_is_removed_by_the_next(
    tmp_path: Path, hold: Callable[..., Any], gone: Callable[[list[int]], None]
) -> None:
    directory = tmp_path / ("long" * 25)
    holder = hold(HOLD_SERVERS, directory)
    left = Path(str(make_url(holder.said[0]).query["host"]))
    postmaster = int((directory / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)  # so that it cannot tidy up
    holder.close()
    gone(holder.family)
    assert left.exists()
    start_postgres(directory).stop()
    assert not left.exists()


def test_a_pid_file_that_names_another_program_is_stale(tmp_path: Path) -> None:
    start_postgres(tmp_path).stop()
    data = tmp_path / "postgres"
    stale = [str(os.getpid()), str(data), "1700000000", "5432", str(data), "", "1 1", "ready"]
    (data / "postmaster.pid").write_text("\n".join(stale))
    server = start_postgres(tmp_path)
    assert server.pid != os.getpid()
    server.stop()


def test_a_half_made_database_is_made_again(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    server = start_postgres(tmp_path)
    assert query(server.url, "SELECT 1") == (1,)
    server.stop()
    assert not half.exists()


def test_a_postgres_that_does_not_start_says_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError) as failure:
        start_postgres(tmp_path, options={"shared_buffers": "a lot"})
    assert "POSTHORN_DATABASE_URL" in failure.value.detail
    assert 'invalid value for parameter "shared_buffers"' in failure.value.detail


@pytest.mark.parametrize("on_path", ["nothing", "an old one"])
def test_without_a_usable_redis_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: str
) -> None:
    old = tmp_path / "redis-server"
    if on_path == "an old one":
        old.write_text("#!/bin/sh\necho 'Redis server v=5.0.7 sha=00000000:0'\n")
        old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EmbeddedError, match=r"Install redis-server .* POSTHORN_REDIS_URL"):
        redis_module.start_redis(tmp_path)
