"""Keys and the audit log from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from messaging import access
from messaging.domain.errors import UnauthorizedError
from messaging.domain.scopes import Scope
from messaging.runtime import Runtime
from messaging.settings import Settings
from tests.api.conftest import SECRET, Caller
from tests.journeys.household import Done, command, environment

Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, settings: Settings, caller: Caller) -> Run:
    env = environment(
        tmp_path,
        POSTHORN_DATABASE_URL=settings.database_url,
        POSTHORN_REDIS_URL=settings.redis_url,
        POSTHORN_SECRET_KEY=SECRET,
        POSTHORN_TENANT=caller.tenant.name,
    )
    return lambda *words: command(*words, env=env)


def shown(run: Run, *words: str) -> Any:
    done = run(*words, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_key_is_made_shown_and_ended(run: Run, rt: Runtime, caller: Caller) -> None:
    made = run(
        "keys", "create", "--name=shop", "--scope=messages:send", "--scope=messages:read",
        "--expires-in=90d", "--requests-per-minute=600",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    found = access.identify(rt, key)
    assert found.scopes == frozenset({Scope.MESSAGES_SEND, Scope.MESSAGES_READ})
    assert (found.tenant, found.per_minute) == (caller.tenant, 600)
    line = shown(run, "keys", "list")[-1]
    assert (line["name"], line["kind"], line["revoked_at"]) == ("shop", "live", None)
    view = access.found(rt, caller.tenant, line["id"])
    assert view.expires_at is not None
    assert timedelta(days=89) < view.expires_at - rt.now() < timedelta(days=91)
    assert key not in run("keys", "list").stdout
    assert run("keys", "revoke", key).returncode == 0
    assert run("keys", "revoke", key).returncode == 1
    with pytest.raises(UnauthorizedError):
        access.identify(rt, key)
    lines = shown(run, "audit", "--limit=2")
    assert [(e["action"], e["target"], e["key_id"]) for e in lines] == [
        ("key.revoked", line["id"], None),
        ("key.created", line["id"], None),
    ]
    assert [e["action"] for e in shown(run, "audit", "--action=key.revoked")] == ["key.revoked"]


def test_a_test_key_and_what_it_cannot_be(run: Run) -> None:
    made = run("keys", "create", "--test")
    assert made.stdout.startswith("ph_test_"), made.stderr
    for wrong in (["--test", "--scope=policy"], ["--expires-in=soon"], ["--scope=everything"]):
        assert run("keys", "create", *wrong).returncode == 2, wrong
