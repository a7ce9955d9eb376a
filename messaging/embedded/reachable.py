"""Do the configured servers answer, and are they new enough? A sentence for the operator if not."""

from __future__ import annotations

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from messaging.embedded.server import EmbeddedError

CONNECT_TIMEOUT = 3
OLDEST_POSTGRES = 15
OLDEST_REDIS = (6, 2)


def check_reachable(database_url: str, redis_url: str) -> None:
    """Connect to both servers once.

    Raises:
        EmbeddedError: one does not answer within three seconds, refuses us, or is older than
            PostgreSQL 15 or Redis 6.2. The text names the setting, never the password.
    """
    check_database(database_url)
    check_redis(redis_url)


def check_database(database_url: str) -> None:
    """The half of `check_reachable` that asks Postgres.

    Raises:
        EmbeddedError: as there.
    """
    _check_postgres(_parse("POSTHORN_DATABASE_URL", database_url))


def check_redis(redis_url: str) -> None:
    """The half of `check_reachable` that asks Redis.

    Raises:
        EmbeddedError: as there.
    """
    _check_redis(_parse("POSTHORN_REDIS_URL", redis_url))


def _parse(setting: str, text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # What the parser says may quote a password, so nothing of it is repeated.
        raise EmbeddedError(
            f"{setting} is not a URL. It looks like scheme://user:password@host:port/name, "
            "with special characters in the password percent-encoded."
        ) from None


def _check_postgres(url: URL) -> None:
    setting = "POSTHORN_DATABASE_URL"
    if not url.drivername.startswith("postgres"):
        raise EmbeddedError(
            f"{setting} must begin with postgresql:// (it has {url.drivername}://)."
        )
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(plain, connect_timeout=CONNECT_TIMEOUT) as connection:
            version = connection.info.server_version // 10_000
    except psycopg.Error as problem:
        raise _unreachable(setting, "PostgreSQL", url, problem) from None
    if version < OLDEST_POSTGRES:
        raise EmbeddedError(
            f"The PostgreSQL of {setting} is version {version}; {OLDEST_POSTGRES} or newer is needed."
        )


def _check_redis(url: URL) -> None:
    setting = "POSTHORN_REDIS_URL"
    if url.drivername not in {"redis", "rediss", "unix"}:
        raise EmbeddedError(
            f"{setting} must begin with redis:// or rediss:// (it has {url.drivername}://)."
        )
    try:
        with redis.Redis.from_url(
            url.render_as_string(hide_password=False),
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=CONNECT_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            said = str(client.info("server")["redis_version"])
    except redis.AuthenticationError as problem:
        needed = redis.AuthenticationError("it asks for a password")
        raise _unreachable(setting, "Redis", url, problem if url.password else needed) from None
    except (redis.RedisError, OSError, ValueError) as problem:
        raise _unreachable(setting, "Redis", url, problem) from None
    if tuple(int(part) for part in said.split(".")[:2]) < OLDEST_REDIS:
        raise EmbeddedError(f"The Redis of {setting} is version {said}; 6.2 or newer is needed.")


def _unreachable(setting: str, name: str, url: URL, problem: Exception) -> EmbeddedError:
    reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
    for secret in {str(url.password or ""), url.render_as_string(hide_password=False)} - {""}:
        reason = reason.replace(secret, "***")
    where = url.render_as_string(hide_password=True)
    return EmbeddedError(
        f"{name} cannot be used at {where}: {reason}. Start it, correct {setting}, or remove {setting} "
        "to let Posthorn start a server of its own."
    )
