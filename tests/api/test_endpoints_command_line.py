"""Endpoints and replays from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from messaging.runtime import Runtime
from messaging.settings import Settings
from tests.api.conftest import SECRET, Caller
from tests.api.test_endpoints import deliver
from tests.journeys.household import Done, command, environment
from tests.receiver import receiver

Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, settings: Settings, caller: Caller) -> Run:
    env = environment(
        tmp_path,
        POSTHORN_DATABASE_URL=settings.database_url,
        POSTHORN_REDIS_URL=settings.redis_url,
        POSTHORN_SECRET_KEY=SECRET,
        POSTHORN_TENANT=caller.tenant.name,
        POSTHORN_CALLBACK_NETWORKS="127.0.0.0/8",
    )
    return lambda *words: command(*words, env=env)


def shown(run: Run, *words: str) -> Any:
    done = run(*words, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_endpoints_are_added_changed_tried_and_removed(run: Run, rt: Runtime) -> None:
    with receiver() as customer:
        made = shown(run, "endpoints", "add", customer.url, "--event=message.failed")
        assert made["secret"].startswith("whsec_")
        assert [e["events"] for e in shown(run, "endpoints", "list")] == [["message.failed"]]
        changed = shown(run, "endpoints", "change", made["id"], "--disable")
        assert changed["enabled"] is False
        refused = run("endpoints", "test", made["id"])
        assert (refused.returncode, "enable it first" in refused.stderr) == (1, True)
        shown(run, "endpoints", "change", made["id"], "--enable", "--event=message.sent")
        rotated = shown(run, "endpoints", "rotate", made["id"])
        assert run("endpoints", "test", made["id"], "--event=message.sent").returncode == 0
        customer.says(500)
        deliver(rt)
        (dead,) = shown(run, "endpoints", "notices", made["id"], "--state=dead")
        assert (dead["tries"], dead["last_error"]) == (1, "broken")
        customer.says(204)
        again = shown(run, "replay", made["id"], "2020-01-01T00:00:00Z")
        assert again["replayed"] == 1
        deliver(rt)
        assert customer.heard[-1].verified(rotated["secret"])
        assert shown(run, "replay", made["id"], "2020-01-01T00:00:00Z")["replayed"] == 0
        assert shown(run, "replay", made["id"], "2020-01-01T00:00:00Z", "--all")["replayed"] == 1
        assert run("endpoints", "remove", made["id"]).returncode == 0
        assert shown(run, "endpoints", "list") == []


def test_what_may_not_be_posted_to_is_said(run: Run) -> None:
    done = run("endpoints", "add", "https://10.0.0.1/")
    assert done.returncode != 0
    assert "POSTHORN_CALLBACK_NETWORKS" in done.stderr
    assert run("replay", "00000000-0000-0000-0000-000000000000", "soon").returncode == 2
