"""Postgres: how to connect, and what a transaction is. Each table family has its own module.

Store modules are functions that take a connection; they hold SQL and no decisions.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine

# No statement of ours is slow on purpose; these bound the ones that are by accident, and a
# transaction that forgot itself must not hold back vacuum.
_SESSION = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    # Ours are short; compiling one takes longer than it does.
    "jit": "off",
    # Times are told as UTC in sentences, whatever the server's own zone is.
    "TimeZone": "UTC",
}


def driver_url(url: str) -> sa.URL:
    """`url` with psycopg named as the driver, whichever way it was written."""
    parsed = sa.make_url(url)
    return parsed.set(drivername="postgresql+psycopg")


def connect(url: str, *, name: str, pool_size: int = 5) -> Engine:
    """An engine for one process; `name` shows in `pg_stat_activity`.

    Connections are checked before use, so a restarted server costs one reconnect and no error.
    """
    options = " ".join(f"-c {key}={value}" for key, value in _SESSION.items())
    engine = sa.create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_recycle=300,
        hide_parameters=True,
        connect_args={
            "application_name": f"posthorn-{name}",
            "connect_timeout": 5,
            "options": options,
            "tcp_user_timeout": 5000,
        },
    )

    @event.listens_for(engine, "connect")
    def _prepare_early(connection: object, _record: object) -> None:
        # The hot statements are few and repeated for ever: prepare them on second sight.
        connection.prepare_threshold = 2  # type: ignore[attr-defined]

    return engine
