"""Registrations from a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from messaging import accounts
from messaging.accounts import NewAccount
from messaging.runtime import Runtime
from messaging.settings import Settings
from tests.api.conftest import SECRET, Caller
from tests.journeys.household import Done, command, environment
from tests.sandbox.carrier import Sandbox, launch


@pytest.fixture
def terminal(tmp_path: Path, settings: Settings, caller: Caller) -> dict[str, str]:
    return environment(
        tmp_path,
        POSTHORN_DATABASE_URL=settings.database_url,
        POSTHORN_REDIS_URL=settings.redis_url,
        POSTHORN_SECRET_KEY=SECRET,
        POSTHORN_TENANT=caller.tenant.name,
    )


def test_a_number_is_registered_from_a_terminal(
    terminal: dict[str, str], caller: Caller, http: httpx.Client
) -> None:
    def run(*words: str) -> Done:
        done = command(*words, env=terminal)
        assert done.returncode == 0, done.stderr
        return done

    def shown(*words: str) -> Any:
        return json.loads(run(*words, "-o", "json").stdout)

    run("registration", "brand", "acme", "--status=active", "--provider-id=BN1")
    words = ("--brand=acme", "--status=verified", "--no-links")
    run("registration", "campaign", "alerts", *words)
    run("senders", "add", "+12025550150", "--account=main", "--campaign=alerts")
    run("senders", "add", "+18885550150", "--account=main")
    by_address = {s["address"]: s for s in shown("senders", "list")}
    assert by_address["+12025550150"]["standing"] == "clear"
    assert by_address["+12025550150"]["reply_owner"] == "provider"
    assert by_address["+18885550150"]["standing"] == "toll_free_not_verified"
    assert by_address["+18885550150"]["reply_owner"] == "network"
    toll_free = ("senders", "change", "+18885550150")
    assert "clear" in run(*toll_free, "--verification=verified").stderr
    off = run("senders", "change", str(caller.sender.id), "--campaign=", "--reply-owner=self")
    assert "campaign_not_verified" in off.stderr
    run("registration", "brand", "acme", "--status=active", "--segments-per-day=2000")
    assert [b["name"] for b in shown("registration", "brands")] == ["acme", "main"]
    (alerts, _main) = shown("registration", "campaigns")
    assert (alerts["name"], alerts["has_links"]) == ("alerts", False)
    assert len(http.get("/v1/senders").json()["data"]) == 3


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = launch()
    yield made
    made.stop()


def test_a_terminal_has_the_provider_asked_at_once(
    terminal: dict[str, str], caller: Caller, http: httpx.Client, rt: Runtime, sandbox: Sandbox
) -> None:
    there = NewAccount("twilio", "there", sandbox.account, sandbox.token, sandbox.url)
    accounts.add(rt, caller.tenant, there)

    def run(*words: str) -> Done:
        done = command("registration", *words, env=terminal)
        assert done.returncode == 0, done.stderr
        return done

    brand, verification = "BN" + "d4" * 16, "HH" + "d4" * 16
    for sid, status in ((brand, "APPROVED"), (verification, "TWILIO_APPROVED")):
        said = {"sid": sid, "status": status}
        sandbox.http.post("/sandbox/registrations", json=said).raise_for_status()
    run("brand", "acme", "--status=pending", f"--provider-id={brand}", "--account=there")
    command("senders", "add", "+18885550150", "--account=there", env=terminal)
    words = ("senders", "change", "+18885550150", f"--provider-id={verification}")
    assert command(*words, env=terminal).returncode == 0
    assert "2 changed" in run("refresh").stderr
    assert http.get("/v1/brands").json()["data"][0]["status"] == "active"
    by_address = {s["address"]: s for s in http.get("/v1/senders").json()["data"]}
    number = by_address["+18885550150"]
    assert (number["verification"], number["standing"]) == ("verified", "clear")
    assert number["provider_verification_id"] == verification
    assert "2 unchanged" in run("refresh").stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("registration", "campaign", "x", "--brand=none", "--status=pending"), 2, "brand"),
        (
            ("registration", "brand", "x", "--status=active", "--segments-per-day=0"),
            2,
            "equal to 1",
        ),
        (("senders", "add", "+12025550150", "--account=main", "--campaign=x"), 2, "main"),
    ],
)
def test_a_mistake_at_the_terminal_is_a_sentence(
    terminal: dict[str, str], words: tuple[str, ...], status: int, said: str
) -> None:
    done = command(*words, env=terminal)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
