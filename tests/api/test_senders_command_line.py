"""Senders, pools and bindings from a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from messaging.settings import Settings
from tests.api.conftest import SECRET, Caller
from tests.journeys.household import Done, command, environment


@pytest.fixture
def terminal(tmp_path: Path, settings: Settings, caller: Caller) -> dict[str, str]:
    return environment(
        tmp_path,
        POSTHORN_DATABASE_URL=settings.database_url,
        POSTHORN_REDIS_URL=settings.redis_url,
        POSTHORN_SECRET_KEY=SECRET,
        POSTHORN_TENANT=caller.tenant.name,
    )


class Terminal:
    """Commands that must succeed."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env

    def run(self, *words: str) -> Done:
        done = command(*words, env=self._env)
        assert done.returncode == 0, done.stderr
        return done

    def shown(self, *words: str) -> Any:
        return json.loads(self.run(*words, "-o", "json").stdout)

    def senders(self) -> dict[str, Any]:
        return {s["address"]: s for s in self.shown("senders")}


@pytest.fixture
def here(terminal: dict[str, str]) -> Terminal:
    return Terminal(terminal)


def test_senders_are_added_changed_and_retired(here: Terminal, tmp_path: Path) -> None:
    here.run(
        "senders", "add", "+12025550150", "+12025550151", "--account=main", "--pool=main",
        "--pool=side", "--capability=sms", "--capability=mms", "--owner=ann", "--ramp=10,20",
        "--daily-recipients=50", "--campaign=main",
    )  # fmt: skip
    here.run("senders", "add", "17841400000000000", "--channel=instagram_dm")
    found = here.senders()
    assert found["+12025550150"]["pools"] == ["main", "side"]
    assert found["+12025550150"]["today"] == "0 segments, 0 of 10 people"
    assert (found["+12025550151"]["state"], found["+12025550151"]["warming"]) == ("fresh", True)
    assert found["17841400000000000"]["kind"] == "instagram"
    assert found["+12025550199"]["today"] == "0 segments"
    said = here.run(
        "senders", "change", "+12025550150", "--mps=3", "--owner=", "--ramp=", "--no-default",
        "--daily-recipients=0", "--pool=side", "--state=cordoned",
    )  # fmt: skip
    assert "state: cordoned, standing: clear" in said.stderr
    changed = here.senders()["+12025550150"]
    assert (changed["mps"], changed["owner"], changed["pools"]) == (3.0, None, ["side"])
    assert (changed["state"], changed["reason"]) == ("cordoned", "operator")
    here.run("senders", "retire", "+12025550151")
    assert "+12025550151" not in here.senders()
    file = tmp_path / "fleet.csv"
    file.write_text("address,pools\n72345,side\nAcme,side\n")
    assert "added 2" in here.run("senders", "import", str(file)).stderr
    assert here.shown("senders", "list") == here.shown("senders")


def test_the_table_shows_how_senders_stand(here: Terminal) -> None:
    head, row = here.run("senders").stdout.splitlines()
    columns = ["address", "state", "health", "headroom", "today", "pools", "standing", "reason"]
    assert head.split() == columns
    assert row.split() == [
        "+12025550199", "active", "no", "results", "100%", "0", "segments", "main", "clear",
    ]  # fmt: skip


def test_pools_are_made_filled_and_removed(here: Terminal) -> None:
    here.run("pools", "add", "side", "--region=US", "--no-sticky", "--segments-per-second=5")
    said = here.run("pools", "change", "side", "--add=+12025550199", "--local-km=10")
    assert "side has 1 senders and writes to US" in said.stderr
    (_, side) = here.shown("pools", "list")
    assert (side["sticky"], side["local_km"], side["senders"]) == (False, 10, 1)
    said = here.run(
        "pools", "change", "side", "--everywhere", "--remove=+12025550199",
        "--segments-per-second=0",
    )  # fmt: skip
    assert "wherever policy allows" in said.stderr
    assert here.shown("pools", "list")[1]["segments_per_second"] is None
    here.run("pools", "remove", "side")
    assert [pool["name"] for pool in here.shown("pools", "list")] == ["main"]


def test_bindings_are_set_listed_and_removed(here: Terminal, http: httpx.Client) -> None:
    here.run("bindings", "set", "campaign", "spring", "--pool=main")
    here.run("bindings", "set", "campaign", "spring", "--sender=+12025550199")
    here.run("bindings", "set", "tenant", "--account=main")
    found = here.shown("bindings", "list", "--kind=campaign")
    assert [(b["ref"], b["pool"], b["sender"]) for b in found] == [
        ("spring", "main", None),
        ("spring", None, "+12025550199"),
    ]
    assert len(http.get("/v1/bindings").json()["data"]) == 3
    assert "removed 1" in here.run("bindings", "remove", "campaign", "spring", "--pool=main").stderr
    assert "removed 1" in here.run("bindings", "remove", "tenant").stderr
    assert [b["kind"] for b in here.shown("bindings", "list")] == ["campaign"]


def test_an_account_is_limited(here: Terminal) -> None:
    assert "changed" in here.run("accounts", "change", "main", "--segments-per-second=5").stderr
    assert "changed" in here.run("accounts", "change", "main", "--segments-per-second=0").stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("senders", "add", "+1202555", "--account=main"), 2, "address"),
        (("senders", "add", "+12025550199"), 2, "already"),
        (("senders", "add", "+12025550150", "--account=none"), 2, "there are: main"),
        (("senders", "add", "+12025550150", "--ramp=slow"), 2, "ramp"),
        (("senders", "add", "+12025550150", "--capability=email"), 2, "nothing but"),
        (("senders", "change", "+12025550166", "--mps=2"), 1, "no sender"),
        (("senders", "change", "+12025550199"), 2, "at least one"),
        (("senders", "change", "+12025550199", "--campaign=none"), 2, "no 10DLC campaign"),
        (("senders", "change", "+12025550199", "--state=fresh"), 2, "state"),
        (("senders", "retire", "+12025550166"), 1, "no sender"),
        (("pools", "add", "main"), 1, "already"),
        (("pools", "change", "main"), 2, "--region"),
        (("pools", "change", "main", "--region=US", "--everywhere"), 2, "--everywhere"),
        (("pools", "change", "main", "--region=XX"), 2, "capital letters"),
        (("pools", "change", "none", "--region=US"), 1, "no pool"),
        (("pools", "remove", "main"), 1, "senders"),
        (("bindings", "set", "use_case", "x", "--sender=+12025550199"), 2, "one pool"),
        (("bindings", "set", "campaign", "x"), 2, "only one"),
        (("bindings", "remove", "campaign", "x"), 1, "no such binding"),
        (("accounts", "change", "none", "--segments-per-second=5"), 1, "no account"),
    ],
)
def test_a_mistake_at_the_terminal_is_a_sentence(
    terminal: dict[str, str], words: tuple[str, ...], status: int, said: str
) -> None:
    done = command(*words, env=terminal)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
