"""A campaign's plan over HTTP and from a terminal: before there is a campaign, and beside what came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from messaging import access, expansion
from messaging.access import Asked
from messaging.domain.scopes import Scope
from messaging.runtime import Runtime
from tests.api.conftest import Caller
from tests.api.test_campaigns import NOBODY, PATH, PEOPLE, make, step
from tests.api.test_endpoints_command_line import Run, run, shown

__all__ = ["run"]
ASKED: dict[str, Any] = {
    "name": "planned",
    "body": "Hi {{first_name}}",
    "category": "NOTIFICATION",
    "recipients": [*PEOPLE, {"to": "+12025550105"}],
}


def test_a_campaign_nobody_made_has_a_plan_and_leaves_nothing(http: httpx.Client) -> None:
    make(http, "planned")  # a name that is taken says nothing against a plan
    before = http.get(PATH).json()["data"]
    answer = http.post(f"{PATH}/plan", json=ASKED)
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert (plan["recipients"], plan["to_send"], plan["segments"]) == (6, 5, 5)
    assert plan["skipped"] == {"no_first_name": 1}
    assert sum(plan["senders"].values()) == 5
    assert http.get(PATH).json()["data"] == before


def test_the_plan_of_a_draft_is_the_same(http: httpx.Client) -> None:
    made = http.post(PATH, json=ASKED).json()
    kept = step(http, made, "plan")
    unmade = http.post(f"{PATH}/plan", json=ASKED).json()
    for plan in (kept, unmade):
        assert plan.pop("earliest_finish")
    assert kept == unmade


def test_what_could_not_be_made_has_no_plan(http: httpx.Client) -> None:
    answer = http.post(f"{PATH}/plan", json=ASKED | {"body": "Hi {{nick}}", "from": "+12025550177"})
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} >= {"#/body"}
    answer = http.post(
        f"{PATH}/plan", json=ASKED | {"body": "Hi", "recipients": [{"to": "nobody"}]}
    )
    assert answer.json()["errors"][0]["pointer"] == "#/recipients/0/to"


def test_a_plan_needs_the_scope_of_campaigns(
    http: httpx.Client, rt: Runtime, caller: Caller
) -> None:
    def asks(scope: Scope) -> int:
        key, _ = access.create(rt, caller.tenant, Asked(scope.value, scopes=frozenset({scope})))
        headers = {"Authorization": f"Bearer {key}"}
        return http.post(f"{PATH}/plan", json=ASKED, headers=headers).status_code

    assert [asks(Scope.CAMPAIGNS), asks(Scope.MESSAGES_SEND)] == [200, 403]


def test_a_plan_is_nobody_elses(http: httpx.Client, stranger: Caller) -> None:
    made = make(http, "own plan")
    theirs = http.post(f"{PATH}/{made['id']}/plan", headers=stranger.headers)
    assert (theirs.status_code, http.post(f"{NOBODY}/plan").status_code) == (404, 404)


def finished(http: httpx.Client, rt: Runtime) -> Any:
    """A campaign that was planned, and of whose messages all but one were taken."""
    made = http.post(PATH, json=ASKED | {"name": "done"}).json()
    step(http, made, "plan")
    step(http, made, "start")
    expansion.run(rt)
    with rt.engine.begin() as db:
        for statement in (
            "UPDATE messages SET status = 'sent', sender_id = (SELECT id FROM senders LIMIT 1)",
            """UPDATE messages SET status = 'blocked_compliance', status_reason = 'opted_out'
               WHERE recipient = '+12025550100'""",
            "DELETE FROM ready",
            "UPDATE campaigns SET next_at = now()",
        ):
            db.execute(sa.text(statement))
    expansion.run(rt)
    return made


def test_what_came_stands_beside_the_plan(http: httpx.Client, rt: Runtime) -> None:
    made = finished(http, rt)
    found = http.get(f"{PATH}/{made['id']}").json()
    assert found["state"] == "finished"
    actual = found["actual"]
    assert (actual["sent"], actual["segments"], actual["failed"]) == (4, 4, {})
    assert actual["skipped"] == {"no_first_name": 1}
    assert actual["blocked"] == {"opted_out": 1}
    assert list(actual["senders"].values()) == [4]
    assert actual["started_at"] == found["started_at"]
    told = {line["what"]: line for line in found["comparison"]}
    assert told["sent"] == {"what": "sent", "plan": 5, "actual": 4, "error_percent": 25.0}
    assert told["blocked: opted_out"]["error_percent"] == -100.0
    assert told["skipped: no_first_name"]["error_percent"] == 0.0
    assert told["cost"] == {"what": "cost", "plan": None, "actual": None, "error_percent": None}
    listed = next(c for c in http.get(PATH).json()["data"] if c["id"] == made["id"])
    assert (listed["actual"], listed["comparison"]) == (None, None)


def test_a_terminal_shows_them_side_by_side(run: Run, rt: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "campaign.json"
    file.write_text(json.dumps(ASKED | {"name": "from a file"}))
    foretold = shown(run, "campaigns", "foretell", str(file))
    assert (foretold["to_send"], shown(run, "campaigns", "list")) == (5, [])
    made = shown(run, "campaigns", "create", str(file))
    assert shown(run, "campaigns", "plan", made["id"])["segments"] == 5
    assert run("campaigns", "start", made["id"]).returncode == 0
    expansion.run(rt)
    with rt.engine.begin() as db:
        db.execute(sa.text("UPDATE messages SET status = 'sent'"))
        db.execute(sa.text("DELETE FROM ready"))
        db.execute(sa.text("UPDATE campaigns SET next_at = now()"))
    expansion.run(rt)
    table = run("campaigns", "show", made["id"]).stdout
    assert [line.split() for line in table.splitlines() if line.startswith("sent ")] == [
        ["sent", "5", "5", "0.0"]
    ]
    assert shown(run, "campaigns", "show", made["id"])["comparison"][1]["what"] == "segments"
